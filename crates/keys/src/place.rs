//! What a key is wrapped for: it opens nowhere else.

use uuid::Uuid;

/// A place in the hierarchy of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The root of placeholders, lookups and derived secrets.
    Root,
    /// A tenant's key-encryption key.
    Kek {
        /// Whose.
        tenant: Uuid,
        /// From 1.
        epoch: u64,
    },
    /// A payload key.
    Payload {
        /// Its id.
        id: Uuid,
    },
}

impl Place {
    /// As names and values: the encryption context of a key service, which shows in its own audit log.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        match self {
            Place::Root => vec![("aal", "root".to_owned())],
            Place::Kek { tenant, epoch } => vec![
                ("aal", "kek".to_owned()),
                ("epoch", epoch.to_string()),
                ("tenant", tenant.to_string()),
            ],
            Place::Payload { id } => vec![("aal", "payload".to_owned()), ("id", id.to_string())],
        }
    }

    /// As bytes: `name=value` lines, ascending by name. No value holds a line break.
    pub fn bytes(&self) -> Vec<u8> {
        let lines = self.pairs().into_iter();
        let lines: String = lines.map(|(name, value)| format!("{name}={value}\n")).collect();
        lines.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart_and_keep_their_form() {
        let kek = Place::Kek {
            tenant: Uuid::from_u128(1),
            epoch: 2,
        };
        let text = "aal=kek\nepoch=2\ntenant=00000000-0000-0000-0000-000000000001\n";
        assert_eq!(kek.bytes(), text.as_bytes());
        assert_eq!(Place::Root.bytes(), b"aal=root\n");
        let payload = Place::Payload { id: Uuid::nil() };
        assert_eq!(
            payload.bytes(),
            b"aal=payload\nid=00000000-0000-0000-0000-000000000000\n"
        );
    }
}
