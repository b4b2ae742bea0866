//! Payloads that brokers must not read: where a producer asks for them to be sealed.

use crate::{DEAD_LETTER, EVENTS};

/// A record as it goes to Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRecord {
    /// Stands for the record's key: equal for equal keys, and tells nothing else of them.
    pub key: Vec<u8>,
    /// The sealed value.
    pub value: Vec<u8>,
}

/// Seals what goes to the topics that hold what applications sent.
pub trait PayloadSealer: Send + Sync + std::fmt::Debug {
    /// Seals a record. A value that is sealed already stays as it is.
    ///
    /// # Errors
    /// Why it cannot be sealed at the moment; it is then not sent.
    fn seal(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<SealedRecord, String>;
}

/// Whether a topic holds what applications sent, personal data included.
pub(crate) fn is_sealed(topic: &str) -> bool {
    matches!(topic, EVENTS | DEAD_LETTER)
}
