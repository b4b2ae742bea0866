//! Opens the sealed values of one record, for a stated and recorded reason.

use aal_ledger::Leaf;
use aal_record::{SLOT_IP_ADDRESS, SLOT_OVERFLOW, SLOT_SUBJECT_EMAIL, SLOT_USER_EMAIL};
use aal_seal::{Commitments, DataKey, KeyRef, SlotContext};
use aal_service::Problem;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::app::{App, key_problem};
use crate::logs::detail::DetailRow;

/// Token or field name to clear value. A value whose key was erased is `null`.
pub(crate) async fn reveal(app: &App, record: &DetailRow) -> Result<Value, Problem> {
    let leaf = Leaf::decode(&record.leaf).map_err(|error| {
        tracing::error!(%error, event_id = %record.event_id, "stored leaf does not decode");
        Problem::internal("the stored leaf cannot be read; run audit verify")
    })?;
    let attributes: Value = serde_json::from_str(&record.attributes).unwrap_or_default();
    let mut revealed = Map::new();
    for (slot, ciphertext) in record.sealed_slots.iter().zip(&record.sealed_values) {
        let Some(sealed) = leaf.slots.iter().find(|candidate| candidate.slot == *slot) else {
            continue;
        };
        let key = KeyRef {
            subject_key_id: sealed.subject_key_id,
            version: sealed.key_ver,
        };
        let context = SlotContext {
            tenant: record.tenant,
            event_id: record.event_id,
            slot: *slot,
            key,
        };
        let expected = Commitments {
            pt_commit: sealed.pt_commit,
            key_commit: sealed.key_commit,
        };
        let clear = match data_key(app, record.tenant, key).await? {
            None => None,
            Some(data_key) => {
                let opened = data_key.open(&context, ciphertext, &expected).map_err(|error| {
                    tracing::error!(%error, event_id = %record.event_id, slot, "sealed value does not open");
                    Problem::internal("a sealed value does not open; run audit verify")
                })?;
                Some(String::from_utf8_lossy(&opened).into_owned())
            }
        };
        name_values(&mut revealed, &attributes, *slot, clear);
    }
    Ok(Value::Object(revealed))
}

fn name_values(revealed: &mut Map<String, Value>, attributes: &Value, slot: u16, clear: Option<String>) {
    let fixed = match slot {
        SLOT_USER_EMAIL => Some("user_email"),
        SLOT_IP_ADDRESS => Some("ip_address"),
        SLOT_SUBJECT_EMAIL => Some("subject_email"),
        _ => None,
    };
    if let Some(name) = fixed {
        revealed.insert(name.to_owned(), clear.into());
        return;
    }
    if slot == SLOT_OVERFLOW
        && let Some(packed) = &clear
    {
        let pairs: Vec<(String, String)> = serde_json::from_str(packed).unwrap_or_default();
        revealed.extend(pairs.into_iter().map(|(token, value)| (token, value.into())));
        return;
    }
    let spans = attributes["redactions"].as_array();
    let span = spans
        .into_iter()
        .flatten()
        .find(|span| span["slot"].as_u64() == Some(u64::from(slot)));
    let token = span
        .and_then(|span| span["token"].as_str())
        .map_or_else(|| format!("slot {slot}"), str::to_owned);
    revealed.insert(token, clear.into());
}

async fn data_key(app: &App, tenant: Uuid, key: KeyRef) -> Result<Option<DataKey>, Problem> {
    let opened = app.keys.data_key(tenant, key.subject_key_id, key.version).await;
    opened.map_err(|error| key_problem(&error))
}
