//! A record's leaf and its place, without what it says: enough for a proof, and cheap to read.

use aal_ledger::ChainId;
use aal_service::Problem;
use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::logs::detail::DetailRow;
use crate::logs::first::first;
use crate::scope::Scope;
use crate::sql::Sql;

/// A leaf where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'r> {
    pub(crate) event_id: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) shard: u32,
    pub(crate) chain_index: u64,
    pub(crate) leaf: &'r [u8],
}

impl Placed<'_> {
    pub(crate) fn chain(&self) -> ChainId {
        ChainId {
            tenant: self.tenant,
            shard: self.shard,
        }
    }
}

/// As it is read alone: the texts of a record take longer to read than everything else of a proof.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct PlacedRow {
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    shard: u32,
    chain_index: u64,
    #[serde(with = "serde_bytes")]
    leaf: Vec<u8>,
}

impl PlacedRow {
    pub(crate) fn placed(&self) -> Placed<'_> {
        Placed {
            event_id: self.event_id,
            tenant: self.tenant,
            shard: self.shard,
            chain_index: self.chain_index,
            leaf: &self.leaf,
        }
    }
}

impl DetailRow {
    pub(crate) fn placed(&self) -> Placed<'_> {
        Placed {
            event_id: self.event_id,
            tenant: self.tenant,
            shard: self.shard,
            chain_index: self.chain_index,
            leaf: &self.leaf,
        }
    }
}

/// The leaf of this event's record inside the scope.
pub(crate) async fn find_leaf(
    app: &App,
    scope: &Scope,
    event_id: Uuid,
) -> Result<Option<PlacedRow>, Problem> {
    let columns = Sql::new("SELECT event_id, tenant, shard, chain_index, leaf");
    first(app, scope, &columns, event_id).await
}
