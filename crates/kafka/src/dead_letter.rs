//! What a message on `audit.dead-letter` says of the message it was. Its value is that message's, verbatim.

use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

/// Longest reason that is kept, in bytes.
const MAX_REASON_BYTES: usize = 2_000;
const PARTITION: &str = "aal-partition";
const OFFSET: &str = "aal-offset";
const REASON: &str = "aal-reason";
const KEY: &str = "aal-key";

/// On a message of `audit.events` that was put there again: partition and offset where it was rejected.
pub const REPLAY_OF: &str = "aal-replay-of";

/// Where a rejected message stood on `audit.events`, and why it was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub partition: i32,
    pub offset: u64,
    /// The message's own key, as it came.
    pub key: Option<Vec<u8>>,
    /// Names fields and schemas; quotes no content.
    pub reason: String,
}

impl Rejected {
    /// As headers of the dead letter.
    pub fn to_headers(&self) -> OwnedHeaders {
        let end = self.reason.floor_char_boundary(MAX_REASON_BYTES);
        let headers = OwnedHeaders::new()
            .insert(text(PARTITION, &self.partition.to_string()))
            .insert(text(OFFSET, &self.offset.to_string()))
            .insert(text(REASON, &self.reason[..end]));
        match &self.key {
            None => headers,
            Some(key) => headers.insert(Header {
                key: KEY,
                value: Some(key.as_slice()),
            }),
        }
    }

    /// Reads the headers of a dead letter; none when they are not ours, or of a version that wrote none.
    pub fn of(message: &impl Message) -> Option<Rejected> {
        let headers = message.headers()?;
        let bytes = |name: &str| {
            let found = headers.iter().find(|header| header.key == name)?;
            found.value
        };
        let text = |name: &str| std::str::from_utf8(bytes(name)?).ok();
        Some(Rejected {
            partition: text(PARTITION)?.parse().ok()?,
            offset: text(OFFSET)?.parse().ok()?,
            key: bytes(KEY).map(<[u8]>::to_vec),
            reason: text(REASON)?.to_owned(),
        })
    }
}

/// The headers of a message that is put onto `audit.events` again.
pub fn replay_headers(partition: i32, offset: u64) -> OwnedHeaders {
    OwnedHeaders::new().insert(text(REPLAY_OF, &format!("{partition}:{offset}")))
}

fn text<'a>(key: &'a str, value: &'a str) -> Header<'a, &'a str> {
    Header {
        key,
        value: Some(value),
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::{Timestamp, message::OwnedMessage};

    use super::*;

    fn message(headers: Option<OwnedHeaders>) -> OwnedMessage {
        let (topic, at) = ("t".to_owned(), Timestamp::NotAvailable);
        OwnedMessage::new(None, None, topic, at, 0, 0, headers)
    }

    #[test]
    fn what_is_written_is_read() {
        for key in [None, Some(b"tenant:\xff".to_vec())] {
            let rejected = Rejected {
                partition: 3,
                offset: u64::MAX,
                key,
                reason: "unknown schema fingerprint 00".into(),
            };
            assert_eq!(
                Rejected::of(&message(Some(rejected.to_headers()))),
                Some(rejected)
            );
        }
    }

    #[test]
    fn long_reasons_are_cut_and_foreign_headers_are_none_of_ours() {
        let rejected = Rejected {
            partition: 0,
            offset: 0,
            key: None,
            reason: "ä".repeat(2_000),
        };
        let read = Rejected::of(&message(Some(rejected.to_headers()))).unwrap();
        assert_eq!(read.reason.len(), 2_000);
        assert_eq!(Rejected::of(&message(None)), None);
        assert_eq!(Rejected::of(&message(Some(replay_headers(1, 2)))), None);
    }
}
