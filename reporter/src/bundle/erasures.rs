//! Evidence for content that was erased, and for records that were pruned, by leaves outside of the range.

use std::collections::HashSet;

use aal_bundle::WriteError;
use aal_bundle::erased::PathCollector;
use aal_bundle::plan::ChainSpan;
use aal_ledger::hash::to_hex;
use aal_ledger::jcs::Members;
use aal_ledger::merkle::{MemoryTree, prove};
use aal_ledger::proof::TlogProof;
use aal_ledger::{ChainHead, Hash, Heads, PruneRanges, PrunedRecords, Prunes, pruned};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bundle::write::{BundleError, BundleMaker, Writer};

/// What the records of a bundle lack.
#[derive(Debug, Default)]
pub(super) struct Absent {
    /// Data keys of absent content, by tenant.
    pub(super) keys: HashSet<(Uuid, Uuid)>,
    pub(super) pruned: PrunedRecords,
}

impl Absent {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.pruned.is_empty()
    }

    fn concerns(&self, tenant: Uuid) -> bool {
        self.keys.iter().any(|(of, _)| *of == tenant)
            || self.pruned.iter().any(|(chain, _)| chain.tenant == tenant)
    }
}

#[derive(Debug, Row, Deserialize)]
struct ErasureRow {
    chain_index: u64,
    #[serde(with = "serde_bytes")]
    leaf: Vec<u8>,
    #[serde(with = "serde_bytes")]
    header: Vec<u8>,
}

#[derive(Debug, Row, Deserialize)]
struct HashRow {
    leaf_hash: [u8; 32],
}

/// The newest epoch, under whose checkpoint the erasures are proven.
struct Tip {
    epoch: u64,
    manifest: String,
    heads: Heads,
    note: Vec<u8>,
    /// From its manifest to the root of the anchor log, nearest hash first.
    path: Vec<Hash>,
}

impl BundleMaker {
    /// Writes every erasure that names one of the keys, and every prune that names one of the records, that is not among
    /// the records.
    pub(super) async fn write_erasures(
        &self,
        writer: &mut Writer,
        tip_epoch: u64,
        spans: &[ChainSpan],
        absent: &Absent,
    ) -> Result<(), BundleError> {
        if absent.is_empty() {
            return Ok(());
        }
        let tip = self.tip(tip_epoch).await?;
        let is_meant = |head: &&ChainHead| absent.concerns(head.chain.tenant);
        for head in tip.heads.chains().iter().filter(is_meant) {
            let span = spans.iter().find(|span| span.chain == head.chain);
            let is_outside = |index: u64| span.is_none_or(|span| !(span.first..span.end).contains(&index));
            let mut rows = self.erasures_of(head).await?;
            rows.retain(|row| is_outside(row.chain_index) && names_one(row, head.chain.tenant, absent));
            let indexes: Vec<u64> = rows.iter().map(|row| row.chain_index).collect();
            let paths = self.chain_paths(head, &indexes).await?;
            for (row, path) in rows.iter().zip(paths) {
                let proof = tip.proof(head, row, &path)?;
                writer.erasure(&row.header, &proof.to_bytes())?;
            }
        }
        Ok(())
    }

    async fn tip(&self, epoch: u64) -> Result<Tip, BundleError> {
        let (bytes, manifest) = self.log.manifest(epoch).await?;
        let before = match epoch.checked_sub(1) {
            Some(before) => self.log.log_after(before).await?.hashes().to_vec(),
            None => Vec::new(),
        };
        Ok(Tip {
            epoch,
            manifest: String::from_utf8_lossy(&bytes).into_owned(),
            heads: self.log.heads(&manifest).await?,
            note: self.log.checkpoint(epoch).await?.note,
            // The newest leaf's siblings are the perfect subtrees before it.
            path: before.into_iter().rev().collect(),
        })
    }

