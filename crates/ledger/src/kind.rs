//! What a record is (ledger-format.md section 3.2).

use serde::{Deserialize, Serialize};

/// The kind of a record: one byte in the leaf, a name in columns and headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// A decision or call of a model.
    Event = 1,
    /// What became of a decision.
    Outcome = 2,
    /// Somebody read audit data.
    Access = 3,
    /// The same event again, same content.
    Duplicate = 4,
    /// The same event id again, other content.
    Conflict = 5,
    /// A message that could not be recorded; it is in the dead-letter topic.
    Rejected = 6,
    /// Offsets the topic no longer had.
    Gap = 7,
    /// Recorded without its content.
    Withheld = 8,
    /// Somebody changed users, keys, applications or policies.
    Admin = 9,
    /// Somebody asked for erasure.
    ErasureRequest = 10,
    /// Data keys were destroyed.
    ErasureDone = 11,
    /// A legal hold was set or lifted.
    LegalHold = 12,
    /// A signing key changed.
    KeyChange = 13,
    /// A shard began.
    ShardOpen = 14,
    /// A shard ended.
    ShardClose = 15,
    /// A sign of life.
    Heartbeat = 16,
    /// A later price for an earlier event.
    Reprice = 17,
    /// Something is wrong with the ledger, or is no longer.
    Incident = 18,
    /// A service runs with another configuration than before.
    ConfigChange = 19,
    /// Events are priced by another table than before.
    PriceTableChange = 20,
    /// Detector rules or the trust policy changed.
    PolicyChange = 21,
    /// Records past their retention were removed.
    Prune = 22,
    /// A clock made a step.
    Clock = 23,
    /// A call that is about to be made; the event of the call itself follows.
    Intent = 24,
}

impl Kind {
    /// All kinds in the order of their numbers.
    pub const ALL: [Kind; 24] = [
        Kind::Event,
        Kind::Outcome,
        Kind::Access,
        Kind::Duplicate,
        Kind::Conflict,
        Kind::Rejected,
        Kind::Gap,
        Kind::Withheld,
        Kind::Admin,
        Kind::ErasureRequest,
        Kind::ErasureDone,
        Kind::LegalHold,
        Kind::KeyChange,
        Kind::ShardOpen,
        Kind::ShardClose,
        Kind::Heartbeat,
        Kind::Reprice,
        Kind::Incident,
        Kind::ConfigChange,
        Kind::PriceTableChange,
        Kind::PolicyChange,
        Kind::Prune,
        Kind::Clock,
        Kind::Intent,
    ];

    /// The byte in the leaf.
    pub fn as_u8(self) -> u8 {
        self as u8
    }

    /// `None` for a number no kind has.
    pub fn from_u8(number: u8) -> Option<Kind> {
        let position = usize::from(number).checked_sub(1)?;
        Kind::ALL.get(position).copied()
    }

    /// The name in columns, headers and interfaces.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Event => "event",
            Kind::Outcome => "outcome",
            Kind::Access => "access",
            Kind::Duplicate => "duplicate",
            Kind::Conflict => "conflict",
            Kind::Rejected => "rejected",
            Kind::Gap => "gap",
            Kind::Withheld => "withheld",
            Kind::Admin => "admin",
            Kind::ErasureRequest => "erasure_request",
            Kind::ErasureDone => "erasure_done",
            Kind::LegalHold => "legal_hold",
            Kind::KeyChange => "key_change",
            Kind::ShardOpen => "shard_open",
            Kind::ShardClose => "shard_close",
            Kind::Heartbeat => "heartbeat",
            Kind::Reprice => "reprice",
            Kind::Incident => "incident",
            Kind::ConfigChange => "config_change",
            Kind::PriceTableChange => "price_table_change",
            Kind::PolicyChange => "policy_change",
            Kind::Prune => "prune",
            Kind::Clock => "clock",
            Kind::Intent => "intent",
        }
    }

    /// Whether the record's event id is the sender's idempotency key, under which nothing else may be recorded. Of
    /// the other kinds the id, if there is one, is that of a record already there or of a message that is none.
    pub fn is_idempotent(self) -> bool {
        !matches!(
            self,
            Kind::Duplicate | Kind::Conflict | Kind::Rejected | Kind::Gap
        )
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_those_of_the_format() {
        for (position, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(kind.as_u8()), position + 1);
            assert_eq!(Kind::from_u8(kind.as_u8()), Some(kind));
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(Kind::from_u8(0), None);
        assert_eq!(Kind::from_u8(25), None);
        assert_eq!(Kind::from_name("Event"), None);
    }
}
