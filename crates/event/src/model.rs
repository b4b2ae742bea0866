//! The event as every part of the pipeline sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Kind;

/// One event, as produced to the topic `audit.events` (schema `schemas/audit_event.v1.avsc`).
///
/// The serde form of this type is the Avro form. The JSON form that applications send is read by
/// [`crate::parse_json`], which reports every error at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename = "AuditEvent")]
pub struct Event {
    pub kind: Kind,
    /// The idempotency key.
    #[serde(with = "uuid_text")]
    pub event_id: Uuid,
    #[serde(with = "uuid_text")]
    pub tenant: Uuid,
    pub application: String,
    pub environment: Option<String>,
    /// A claim of the source, microseconds since the Unix epoch.
    #[serde(rename = "occurred_at")]
    pub occurred_at_us: Option<i64>,
    /// When the edge took it, microseconds; absent when the application produced to Kafka itself.
    #[serde(rename = "edge_at")]
    pub edge_at_us: Option<i64>,
    /// The signed receipt that the edge answered with.
    pub receipt: Option<String>,
    pub decision_type: Option<String>,
    pub session_id: Option<String>,
    pub user_id: Option<String>,
    /// Personal data: always sealed.
    pub user_email: Option<String>,
    /// Personal data: always sealed.
    pub ip_address: Option<String>,
    /// The person the decision is about.
    pub subject: Option<Subject>,
    pub provider: Option<String>,
    pub operation: Option<String>,
    pub request: Option<ProviderRequest>,
    pub response: Option<ProviderResponse>,
    pub timing: Option<Timing>,
    pub error: Option<CallError>,
    /// The stream broke off.
    pub interrupted: bool,
    pub trace: Option<Trace>,
    pub source: Option<Source>,
    pub tags: BTreeMap<String, String>,
    /// A JSON object as text.
    pub metadata: Option<String>,
    pub phi: Option<bool>,
    pub outcome: Option<Outcome>,
    pub access: Option<Access>,
}

/// The person a decision is about; erasure and export go by it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    pub id: String,
    pub email: Option<String>,
}

/// What was sent to the provider, without credentials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProviderRequest {
    pub method: Option<String>,
    pub url: Option<String>,
    #[serde(with = "apache_avro::serde::bytes")]
    pub body: Vec<u8>,
}

/// What the provider answered; a stream is its raw bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProviderResponse {
    pub status: Option<i32>,
    pub content_type: Option<String>,
    #[serde(with = "apache_avro::serde::bytes")]
    pub body: Vec<u8>,
}

/// How long the call took, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    #[serde(rename = "started_at")]
    pub started_at_us: Option<i64>,
    pub first_token_us: Option<i64>,
    pub duration_us: Option<i64>,
}

/// Why a call failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallError {
    pub r#type: String,
    pub message: Option<String>,
}

/// W3C trace context, lower-case hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    pub trace_id: String,
    pub span_id: Option<String>,
    pub parent_span_id: Option<String>,
}

/// Which instance of which SDK sent it; `sequence` counts its events from 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Source {
    pub sdk: Option<String>,
    pub version: Option<String>,
    pub instance: String,
    pub epoch: i64,
    pub sequence: i64,
}

/// What became of a decision: appended, never rewritten.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    #[serde(with = "uuid_text")]
    pub target_event_id: Uuid,
    pub outcome: String,
    pub reviewer: Option<String>,
    pub r#override: bool,
    pub flag: bool,
    pub note: Option<String>,
}

/// Who read or changed what, and why; of a system kind, which service tells what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Access {
    pub actor: String,
    pub role: String,
    pub action: String,
    pub target_event_id: Option<String>,
    pub reason: Option<String>,
    /// A JSON object as text.
    pub detail: Option<String>,
}

impl Event {
    /// The Kafka key: tenant and session, so that a session stays in order; without a session the
    /// event's own id, and for an outcome the id of the event it belongs to.
    pub fn kafka_key(&self) -> String {
        let rest = match (&self.session_id, &self.outcome) {
            (Some(session_id), _) => session_id.clone(),
            (None, Some(outcome)) => outcome.target_event_id.to_string(),
            (None, None) => self.event_id.to_string(),
        };
        format!("{}:{}", self.tenant, rest)
    }
}

/// Avro holds UUIDs as text, which producers in every language can write.
mod uuid_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use uuid::Uuid;

    pub fn serialize<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&id.hyphenated().to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
        let text = String::deserialize(deserializer)?;
        Uuid::parse_str(&text).map_err(|_| D::Error::custom("not a UUID"))
    }
}
