//! Events that the layer's own services tell: of themselves, of the ledger, of a call about to be made.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Access, Event, Kind};

/// Application name of what the layer records about itself.
pub const OWN_APPLICATION: &str = "ai-audit-layer";

/// Namespace of the ids below (RFC 9562, section 5.5); a random one.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0f_7e4b_9a54_4c0e_8f0a_2d3c_51b7_e9d6);

/// The same for the same parts and different for different ones: who tells one thing twice, or two services that
/// tell it at once, tell it under one id, and the second telling is recorded as a duplicate.
pub fn system_id(kind: Kind, parts: &[&str]) -> Uuid {
    let mut name = kind.as_str().to_owned();
    for part in parts {
        // The length first, so that no two lists of parts give one name.
        name.push_str(&format!("|{}:{part}", part.len()));
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// The id of the intent of the call whose event will be `event_id`.
pub fn intent_id(event_id: Uuid) -> Uuid {
    system_id(Kind::Intent, &[&event_id.hyphenated().to_string()])
}

/// What a service tells.
#[derive(Clone, Debug)]
pub struct SystemEvent<'a> {
    pub kind: Kind,
    /// [`system_id`], or a fresh one for what can only happen once.
    pub event_id: Uuid,
    /// Nil: concerns the installation as a whole.
    pub tenant: Uuid,
    /// The service, for example `processor`.
    pub actor: &'a str,
    /// What happened, in a word, for example `start`.
    pub action: &'a str,
    pub target: Option<Uuid>,
    /// For people.
    pub reason: Option<String>,
    /// For machines; see [`crate::facts`] for what of it reaches the record's header.
    pub detail: Map<String, Value>,
    /// When it happened, µs; none for what several services may tell at once, whose bytes must then be the same.
    pub occurred_at_us: Option<i64>,
}

impl SystemEvent<'_> {
    /// The event as it is put on the log.
    pub fn into_event(self) -> Event {
        Event {
            kind: self.kind,
            event_id: self.event_id,
            tenant: self.tenant,
            application: OWN_APPLICATION.to_owned(),
            occurred_at_us: self.occurred_at_us,
            access: Some(Access {
                actor: self.actor.to_owned(),
                role: "service".to_owned(),
                action: self.action.to_owned(),
                target_event_id: self.target.map(|id| id.to_string()),
                reason: self.reason,
                detail: (!self.detail.is_empty()).then(|| Value::Object(self.detail).to_string()),
            }),
            ..Event::default()
        }
    }
}

/// The intent of a call: what is about to be asked, under an id of its own that follows from the event's. Once it
/// is acknowledged the call may be made; the event itself, with the answer, follows under its own id.
pub fn intent_of(event: &Event, actor: &str) -> Event {
    Event {
        kind: Kind::Intent,
        event_id: intent_id(event.event_id),
        // The sequence number is the event's: an intent must not look like a repetition of it.
        source: None,
        response: None,
        error: None,
        interrupted: false,
        timing: None,
        receipt: None,
        access: Some(Access {
            actor: actor.to_owned(),
            role: "service".to_owned(),
            action: "call".to_owned(),
            target_event_id: Some(event.event_id.to_string()),
            reason: None,
            detail: None,
        }),
        ..event.clone()
    }
}
