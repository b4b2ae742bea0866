//! Where a record stands, without what it says: enough for a proof, and cheap to read.

use aal_ledger::ChainId;
use aal_service::Problem;
use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::logs::detail::DetailRow;
use crate::logs::first::{OfKind, first};
use crate::scope::Scope;
use crate::sql::Sql;

/// A record's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) event_id: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) shard: u32,
    pub(crate) chain_index: u64,
}

impl Place {
    pub(crate) fn chain(&self) -> ChainId {
        ChainId {
            tenant: self.tenant,
            shard: self.shard,
        }
    }
}

/// A leaf where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'r> {
    pub(crate) place: Place,
    pub(crate) leaf: &'r [u8],
}

impl DetailRow {
    pub(crate) fn placed(&self) -> Placed<'_> {
        Placed {
            place: Place {
                event_id: self.event_id,
                tenant: self.tenant,
                shard: self.shard,
                chain_index: self.chain_index,
            },
            leaf: &self.leaf,
        }
    }
}

/// As it is read alone: texts, and even leaves, take the store longer to read than everything else of a proof takes.
#[derive(Row, Deserialize)]
struct PlaceRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    shard: u32,
    chain_index: u64,
    kind: String,
}

impl OfKind for PlaceRow {
    fn kind(&self) -> &str {
        &self.kind
    }
}

/// The place of this event's record inside the scope.
pub(crate) async fn find_place(app: &App, scope: &Scope, event_id: Uuid) -> Result<Option<Place>, Problem> {
    let columns = Sql::new("SELECT tenant, shard, chain_index, kind");
    let row = first::<PlaceRow>(app, scope, &columns, event_id).await?;
    Ok(row.map(|row| Place {
        event_id,
        tenant: row.tenant,
        shard: row.shard,
        chain_index: row.chain_index,
    }))
}

#[derive(Row, Deserialize)]
struct LeafRow {
    #[serde(with = "serde_bytes")]
    leaf: Vec<u8>,
}

/// The leaf as the record store holds it at this place.
pub(crate) async fn stored_leaf(app: &App, place: Place) -> Result<Option<Vec<u8>>, Problem> {
    let mut sql = Sql::new("SELECT leaf");
    sql.records(&Scope::of_chain(place.tenant))
        .push(" AND shard = ? AND chain_index = ? AND event_id = ? LIMIT 1")
        .bind_u64(u64::from(place.shard))
        .bind_u64(place.chain_index)
        .bind_uuid(place.event_id)
        .lookup();
    Ok(app.row::<LeafRow>(sql).await?.map(|row| row.leaf))
}
