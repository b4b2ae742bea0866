//! Where a record stands in the ledger, and whether the newest epoch covers it.

use std::sync::Arc;

use aal_ledger::ChainHead;
use aal_ledger::hash::to_hex;
use aal_service::Problem;
use serde_json::{Value, json};

use crate::app::App;
use crate::ledger::anchors::Newest;
use crate::logs::{DetailRow, Place};

/// The newest epoch, if it covers the record.
pub(crate) struct Seal {
    pub(crate) newest: Arc<Newest>,
    pub(crate) head: ChainHead,
}

/// The seal over a record; `None` when no epoch covers it yet.
pub(crate) async fn seal_of(app: &App, record: Place) -> Result<Option<Seal>, Problem> {
    let Some(newest) = app.anchors.newest().await? else {
        return Ok(None);
    };
    let head = newest.head(record.chain()).copied();
    let head = head.filter(|head| head.size > record.chain_index);
    Ok(head.map(|head| Seal { newest, head }))
}

/// The ledger position shown with a record. A failing anchor store is shown as unknown, not hidden.
pub(crate) async fn position(app: &App, record: &DetailRow) -> Value {
    let place = record.placed().place;
    let (state, epoch, tree_size) = match seal_of(app, place).await {
        Ok(Some(seal)) => (
            "sealed",
            Some(seal.newest.epoch.manifest.epoch),
            Some(seal.head.size),
        ),
        Ok(None) => ("appended", None, None),
        Err(problem) => {
            tracing::warn!(%problem, "seal of a record is unknown");
            ("unknown", None, None)
        }
    };
    json!({
        "chain": place.chain().to_string(), "shard": record.shard, "index": record.chain_index,
        "leaf_hash": to_hex(&record.leaf_hash), "prev_leaf_hash": to_hex(&record.prev_leaf_hash),
        "state": state, "epoch": epoch, "tree_size": tree_size,
    })
}
