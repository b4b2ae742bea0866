//! What is known of a dead letter without showing its content.

use aal_event::{AvroError, Event, Frame, Limits, frame};
use aal_kafka::Rejected;
use aal_kafka::rdkafka::Message;
use aal_service::times::rfc3339_us;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One message of `audit.dead-letter`.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// Its offset on the dead-letter topic, which has one partition.
    pub(crate) dead_letter: u64,
    at_us: i64,
    /// None: written by a version that did not say.
    rejected: Option<Rejected>,
    /// The offset that such a version left in the key.
    key_offset: u64,
    bytes: usize,
    pub(crate) sha256: String,
    framing: String,
}

impl Letter {
    /// `value` is the message's, opened.
    pub(crate) fn of(message: &impl Message, value: &[u8]) -> Letter {
        let key = message.key().and_then(|key| <[u8; 8]>::try_from(key).ok());
        Letter {
            dead_letter: message.offset().max(0) as u64,
            at_us: message.timestamp().to_millis().unwrap_or(0) * 1_000,
            rejected: Rejected::of(message),
            key_offset: key.map_or(0, u64::from_be_bytes),
            bytes: value.len(),
            sha256: hex::encode(Sha256::digest(value)),
            framing: framing(value),
        }
    }

    /// Where the message stood on `audit.events`.
    pub(crate) fn partition(&self) -> Option<i32> {
        self.rejected.as_ref().map(|rejected| rejected.partition)
    }

    pub(crate) fn offset(&self) -> u64 {
        self.rejected
            .as_ref()
            .map_or(self.key_offset, |rejected| rejected.offset)
    }

    pub(crate) fn to_json(&self, replayed: bool) -> Value {
        json!({
            "dead_letter": self.dead_letter,
            "at": rfc3339_us(self.at_us),
            "partition": self.partition(),
            "offset": self.offset(),
            "reason": self.rejected.as_ref().map(|rejected| &rejected.reason),
            "bytes": self.bytes,
            "sha256": self.sha256,
            "framing": self.framing,
            "replayed": replayed,
        })
    }
}

fn framing(value: &[u8]) -> String {
    match frame(value) {
        Ok(Frame::SingleObject { fingerprint, .. }) => format!("single object {}", hex::encode(fingerprint)),
        Ok(Frame::Confluent { schema_id, .. }) => format!("confluent {schema_id}"),
        Err(_) => "none".to_owned(),
    }
}

/// The event, when this program can read it by itself, and what the processor would find wrong with it.
fn read(value: &[u8]) -> Result<Event, String> {
    let event = aal_event::decode(value).map_err(|error| error.to_string())?;
    let faults = aal_event::validate(&event, &Limits::DEFAULT);
    if faults.is_empty() {
        return Ok(event);
    }
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    Err(format!("invalid fields: {}", pointers.join(", ")))
}

/// Why a replay would be rejected for certain; none when it would not be, or when the schema registry decides.
pub(crate) fn certainly_refused(value: &[u8]) -> Option<String> {
    match frame(value) {
        Ok(Frame::Confluent { .. }) => None,
        _ => read(value).err(),
    }
}

/// What the present version makes of it.
pub(crate) fn verdict(value: &[u8]) -> String {
    match (aal_event::decode(value), certainly_refused(value)) {
        (Err(AvroError::NoRegistry(id)), _) => {
            format!("the processor asks its schema registry for schema id {id}")
        }
        (_, Some(reason)) => format!("would be rejected: {reason}"),
        (_, None) => "would be accepted".to_owned(),
    }
}

/// The key that keeps a session in order: the event's where it can be read, else the one it came with.
pub(crate) fn kafka_key(letter: &Letter, value: &[u8]) -> Vec<u8> {
    match read(value) {
        Ok(event) => event.kafka_key().into_bytes(),
        Err(_) => {
            let own = letter.rejected.as_ref().and_then(|rejected| rejected.key.clone());
            own.unwrap_or_else(|| letter.dead_letter.to_be_bytes().to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use aal_event::ProviderRequest;

    use super::*;

    fn event() -> Event {
        Event {
            event_id: uuid::Uuid::from_u128(7),
            tenant: uuid::Uuid::from_u128(8),
            application: "loans".into(),
            provider: Some("openai".into()),
            request: Some(ProviderRequest::default()),
            ..Event::default()
        }
    }

    #[test]
    fn the_present_verdict_names_what_is_wrong() {
        let good = aal_event::encode(&event()).unwrap();
        assert_eq!(
            (verdict(&good).as_str(), certainly_refused(&good)),
            ("would be accepted", None)
        );
        let bad = Event {
            application: String::new(),
            ..event()
        };
        let bad = aal_event::encode(&bad).unwrap();
        assert!(
            verdict(&bad).contains("invalid fields: /application"),
            "{}",
            verdict(&bad)
        );
        let confluent = [0, 0, 0, 0, 9, 1];
        assert!(verdict(&confluent).contains("schema id 9"));
        assert_eq!(certainly_refused(&confluent), None);
        assert!(
            certainly_refused(b"{\"application\": \"loans\"}")
                .unwrap()
                .contains("neither")
        );
    }
}
