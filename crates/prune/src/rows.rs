//! The rows of the record store: which may be pruned, emptying them, seeing what is left.

use std::collections::HashSet;
use std::fmt::Write as _;

use aal_control::{LegalHold, RetentionRule};
use aal_erasure::{KEYS_AT_ONCE, rows_under};
use aal_ledger::pruned::PRUNED;
use aal_ledger::{Kind, PruneRanges, pruned};
use aal_store::{RecordRow, Rewriting, Store, StoreError};
use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::plan::{Candidate, ChainPlan, Plan, Planner, Retention};

/// Ranges of one statement; the server takes 256 KiB.
const RANGES_AT_ONCE: usize = 1_000;
/// Columns that stay: the place of the record, its leaf, and what of the leaf the completeness of sources is counted by.
const KEPT: [&str; 14] = [
    "shard",
    "block",
    "block_row",
    "block_month",
    "kafka_offset",
    "tenant",
    "chain_index",
    "prev_leaf_hash",
    "leaf_hash",
    "leaf",
    "edge_at",
    "source_id",
    "source_epoch",
    "source_seq",
];

/// Names of the prunable kinds, for a statement.
fn kinds() -> String {
    let names = Kind::ALL.into_iter().filter(|kind| kind.is_prunable());
    let quoted: Vec<String> = names.map(|kind| format!("'{kind}'")).collect();
    quoted.join(", ")
}

