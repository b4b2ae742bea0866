//! From a value of `audit.events` to the event it holds and the schema that wrote it.

use aal_event::{AvroError, Event, Frame, WriterSchema, frame};
use aal_schema_registry::{Lookup, Registry, RegistryError};

/// An event and what it was written with.
#[derive(Debug)]
pub struct Written {
    pub event: Event,
    /// SHA-256 of the canonical form of the writer's schema: the leaf's `avro_schema_hash`.
    pub schema_sha256: [u8; 32],
}

/// Why a value is no event, for good.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    Avro(#[from] AvroError),
    #[error("{0}")]
    Schema(String),
}

/// Reads one value. A value in Confluent's framing needs a registry.
///
/// # Errors
/// The registry is away: the value cannot be judged yet.
pub async fn read(
    registry: Option<&Registry>,
    value: &[u8],
) -> Result<Result<Written, Unreadable>, RegistryError> {
    let frame = match frame(value) {
        Ok(frame) => frame,
        Err(error) => return Ok(Err(error.into())),
    };
    let (schema_id, datum) = match frame {
        Frame::SingleObject { fingerprint, .. } => return Ok(single_object(fingerprint, value)),
        Frame::Confluent { schema_id, datum } => (schema_id, datum),
    };
    let Some(registry) = registry else {
        return Ok(Err(AvroError::NoRegistry(schema_id).into()));
    };
    Ok(match registry.schema(schema_id).await? {
        Lookup::Unusable(reason) => Err(Unreadable::Schema(reason.to_string())),
        Lookup::Schema(schema) => decoded(schema.decode(datum), &schema),
    })
}

fn single_object(fingerprint: [u8; 8], value: &[u8]) -> Result<Written, Unreadable> {
    let schema = WriterSchema::committed(fingerprint).unwrap_or_else(WriterSchema::present);
    // Refuses an unknown fingerprint with its name.
    decoded(aal_event::decode(value), schema)
}

fn decoded(event: Result<Event, AvroError>, schema: &WriterSchema) -> Result<Written, Unreadable> {
    Ok(Written {
        event: event?,
        schema_sha256: schema.canonical_sha256(),
    })
}

#[cfg(test)]
mod tests {
    use aal_event::{SCHEMA_JSON, encode};
    use aal_fake_registry::{FakeRegistry, Manner};
    use aal_schema_registry::RegistryConfig;

    use super::*;

    fn event() -> Event {
        Event {
            application: "loans".into(),
            provider: Some("openai".into()),
            ..Event::default()
        }
    }

    /// The event as a producer with Confluent's serializer writes it.
    fn framed(schema_id: u32) -> Vec<u8> {
        let bytes = encode(&event()).unwrap();
        [&[0][..], &schema_id.to_be_bytes(), &bytes[10..]].concat()
    }

    #[tokio::test]
    async fn both_framings_give_the_event_and_its_schema() {
        let fake = FakeRegistry::start(None).await;
        let id = fake.register("audit.events-value", SCHEMA_JSON);
        let registry = Registry::new(&RegistryConfig::at(fake.url())).unwrap();
        for value in [encode(&event()).unwrap(), framed(id)] {
            let written = read(Some(&registry), &value).await.unwrap().unwrap();
            assert_eq!(written.event, event());
            assert_eq!(written.schema_sha256, aal_event::schema_hash());
        }
    }

    /// A writer that adds a field of its own: the leaf names its schema, not ours.
    #[tokio::test]
    async fn the_hash_is_that_of_the_writers_schema() {
        let mut schema: serde_json::Value = serde_json::from_str(SCHEMA_JSON).unwrap();
        let extra = serde_json::json!({"name": "region", "type": "string", "default": ""});
        schema["fields"].as_array_mut().unwrap().push(extra);
        let fake = FakeRegistry::start(None).await;
        let id = fake.register("audit.events-value", &schema.to_string());
        let registry = Registry::new(&RegistryConfig::at(fake.url())).unwrap();
        let mut value = framed(id);
        value.extend_from_slice(b"\x04eu");
        let written = read(Some(&registry), &value).await.unwrap().unwrap();
        assert_eq!(written.event, event());
        let theirs = WriterSchema::parse(&schema.to_string()).unwrap();
        assert_eq!(written.schema_sha256, theirs.canonical_sha256());
        assert_ne!(written.schema_sha256, aal_event::schema_hash());
    }

    #[tokio::test]
    async fn bad_values_are_unreadable_and_a_registry_that_is_away_is_an_error() {
        let fake = FakeRegistry::start(None).await;
        let registry = Registry::new(&RegistryConfig::at(fake.url())).unwrap();
        let reason = |read: Result<Written, Unreadable>| read.unwrap_err().to_string();
        assert!(reason(read(None, &framed(7)).await.unwrap()).contains("no schema registry is configured"));
        assert!(reason(read(Some(&registry), &framed(7)).await.unwrap()).contains("no schema with id 7"));
        assert!(reason(read(Some(&registry), b"").await.unwrap()).contains("0 bytes"));
        let unknown = [&[0xC3, 0x01][..], &[9; 12]].concat();
        assert!(reason(read(None, &unknown).await.unwrap()).contains("unknown schema fingerprint"));
        fake.behave(Manner::Status(503));
        assert!(read(Some(&registry), &framed(8)).await.is_err());
    }
}
