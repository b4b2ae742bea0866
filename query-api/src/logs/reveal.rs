//! Opens the sealed values of one record, for a stated and recorded reason.

use aal_record::SLOT_OVERFLOW;
use aal_seal::{Commitments, DataKey, KeyRef, SlotContext};
use aal_service::Problem;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::app::{App, key_problem};
use crate::logs::detail::DetailRow;
use crate::logs::disclosure::Disclosure;

/// Token or field name to clear value, of the slots that were granted and no others. A value whose key was erased is
/// `null`. Each value is checked against the leaf's commitment before it is shown.
pub(crate) async fn reveal(app: &App, record: &DetailRow, disclosure: &Disclosure) -> Result<Value, Problem> {
    let mut revealed = Map::new();
    for granted in &disclosure.granted {
        let sealed = &granted.sealed;
        let key = KeyRef {
            subject_key_id: sealed.subject_key_id,
            version: sealed.key_ver,
        };
        let context = SlotContext {
            tenant: record.tenant,
            event_id: record.event_id,
            slot: sealed.slot,
            key,
        };
        let expected = Commitments {
            pt_commit: sealed.pt_commit,
            key_commit: sealed.key_commit,
        };
        let clear = match data_key(app, record.tenant, key).await? {
            None => None,
            Some(data_key) => {
                let opened = data_key
                    .open(&context, &record.sealed_values[granted.position], &expected)
                    .map_err(|error| {
                        tracing::error!(%error, event_id = %record.event_id, slot = sealed.slot, "sealed value does not open");
                        Problem::internal("a sealed value does not open; run audit verify")
                    })?;
                Some(String::from_utf8_lossy(&opened).into_owned())
            }
        };
        if sealed.slot == SLOT_OVERFLOW {
            unpack(&mut revealed, clear, disclosure);
        } else {
            revealed.insert(granted.name.clone(), clear.into());
        }
    }
    Ok(Value::Object(revealed))
}

/// Values that share one slot; each is shown only if its own kind was granted.
fn unpack(revealed: &mut Map<String, Value>, packed: Option<String>, disclosure: &Disclosure) {
    let Some(packed) = packed else { return };
    let pairs: Vec<(String, String)> = serde_json::from_str(&packed).unwrap_or_default();
    let granted = pairs
        .into_iter()
        .filter(|(token, _)| disclosure.grant.covers_token(token));
    revealed.extend(granted.map(|(token, value)| (token, value.into())));
}

async fn data_key(app: &App, tenant: Uuid, key: KeyRef) -> Result<Option<DataKey>, Problem> {
    let opened = app.keys.data_key(tenant, key.subject_key_id, key.version).await;
    opened.map_err(|error| key_problem(&error))
}