/// Records of prunable kinds in these ranges.
fn rows_in(tenant: Uuid, shard: u32, ranges: &[(u64, u64)]) -> String {
    let mut text = format!(
        "tenant = toUUID('{tenant}') AND shard = {shard} AND kind IN ({}) AND (",
        kinds()
    );
    for (number, (first, last)) in ranges.iter().enumerate() {
        let or = if number == 0 { "" } else { " OR " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{or}chain_index BETWEEN {first} AND {last}");
    }
    text.push(')');
    text
}

/// The mutation that leaves place and leaf.
fn mutation(tenant: Uuid, shard: u32, ranges: &[(u64, u64)], mark: &str) -> String {
    let mut text = format!("ALTER TABLE records UPDATE kind = '{PRUNED}'");
    let columns = <RecordRow as Row>::COLUMN_NAMES;
    for column in columns
        .iter()
        .filter(|column| !KEPT.contains(column) && **column != "kind")
    {
        let _ = write!(text, ", {column} = defaultValueOfArgumentType({column})");
    }
    let _ = write!(
        text,
        " WHERE {} AND notEmpty('{mark}')",
        rows_in(tenant, shard, ranges)
    );
    text
}

/// Records of prunable kinds that are still whole.
pub(crate) async fn left(store: &Store, tenant: Uuid, chains: &[ChainPlan]) -> Result<u64, StoreError> {
    let mut left = 0;
    for chain in chains {
        for ranges in chain.ranges.chunks(RANGES_AT_ONCE) {
            let query = format!(
                "SELECT count() FROM records WHERE {}",
                rows_in(tenant, chain.shard, ranges)
            );
            left += store
                .bounded(store.client().query(&query).fetch_one::<u64>())
                .await?;
        }
    }
    Ok(left)
}

/// Empties the rows of the ranges, or sees how far that is. `mark` tells this work's mutations from others.
pub(crate) async fn empty(
    store: &Store,
    tenant: Uuid,
    chains: &[ChainPlan],
    mark: Uuid,
) -> Result<Rewriting, StoreError> {
    let mut state = Rewriting::Done;
    for chain in chains {
        for (part, ranges) in chain.ranges.chunks(RANGES_AT_ONCE).enumerate() {
            let query = format!(
                "SELECT count() FROM records WHERE {}",
                rows_in(tenant, chain.shard, ranges)
            );
            let left = store
                .bounded(store.client().query(&query).fetch_one::<u64>())
                .await?;
            if left == 0 {
                continue;
            }
            let mark = format!("prune {mark} {} {part}.", chain.shard);
            let statement = mutation(tenant, chain.shard, ranges, &mark);
            state = store.rewrite(&statement, &mark).await?;
            if matches!(state, Rewriting::Failing(_)) {
                return Ok(state);
            }
        }
    }
    Ok(state)
}

/// What legal holds cover: rows by chain index, events by id.
#[derive(Debug, Default)]
struct Held {
    is_everything: bool,
    applications: HashSet<String>,
    rows: HashSet<(u32, u64)>,
    events: HashSet<Uuid>,
}

#[derive(Row, Deserialize)]
struct HeldRow {
    shard: u32,
    chain_index: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
    application: String,
}

impl Held {
    /// `keys` are those of each hold's people, in the order of `holds`.
    async fn of(
        store: &Store,
        tenant: Uuid,
        holds: &[LegalHold],
        keys: &[Vec<Uuid>],
    ) -> Result<Held, StoreError> {
        let mut held = Held::default();
        for (hold, keys) in holds.iter().zip(keys) {
            if hold.lookups.is_empty() {
                if hold.application.is_empty() {
                    held.is_everything = true;
                } else {
                    held.applications.insert(hold.application.clone());
                }
                continue;
            }
            for chunk in keys.chunks(KEYS_AT_ONCE) {
                let query = format!(
                    "SELECT shard, chain_index, event_id, application FROM records WHERE {}",
                    rows_under(tenant, chunk)
                );
                let rows = store
                    .bounded(store.client().query(&query).fetch_all::<HeldRow>())
                    .await?;
                for row in rows {
                    if hold.application.is_empty() || hold.application == row.application {
                        held.rows.insert((row.shard, row.chain_index));
                        held.events.insert(row.event_id);
                    }
                }
            }
        }
        held.events.remove(&Uuid::nil());
        Ok(held)
    }

    fn covers(&self, row: &CandidateRow) -> bool {
        self.is_everything
            || self.applications.contains(&row.application)
            || self.rows.contains(&(row.shard, row.chain_index))
            || self.events.contains(&row.event_id)
            || self.events.contains(&row.target_event_id)
    }
}

#[derive(Row, Deserialize)]
struct ReachRow {
    shard: u32,
    last: u64,
}

#[derive(Row, Deserialize)]
struct CandidateRow {
    shard: u32,
    chain_index: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    target_event_id: Uuid,
    application: String,
    is_phi: bool,
    edge_us: i64,
}

/// What a plan follows from, beside the records.
pub(crate) struct Terms {
    pub(crate) tenant: Uuid,
    pub(crate) rules: Vec<RetentionRule>,
    pub(crate) now_us: i64,
    pub(crate) holds: Vec<LegalHold>,
    /// Data keys of each hold's people, in the order of the holds.
    pub(crate) keys: Vec<Vec<Uuid>>,
}

/// What may be pruned of a tenant's records; `within` limits it to these ranges.
pub(crate) async fn plan(
    store: &Store,
    terms: Terms,
    within: Option<&[ChainPlan]>,
) -> Result<Plan, StoreError> {
    let tenant = terms.tenant;
    let retention = Retention::new(terms.rules, terms.now_us);
    let held = Held::of(store, tenant, &terms.holds, &terms.keys).await?;
    let whose = format!("tenant = toUUID('{tenant}') AND kind IN ({})", kinds());
    let reach = format!(
        "SELECT shard, max(chain_index) AS last FROM records WHERE {whose} AND edge_at < fromUnixTimestamp64Micro({}) \
         GROUP BY shard ORDER BY shard",
        retention.latest_cutoff_us()
    );
    let reach = store
        .bounded(store.client().query(&reach).fetch_all::<ReachRow>())
        .await?;
    let mut planner = Planner::new(retention);
    for ReachRow { shard, last } in reach {
        // Everything up to the last old record: a young one between old ones ends a range.
        let query = format!(
            "SELECT shard, chain_index, event_id, target_event_id, toString(application) AS application, \
             phi OR (target_event_id != toUUID('{nil}') AND target_event_id IN \
             (SELECT event_id FROM records WHERE tenant = toUUID('{tenant}') AND phi)) AS is_phi, \
             toUnixTimestamp64Micro(edge_at) AS edge_us FROM records \
             WHERE {whose} AND shard = {shard} AND chain_index <= {last} ORDER BY chain_index",
            nil = Uuid::nil()
        );
        let mut rows = store.client().query(&query).fetch::<CandidateRow>()?;
        while let Some(row) = rows.next().await? {
            if within.is_some_and(|chains| !is_in(chains, row.shard, row.chain_index)) {
                continue;
            }
            planner.push(&Candidate {
                shard: row.shard,
                index: row.chain_index,
                application: &row.application,
                is_phi: row.is_phi,
                is_held: held.covers(&row),
                edge_us: row.edge_us,
            });
        }
    }
    Ok(planner.finish())
}

fn is_in(chains: &[ChainPlan], shard: u32, index: u64) -> bool {
    let chain = chains.iter().find(|chain| chain.shard == shard);
    chain.is_some_and(|chain| {
        let behind = chain.ranges.partition_point(|(first, _)| *first <= index);
        behind
            .checked_sub(1)
            .and_then(|at| chain.ranges.get(at))
            .is_some_and(|(_, last)| index <= *last)
    })
}

/// Which of these `prune` records are stored.
pub(crate) async fn stored(store: &Store, tenant: Uuid, events: &[Uuid]) -> Result<usize, StoreError> {
    let ids: Vec<String> = events.iter().map(Uuid::to_string).collect();
    let query = store
        .client()
        .query(
            "SELECT count(DISTINCT event_id) FROM records WHERE tenant = toUUID(?) AND kind = 'prune' \
             AND toString(event_id) IN ?",
        )
        .bind(tenant.to_string())
        .bind(ids);
    Ok(store.bounded(query.fetch_one::<u64>()).await? as usize)
}

#[derive(Row, Deserialize)]
struct PruneRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    header: String,
}

