//! The records of a period.

use uuid::Uuid;

use super::check::{ContentCheck, fact};
use super::rows::{CountRow, HashRow, HeadRow, LEAF_COLUMNS, LeafRow};
use super::{ReadError, Reader, Sealed};
use crate::build::{ChainHead, Filters, RangeBuilder, RangeLimits, ServerCounts};
use crate::model::{Period, Range, Verdict, VerdictState};

/// Reads all records of `period` up to the heads found at the beginning, and makes the report's body of them.
///
/// `tenant` `None` stands for all tenants.
///
/// # Errors
/// The store does not answer, the period has too many records, or a record cannot be read.
pub async fn read_range(
    reader: &Reader,
    tenant: Option<Uuid>,
    period: Period,
    filters: Filters,
    limits: RangeLimits,
    sealed: &Sealed,
) -> Result<(Range, Vec<Verdict>), ReadError> {
    let (heads, records_in_chains) = reader.heads(tenant, sealed).await?;
    let mut counts = ServerCounts {
        records_in_chains,
        records_in_period: 0,
        unattributed: 0,
    };
    for head in &heads {
        counts.records_in_period += reader.count_in_period(head, period).await?;
    }
    if counts.records_in_period > reader.records_max {
        return Err(ReadError::TooMany {
            found: counts.records_in_period,
            limit: reader.records_max,
        });
    }
    counts.unattributed = reader.count_unattributed(period).await?;

    let mut outcomes = Vec::new();
    for head in &heads {
        outcomes.extend(reader.outcomes(head, period).await?);
    }
    let mut builder = RangeBuilder::new(filters, limits, outcomes);
    let mut check = ContentCheck::default();
    for head in &heads {
        let statement = format!(
            "SELECT {LEAF_COLUMNS} FROM records WHERE tenant = ? AND shard = ? AND chain_index < ? \
             AND occurred_at >= fromUnixTimestamp64Micro(?) AND occurred_at < fromUnixTimestamp64Micro(?) \
             ORDER BY chain_index"
        );
        let query = reader.in_period(&statement, head, period);
        let mut rows = query.fetch::<LeafRow>()?;
        while let Some(row) = rows.next().await? {
            check.check(&row);
            let (_, fact) = fact(&row)?;
            builder.push(&fact)?;
        }
    }
    let scope = reader.scope(tenant, &heads, records_in_chains, sealed).await?;
    Ok((builder.finish(&heads, counts), vec![check.verdict(), scope]))
}

impl Reader {
    /// Where the chains stand now, and how many records they have.
    async fn heads(&self, tenant: Option<Uuid>, sealed: &Sealed) -> Result<(Vec<ChainHead>, u64), ReadError> {
        let whose = if tenant.is_some() { "WHERE tenant = ?" } else { "" };
        let statement = format!(
            "SELECT tenant, shard, count() AS records, max(chain_index) AS last_index, \
             argMax(leaf_hash, chain_index) AS head FROM records {whose} GROUP BY tenant, shard ORDER BY tenant, shard"
        );
        let mut query = self.query(&statement);
        if let Some(tenant) = tenant {
            query = query.bind(tenant);
        }
        let rows = query.fetch_all::<HeadRow>().await?;
        let records = rows.iter().map(|row| row.records).sum();
        let head = |row: &HeadRow| ChainHead {
            tenant: row.tenant,
            shard: row.shard,
            size: row.last_index + 1,
            head: row.head,
            sealed: sealed
                .chains
                .get(&(row.tenant, row.shard))
                .map(|chain| chain.size),
        };
        Ok((rows.iter().map(head).collect(), records))
    }

    /// A statement with the chain, its length and the period bound in this order.
    fn in_period(&self, statement: &str, head: &ChainHead, period: Period) -> clickhouse::query::Query {
        self.query(statement)
            .bind(head.tenant)
            .bind(head.shard)
            .bind(head.size)
            .bind(period.from.0)
            .bind(period.to.0)
    }

    async fn count_in_period(&self, head: &ChainHead, period: Period) -> Result<u64, ReadError> {
        let statement = "SELECT count() AS count FROM records WHERE tenant = ? AND shard = ? AND chain_index < ? \
                         AND occurred_at >= fromUnixTimestamp64Micro(?) AND occurred_at < fromUnixTimestamp64Micro(?)";
        Ok(self
            .in_period(statement, head, period)
            .fetch_one::<CountRow>()
            .await?
            .count)
    }

    /// Rejected messages and gaps that belong to no tenant.
    async fn count_unattributed(&self, period: Period) -> Result<u64, ReadError> {
        let statement = "SELECT count() AS count FROM records WHERE tenant = ? AND kind IN ('rejected', 'gap') \
                         AND occurred_at >= fromUnixTimestamp64Micro(?) AND occurred_at < fromUnixTimestamp64Micro(?)";
        let query = self
            .query(statement)
            .bind(Uuid::nil())
            .bind(period.from.0)
            .bind(period.to.0);
        Ok(query.fetch_one::<CountRow>().await?.count)
    }

    /// Outcomes since the beginning of the period: a review may come after its end.
    async fn outcomes(&self, head: &ChainHead, period: Period) -> Result<Vec<crate::build::Fact>, ReadError> {
        let statement = format!(
            "SELECT {LEAF_COLUMNS} FROM records WHERE tenant = ? AND shard = ? AND chain_index < ? \
             AND kind = 'outcome' AND occurred_at >= fromUnixTimestamp64Micro(?) ORDER BY chain_index"
        );
        let query = self
            .query(&statement)
            .bind(head.tenant)
            .bind(head.shard)
            .bind(head.size)
            .bind(period.from.0);
        let mut rows = query.fetch::<LeafRow>()?;
        let mut outcomes = Vec::new();
        while let Some(row) = rows.next().await? {
            outcomes.push(fact(&row)?.1);
        }
        Ok(outcomes)
    }

    /// Whether the chains are dense, and still hold the record at which the signed checkpoint saw each of them end.
    async fn scope(
        &self,
        tenant: Option<Uuid>,
        heads: &[ChainHead],
        records_in_chains: u64,
        sealed: &Sealed,
    ) -> Result<Verdict, ReadError> {
        let expected: u64 = heads.iter().map(|head| head.size).sum();
        let mut compared = 0u64;
        let mut contradicted = 0u64;
        for ((owner, shard), chain) in &sealed.chains {
            let Some(last_index) = chain
                .size
                .checked_sub(1)
                .filter(|_| tenant.is_none_or(|own| own == *owner))
            else {
                continue;
            };
            let statement =
                "SELECT leaf_hash FROM records WHERE tenant = ? AND shard = ? AND chain_index = ?";
            let query = self.query(statement).bind(*owner).bind(*shard).bind(last_index);
            let stored = query.fetch_optional::<HashRow>().await?;
            compared += 1;
            contradicted += u64::from(stored.map(|row| row.leaf_hash) != Some(chain.last_leaf_hash));
        }
        let state = if records_in_chains != expected || contradicted > 0 {
            VerdictState::Fail
        } else if compared == 0 {
            VerdictState::Unproven
        } else {
            VerdictState::Pass
        };
        let detail = format!(
            "{} chains hold {records_in_chains} records and their last indexes say {expected}; {compared} chains were \
             compared with the newest checkpoint at the record where it saw them end, {contradicted} differ",
            heads.len()
        );
        Ok(Verdict {
            name: "scope".to_owned(),
            state,
            checked: records_in_chains,
            detail,
        })
    }
}