    async fn erasures_of(&self, head: &ChainHead) -> Result<Vec<ErasureRow>, BundleError> {
        let statement = "SELECT chain_index, leaf, header FROM records WHERE tenant = ? AND shard = ? \
                         AND chain_index < ? AND kind IN ('erasure_done', 'prune') ORDER BY chain_index";
        let query = self.reader.query(statement);
        let query = query
            .bind(head.chain.tenant)
            .bind(head.chain.shard)
            .bind(head.size);
        Ok(query.fetch_all::<ErasureRow>().await?)
    }

    /// Inclusion proofs of some leaves of a chain, which is read once.
    async fn chain_paths(&self, head: &ChainHead, indexes: &[u64]) -> Result<Vec<Vec<Hash>>, BundleError> {
        if indexes.is_empty() {
            return Ok(Vec::new());
        }
        let mut collectors: Vec<PathCollector> = indexes
            .iter()
            .filter_map(|index| PathCollector::new(*index, head.size))
            .collect();
        let statement = "SELECT leaf_hash FROM records WHERE tenant = ? AND shard = ? AND chain_index < ? \
                         ORDER BY chain_index";
        let query = self.reader.query(statement);
        let query = query
            .bind(head.chain.tenant)
            .bind(head.chain.shard)
            .bind(head.size);
        let mut rows = query.fetch::<HashRow>()?;
        while let Some(row) = rows.next().await? {
            collectors
                .iter_mut()
                .for_each(|collector| collector.push(row.leaf_hash));
        }
        let paths: Option<Vec<Vec<Hash>>> = collectors.into_iter().map(PathCollector::finish).collect();
        let (chain, index) = (head.chain, head.size);
        paths.ok_or(BundleError::Missing { chain, index })
    }
}

/// Whether the row's header names a data key of absent content, or a record that is pruned.
fn names_one(row: &ErasureRow, tenant: Uuid, absent: &Absent) -> bool {
    let Ok(header) = Members::read(&row.header) else {
        return false;
    };
    let member = |name: &str| header.get(name).map(|raw| raw.value());
    let (shard, ranges) = (member(pruned::SHARD_MEMBER), member(pruned::RANGES_MEMBER));
    if let Some(named) = PruneRanges::read(shard.as_ref(), ranges.as_ref()) {
        let mut prunes = Prunes::default();
        prunes.add(tenant, &named, i64::MAX);
        let mut pruned = absent.pruned.iter();
        return pruned.any(|(chain, run)| prunes.touch(chain, run.first, run.last));
    }
    let keys = member("subject_key_ids");
    let keys = keys.as_ref().and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| Uuid::try_parse(key.as_str()?).ok())
        .any(|key| absent.keys.contains(&(tenant, key)))
}

impl Tip {
    /// ledger-format.md, section 10.
    fn proof(
        &self,
        head: &ChainHead,
        row: &ErasureRow,
        chain_path: &[Hash],
    ) -> Result<TlogProof, BundleError> {
        let hex = |hashes: &[Hash]| hashes.iter().map(to_hex).collect::<Vec<_>>();
        let text = self.heads.to_text();
        let start = format!("chain {} ", head.chain);
        let found = text
            .lines()
            .enumerate()
            .find(|(_, line)| line.starts_with(&start));
        let lines: MemoryTree = self.heads.line_hashes().collect();
        let missing = || WriteError::Json(format!("chain {} has no head", head.chain));
        let (line_index, line) = found.ok_or_else(missing)?;
        let head_path = prove::inclusion(&lines, line_index as u64, lines.size()).map_err(|_| missing())?;
        let extra = json!({
            "format": "aal-record-path/v1",
            "leaf": STANDARD.encode(&row.leaf),
            "chain": {"id": head.chain.to_string(), "index": row.chain_index, "size": head.size, "path": hex(chain_path)},
            "head": {"line": line, "index": line_index, "size": lines.size(), "path": hex(&head_path)},
            "manifest": self.manifest,
        });
        Ok(TlogProof {
            extra: Some(extra.to_string().into_bytes()),
            index: self.epoch,
            hashes: self.path.clone(),
            checkpoint: self.note.clone(),
        })
    }
}
