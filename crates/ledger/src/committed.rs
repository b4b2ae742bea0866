//! Which texts of a record are committed to and, by policy, not stored (docs/ledger-format.md, section 2.1).

use serde_json::Value;

use crate::jcs::Members;

/// Template slots whose absence the record's own header explains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommittedSlots {
    /// No slots are listed, and the record's content is `digest`: any template slot.
    is_any: bool,
    slots: Vec<u16>,
}

impl CommittedSlots {
    /// From the header's members `content` and `committed_slots`.
    pub fn read(content: Option<&Value>, slots: Option<&Value>) -> CommittedSlots {
        match slots.and_then(Value::as_array) {
            Some(slots) => CommittedSlots {
                is_any: false,
                slots: slots
                    .iter()
                    .filter_map(Value::as_u64)
                    .filter_map(|slot| u16::try_from(slot).ok())
                    .collect(),
            },
            None => CommittedSlots {
                is_any: content.and_then(Value::as_str) == Some("digest"),
                slots: Vec::new(),
            },
        }
    }

    /// From the members of a header.
    pub fn of(header: &Members<'_>) -> CommittedSlots {
        match header.get("committed_slots") {
            Some(slots) => CommittedSlots::read(None, Some(&slots.value())),
            None => CommittedSlots {
                is_any: header
                    .get("content")
                    .is_some_and(|content| content.is_string("digest")),
                slots: Vec::new(),
            },
        }
    }

    /// Whether this slot need not be stored.
    pub fn contains(&self, slot: u16) -> bool {
        self.is_any || self.slots.contains(&slot)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_listed_slots_may_be_absent_and_without_a_list_those_of_a_digest() {
        let digest = json!("digest");
        let listed = CommittedSlots::read(Some(&digest), Some(&json!([0, 6])));
        assert!(listed.contains(0) && listed.contains(6) && !listed.contains(3));
        assert!(CommittedSlots::read(Some(&digest), None).contains(3));
        assert!(!CommittedSlots::read(Some(&json!("redacted")), None).contains(0));
        let header = Members::read(br#"{"committed_slots":[1],"content":"digest"}"#).unwrap();
        assert_eq!(
            CommittedSlots::of(&header),
            CommittedSlots::read(Some(&digest), Some(&json!([1])))
        );
        let header = Members::read(br#"{"content":"digest"}"#).unwrap();
        assert!(CommittedSlots::of(&header).contains(3));
    }
}
