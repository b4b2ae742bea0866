//! What a service runs with, told when it differs from what the ledger last heard.

use aal_event::Kind;
use aal_ledger::{
    Hash, ZERO_HASH,
    hash::{sha256, to_hex},
    jcs::{self, JcsError},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{TellError, Teller};

/// What something is now.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// `ConfigChange`, `PriceTableChange` or `PolicyChange`.
    pub kind: Kind,
    /// What it is of, for example `processor` or `events-topic`.
    pub component: &'a str,
    /// Of all that matters; equal digests mean no change.
    pub digest: Hash,
    /// For readers, each told as `new_NAME` beside the `old_NAME` of the last telling.
    pub facts: Map<String, Value>,
}

/// The digest of a JSON value: SHA-256 of its RFC 8785 form.
///
/// # Errors
/// The value has no such form.
pub fn digest_of(value: &Value) -> Result<Hash, JcsError> {
    Ok(sha256(&jcs::to_vec(value)?))
}

impl Teller {
    /// Tells a change unless the ledger knows it already; says whether it told.
    ///
    /// # Errors
    /// [`TellError`].
    pub async fn changed(&self, change: Change<'_>) -> Result<bool, TellError> {
        let last = self
            .store
            .last_told(change.kind.as_str(), change.component)
            .await?;
        let known = last.as_ref().map(|told| told.facts()).unwrap_or_default();
        let new_digest = to_hex(&change.digest);
        let old_digest = known.get("new_digest").and_then(Value::as_str).map(str::to_owned);
        let old_digest = old_digest.unwrap_or_else(|| to_hex(&ZERO_HASH));
        if old_digest == new_digest {
            return Ok(false);
        }
        let mut detail = Map::new();
        detail.insert("component".to_owned(), change.component.into());
        for (name, value) in change.facts {
            if let Some(old) = known.get(&format!("new_{name}")) {
                detail.insert(format!("old_{name}"), old.clone());
            }
            detail.insert(format!("new_{name}"), value);
        }
        let last_id = last.map_or(Uuid::nil(), |told| told.event_id).to_string();
        let id = aal_event::system_id(change.kind, &[change.component, &last_id, &new_digest]);
        detail.insert("old_digest".to_owned(), old_digest.into());
        detail.insert("new_digest".to_owned(), new_digest.into());
        self.tell(self.event(change.kind, id, "change", detail), None)
            .await?;
        tracing::info!(
            kind = change.kind.as_str(),
            component = change.component,
            "told the ledger of a change"
        );
        Ok(true)
    }
}
