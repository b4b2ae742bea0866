//! A record as it comes from the store, and its JSON form, one line of `GET /api/v1/verify/records`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Everything that is stored of one record. Nothing in it is trusted. Bytes are base64 in JSON, texts too, because
/// a damaged one need not be UTF-8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredRecord {
    pub shard: u32,
    pub block: u64,
    /// Position in the block.
    pub row: u32,
    /// Kafka offset as the table says it.
    pub offset: u64,
    pub tenant: Uuid,
    pub chain_index: u64,
    /// Name of the kind as the table says it.
    pub kind: String,
    pub event_id: Uuid,
    #[serde(with = "base64_bytes")]
    pub prev_leaf_hash: Vec<u8>,
    #[serde(with = "base64_bytes")]
    pub leaf_hash: Vec<u8>,
    #[serde(with = "base64_bytes")]
    pub leaf: Vec<u8>,
    #[serde(with = "base64_bytes")]
    pub header: Vec<u8>,
    /// Each template slot that has a salt or a text; none after erasure.
    #[serde(default)]
    pub templates: Vec<StoredTemplate>,
    /// Each sealed slot that is stored.
    #[serde(default)]
    pub ciphertexts: Vec<StoredCiphertext>,
    /// The projected columns by name, as [`crate::COLUMNS`] describes them.
    #[serde(default)]
    pub columns: Map<String, Value>,
}

/// A text stored in the clear with its salt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredTemplate {
    pub slot: u16,
    #[serde(with = "base64_bytes")]
    pub text: Vec<u8>,
    /// Absent when the table has a text and no salt for it, which is never right.
    #[serde(default, with = "base64_option", skip_serializing_if = "Option::is_none")]
    pub salt: Option<Vec<u8>>,
}

/// A sealed value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCiphertext {
    pub slot: u16,
    #[serde(with = "base64_bytes")]
    pub ciphertext: Vec<u8>,
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

mod base64_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Bytes(#[serde(with = "super::base64_bytes")] Vec<u8>);

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.clone().map(Bytes).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Bytes>::deserialize(deserializer)?.map(|Bytes(bytes)| bytes))
    }
}