/// What all `prune` records of the ledger name, by tenant.
pub(crate) async fn in_ledger(store: &Store) -> Result<Vec<(Uuid, ChainPlan)>, StoreError> {
    let query = store
        .client()
        .query("SELECT tenant, header FROM records WHERE kind = 'prune'");
    let rows = store.bounded(query.fetch_all::<PruneRow>()).await?;
    let chain = |row: PruneRow| {
        let header: serde_json::Value = serde_json::from_str(&row.header).ok()?;
        let named = PruneRanges::read(
            header.get(pruned::SHARD_MEMBER),
            header.get(pruned::RANGES_MEMBER),
        )?;
        let (shard, ranges) = (named.shard, named.ranges);
        Some((row.tenant, ChainPlan { shard, ranges }))
    };
    Ok(rows.into_iter().filter_map(chain).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mutation_keeps_place_and_leaf_and_names_every_other_column() {
        let text = mutation(Uuid::from_u128(7), 3, &[(0, 4), (8, 9)], "prune x");
        for kept in KEPT {
            assert!(!text.contains(&format!(", {kept} =")), "{kept}: {text}");
        }
        for emptied in [
            "header",
            "event_id",
            "occurred_at",
            "request_body",
            "sealed_values",
            "subject_key",
        ] {
            assert!(
                text.contains(&format!(", {emptied} = default")),
                "{emptied}: {text}"
            );
        }
        assert!(text.contains("chain_index BETWEEN 0 AND 4 OR chain_index BETWEEN 8 AND 9"));
        assert!(
            !text.contains("'access'") && text.contains("'withheld'"),
            "{text}"
        );
        let names = <RecordRow as Row>::COLUMN_NAMES;
        assert!(KEPT.iter().all(|kept| names.contains(kept)));
    }

    #[test]
    fn an_index_is_in_a_range_of_its_chain() {
        let chains = [ChainPlan {
            shard: 3,
            ranges: vec![(2, 4), (8, 8)],
        }];
        let inside: Vec<u64> = (0..10).filter(|index| is_in(&chains, 3, *index)).collect();
        assert_eq!(inside, [2, 3, 4, 8]);
        assert!(!is_in(&chains, 4, 3));
    }
}
