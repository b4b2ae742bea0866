//! One decision and what names it.

use uuid::Uuid;

use super::check::{ContentCheck, fact};
use super::rows::{BodyRow, LEAF_COLUMNS, LeafRow};
use super::{ReadError, Reader, Sealed};
use crate::build::{DecisionParts, build_decision};
use crate::model::{Decision, Verdict};

/// Most records that name one decision; a decision with more of them is not an ordinary one, and the rest is left
/// to a range report.
const NAMED_BY_MAX: u64 = 10_000;

/// Reads one decision. `tenant` limits whose it may be; `None` is anybody's.
///
/// # Errors
/// There is no such decision inside the limit, or the store does not answer.
pub async fn read_decision(
    reader: &Reader,
    tenant: Option<Uuid>,
    event_id: Uuid,
    sealed: &Sealed,
) -> Result<(Decision, Uuid, Vec<Verdict>), ReadError> {
    let row = reader
        .event(tenant, event_id)
        .await?
        .ok_or(ReadError::NotFound(event_id))?;
    let mut check = ContentCheck::default();
    let around = reader.around(&row).await?;
    around.iter().for_each(|neighbour| check.check(neighbour));
    let next_leaf_hash = around
        .iter()
        .find(|next| next.chain_index == row.chain_index + 1)
        .map(|next| next.leaf_hash);
    let (header, own) = fact(&row)?;
    let bodies = reader.bodies(&row).await?;
    let mut parts = DecisionParts {
        fact: own,
        header: row.header.clone(),
        attributes: row.attributes.clone(),
        request_body: bodies.request_body,
        response_body: bodies.response_body,
        prev_leaf_hash: row.prev_leaf_hash,
        next_leaf_hash,
        sealed: sealed
            .chains
            .get(&(row.tenant, row.shard))
            .map(|chain| row.chain_index < chain.size),
        kafka_offset: bodies.kafka_offset,
        block: bodies.block,
        withheld: if header.kind == "withheld" {
            header.reason
        } else {
            String::new()
        },
        named_by: Vec::new(),
    };
    for other in reader.named_by(row.tenant, event_id).await? {
        check.check(&other);
        parts.named_by.push((fact(&other)?.1, other.attributes));
    }
    Ok((build_decision(parts), row.tenant, vec![check.verdict()]))
}

impl Reader {
    /// The first record of the event id; a conflicting one is among those that name it.
    async fn event(&self, tenant: Option<Uuid>, event_id: Uuid) -> Result<Option<LeafRow>, ReadError> {
        let whose = if tenant.is_some() { "AND tenant = ?" } else { "" };
        let statement = format!(
            "SELECT {LEAF_COLUMNS} FROM records WHERE event_id = ? AND kind IN ('event', 'withheld') {whose} \
             ORDER BY tenant, shard, chain_index LIMIT 1"
        );
        let mut query = self.query(&statement).bind(event_id);
        if let Some(tenant) = tenant {
            query = query.bind(tenant);
        }
        Ok(query.fetch_optional::<LeafRow>().await?)
    }

    async fn bodies(&self, row: &LeafRow) -> Result<BodyRow, ReadError> {
        let statement = "SELECT request_body, response_body, kafka_offset, block FROM records \
                         WHERE tenant = ? AND shard = ? AND chain_index = ?";
        let query = self
            .query(statement)
            .bind(row.tenant)
            .bind(row.shard)
            .bind(row.chain_index);
        Ok(query.fetch_one::<BodyRow>().await?)
    }

    /// The record between its neighbours, as far as they exist.
    async fn around(&self, row: &LeafRow) -> Result<Vec<LeafRow>, ReadError> {
        let statement = format!(
            "SELECT {LEAF_COLUMNS} FROM records WHERE tenant = ? AND shard = ? AND chain_index BETWEEN ? AND ? \
             ORDER BY chain_index"
        );
        let query = self.query(&statement).bind(row.tenant).bind(row.shard);
        let query = query
            .bind(row.chain_index.saturating_sub(1))
            .bind(row.chain_index + 1);
        Ok(query.fetch_all::<LeafRow>().await?)
    }

    async fn named_by(&self, tenant: Uuid, event_id: Uuid) -> Result<Vec<LeafRow>, ReadError> {
        let statement = format!(
            "SELECT {LEAF_COLUMNS} FROM records WHERE tenant = ? AND target_event_id = ? \
             ORDER BY occurred_at, shard, chain_index LIMIT ?"
        );
        let query = self
            .query(&statement)
            .bind(tenant)
            .bind(event_id)
            .bind(NAMED_BY_MAX);
        Ok(query.fetch_all::<LeafRow>().await?)
    }
}
