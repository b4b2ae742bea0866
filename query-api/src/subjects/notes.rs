//! What officers must write, and how it reaches the ledger: in the erasable attributes, never in a header.

use aal_event::{Access, Event, Kind, OWN_APPLICATION};
use aal_service::Problem;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::call::Call;

/// A text that an officer must give: 1 to [`aal_erasure::MAX_NOTE_BYTES`] bytes.
pub(super) fn required(pointer: &str, text: Option<&str>) -> Result<String, Problem> {
    let text = text.unwrap_or_default().trim();
    let is_plain = !text
        .chars()
        .any(|character| character.is_control() && character != '\n');
    if (1..=aal_erasure::MAX_NOTE_BYTES).contains(&text.len()) && is_plain {
        return Ok(text.to_owned());
    }
    let message = format!(
        "is required: 1 to {} bytes without control characters",
        aal_erasure::MAX_NOTE_BYTES
    );
    Err(Problem::validation("a statement is missing").with_error(pointer, message))
}

/// Tells the ledger what an officer did about `tenant`. Durable when this returns; the same `parts` give the same id, so
/// that a repeated telling is recorded as a duplicate.
pub(super) async fn tell(
    call: &Call,
    kind: Kind,
    tenant: Uuid,
    parts: &[&str],
    at_us: i64,
    facts: Map<String, Value>,
    note: Value,
) -> Result<(), Problem> {
    let user = &call.scope.user;
    let mut detail = facts;
    // Nested values stay in the attributes, which can be erased.
    detail.insert("note".to_owned(), note);
    let action = parts.last().copied().unwrap_or_default();
    let event = Event {
        kind,
        event_id: aal_event::system_id(kind, parts),
        tenant,
        application: OWN_APPLICATION.to_owned(),
        occurred_at_us: Some(at_us),
        user_id: Some(user.id.to_string()),
        access: Some(Access {
            actor: user.id.to_string(),
            role: user.role.as_str().to_owned(),
            action: action.to_owned(),
            target_event_id: None,
            reason: None,
            detail: Some(Value::Object(detail).to_string()),
        }),
        ..Event::default()
    };
    call.app.send_event(&event).await
}
