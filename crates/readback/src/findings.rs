//! From faults of rows to incidents.

use std::collections::BTreeMap;

use aal_announce::{Incident, Incidents, TellError};
use aal_ledger::ChainId;
use serde_json::{Map, Value, json};

use crate::walk::Fault;

/// A row that is not what was sealed.
pub const RECORD_MISMATCH: &str = "record_mismatch";
/// Rows that are gone.
pub const RECORD_MISSING: &str = "record_missing";
/// Rows that agree among themselves and not with the sealed root.
pub const CHAIN_MISMATCH: &str = "chain_mismatch";
/// The anchor store contradicts itself or the trust policy.
pub const ANCHOR_INCONSISTENT: &str = "anchor_inconsistent";
/// Nothing was checked for too long.
pub const STALLED: &str = "readback_stalled";

fn about(chain: ChainId, more: Value) -> Map<String, Value> {
    let mut about = Map::new();
    about.insert("tenant".to_owned(), chain.tenant.to_string().into());
    about.insert("shard".to_owned(), chain.shard.into());
    about.extend(more.as_object().cloned().unwrap_or_default());
    about
}

/// The incident that a fault is.
pub fn incident_of(chain: ChainId, fault: &Fault) -> Incident {
    match fault {
        Fault::Record {
            index,
            event_id,
            what,
        } => Incident {
            code: RECORD_MISMATCH,
            about: about(chain, json!({"index": index, "event_id": event_id})),
            reason: what.clone(),
        },
        Fault::Missing { first, last } => Incident {
            code: RECORD_MISSING,
            about: about(chain, json!({"index": first, "last_index": last})),
            reason: format!("{} sealed records are no longer stored", last - first + 1),
        },
        Fault::Root { what } => Incident {
            code: CHAIN_MISMATCH,
            about: about(chain, json!({})),
            reason: what.clone(),
        },
    }
}

/// What an incident concerns, for finding those that a good row puts an end to.
fn concerns(about: &Map<String, Value>, chain: ChainId, index: Option<u64>) -> bool {
    let is_chain = about.get("tenant").and_then(Value::as_str) == Some(chain.tenant.to_string().as_str())
        && about.get("shard").and_then(Value::as_u64) == Some(u64::from(chain.shard));
    is_chain && index.is_none_or(|index| about.get("index").and_then(Value::as_u64) == Some(index))
}

/// Ends the incidents of some codes about a chain, or about one of its records.
///
/// # Errors
/// The log does not take it; the next good reading ends them.
pub async fn end(
    incidents: &mut Incidents,
    codes: &[&str],
    chain: ChainId,
    index: Option<u64>,
) -> Result<(), TellError> {
    let open: BTreeMap<String, Map<String, Value>> =
        codes.iter().flat_map(|code| incidents.open_of(code)).collect();
    for (subject, about) in open {
        if concerns(&about, chain, index) {
            incidents
                .end(&subject, "what is stored agrees with what was sealed again")
                .await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_incident_names_the_record_by_plain_facts() {
        let chain = ChainId {
            tenant: Uuid::from_u128(7),
            shard: 3,
        };
        let fault = Fault::Record {
            index: 41,
            event_id: Uuid::from_u128(9),
            what: "column model differs".to_owned(),
        };
        let incident = incident_of(chain, &fault);
        assert!(concerns(&incident.about, chain, Some(41)));
        assert!(!concerns(&incident.about, chain, Some(42)));
        assert!(!concerns(&incident.about, ChainId { shard: 4, ..chain }, None));
        assert_eq!(incident.about["event_id"], Uuid::from_u128(9).to_string());
    }
}
