//! A store of leaves and an object store in memory, the latter with power cuts.
#![allow(dead_code)]

pub mod tiles;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use aal_ledger::hash::{sha256, topic_hash};
use aal_ledger::leaf::NO_TIME;
use aal_ledger::{ChainId, Hash, Kind, Leaf, NoteSigner, TrustPolicy, ZERO_HASH, jcs, leaf_hash};
use aal_sealer::{Anchor, IsOlder, LeafSource, Objects, ObjectsError, Sealer, SealerSettings, StoredLeaf};
use aal_verify::{COLUMNS, Report, StoredRecord, Verifier};
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

pub const ORIGIN: &str = "audit.example.com/anchor";
pub const START_US: i64 = 1_790_000_000_000_000;
pub const STEP_US: i64 = 10_000_000;

pub fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap()
}

/// Stored rows, shared between a test and its sealers.
#[derive(Clone, Default)]
pub struct Store {
    pub rows: Arc<Mutex<Vec<StoredLeaf>>>,
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
pub struct Never;

#[async_trait]
impl LeafSource for Store {
    type Error = Never;

    async fn incarnation(&self) -> Result<Uuid, Never> {
        Ok(Uuid::from_u128(0xa1))
    }

    async fn shards(&self) -> Result<Vec<u32>, Never> {
        let mut shards: Vec<u32> = self.rows.lock().unwrap().iter().map(|row| row.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        Ok(shards)
    }

    async fn leaves(&self, shard: u32, from_block: u64, max_rows: usize) -> Result<Vec<StoredLeaf>, Never> {
        let rows = self.rows.lock().unwrap();
        let mut found: Vec<StoredLeaf> = rows
            .iter()
            .filter(|row| row.shard == shard && row.block >= from_block)
            .cloned()
            .collect();
        found.sort_by_key(|row| (row.block, row.row));
        // Whole blocks until the limit is reached.
        let mut taken: Vec<StoredLeaf> = Vec::new();
        for block in found.chunk_by(|left, right| left.block == right.block) {
            if !taken.is_empty() && taken.len() + block.len() > max_rows {
                break;
            }
            taken.extend_from_slice(block);
        }
        Ok(taken)
    }

    async fn leaf_hashes(
        &self,
        chain: ChainId,
        from_index: u64,
        max_rows: usize,
    ) -> Result<Vec<Hash>, Never> {
        let rows = self.rows.lock().unwrap();
        let mut found: Vec<&StoredLeaf> = rows
            .iter()
            .filter(|row| {
                (row.tenant, row.shard) == (chain.tenant, chain.shard) && row.chain_index >= from_index
            })
            .collect();
        found.sort_by_key(|row| row.chain_index);
        Ok(found
            .into_iter()
            .take(max_rows)
            .map(|row| leaf_hash(&row.leaf))
            .collect())
    }

    async fn chain_leaves(
        &self,
        chain: ChainId,
        from_index: u64,
        max_rows: usize,
    ) -> Result<Vec<Vec<u8>>, Never> {
        let leaves = self.leaves_of(chain).into_iter().skip(from_index as usize);
        Ok(leaves.take(max_rows).collect())
    }
}

impl Store {
    /// Leaves of a chain in their order, as they are stored now.
    pub fn leaves_of(&self, chain: ChainId) -> Vec<Vec<u8>> {
        let rows = self.rows.lock().unwrap();
        let mut found: Vec<&StoredLeaf> = rows
            .iter()
            .filter(|row| (row.tenant, row.shard) == (chain.tenant, chain.shard))
            .collect();
        found.sort_by_key(|row| row.chain_index);
        found.into_iter().map(|row| row.leaf.clone()).collect()
    }

    /// Appends one block of events of these tenants, one record each.
    pub fn block(&self, shard: u32, tenants: &[u128]) {
        let mut rows = self.rows.lock().unwrap();
        let of_shard = |row: &&StoredLeaf| row.shard == shard;
        let block = rows
            .iter()
            .filter(of_shard)
            .map(|row| row.block + 1)
            .max()
            .unwrap_or(0);
        for (row, tenant) in tenants.iter().enumerate() {
            let offset = rows.iter().filter(of_shard).count() as u64;
            let leaf = next_leaf(&rows, shard, *tenant, offset);
            rows.push(stored(leaf, block, row as u32));
        }
    }

    pub fn edit(&self, position: usize, change: impl FnOnce(&mut StoredLeaf)) {
        change(&mut self.rows.lock().unwrap()[position]);
    }

    pub fn records(&self) -> Vec<StoredRecord> {
        let mut chains: BTreeMap<ChainId, Vec<StoredRecord>> = BTreeMap::new();
        for row in self.rows.lock().unwrap().iter() {
            let leaf = Leaf::decode(&row.leaf).unwrap();
            let header: Value = serde_json::from_slice(&row.header).unwrap();
            let header = header.as_object().unwrap();
            let columns = COLUMNS
                .iter()
                .filter_map(|column| Some((column.name.to_owned(), column.expected(&leaf, header, None)?)));
            chains.entry(ChainId::of(&leaf)).or_default().push(StoredRecord {
                shard: row.shard,
                block: row.block,
                row: row.row,
                offset: leaf.offset,
                tenant: row.tenant,
                chain_index: row.chain_index,
                kind: leaf.kind.name().to_owned(),
                event_id: leaf.event_id,
                prev_leaf_hash: leaf.prev_leaf_hash.to_vec(),
                leaf_hash: row.leaf_hash.clone(),
                leaf: row.leaf.clone(),
                header: row.header.clone(),
                templates: Vec::new(),
                ciphertexts: Vec::new(),
                columns: columns.collect(),
            });
        }
        chains.into_values().flatten().collect()
    }
}

pub fn header_of(kind: Kind, t_edge_us: i64) -> Vec<u8> {
    jcs::to_vec(&json!({"kind": kind.name(), "edge_at_us": t_edge_us, "occurred_at_us": t_edge_us})).unwrap()
}

/// The next leaf of a chain, given all rows.
pub fn next_leaf(rows: &[StoredLeaf], shard: u32, tenant: u128, offset: u64) -> (Leaf, Vec<u8>) {
    let tenant = Uuid::from_u128(tenant);
    let chain: Vec<&StoredLeaf> = rows
        .iter()
        .filter(|row| (row.tenant, row.shard) == (tenant, shard))
        .collect();
    let t_edge_us = START_US - 1_000_000 + offset as i64;
    let header = header_of(Kind::Heartbeat, t_edge_us);
    let leaf = Leaf {
        kind: Kind::Heartbeat,
        tenant,
        shard,
        index: chain.len() as u64,
        prev_leaf_hash: chain.last().map_or(ZERO_HASH, |row| leaf_hash(&row.leaf)),
        event_id: Uuid::nil(),
        source_id: Uuid::nil(),
        source_epoch: 0,
        source_seq: 0,
        topic_hash: topic_hash("audit.events"),
        partition: shard,
        offset,
        t_source_us: NO_TIME,
        t_edge_us,
        avro_schema_hash: ZERO_HASH,
        pipeline_hash: ZERO_HASH,
        header_hash: sha256(&header),
        ingress_receipt_hash: ZERO_HASH,
        slots: Vec::new(),
    };
    (leaf, header)
}

pub fn stored((leaf, header): (Leaf, Vec<u8>), block: u64, row: u32) -> StoredLeaf {
    let bytes = leaf.encode().unwrap();
    StoredLeaf {
        shard: leaf.shard,
        block,
        row,
        tenant: leaf.tenant,
        chain_index: leaf.index,
        leaf_hash: leaf_hash(&bytes).to_vec(),
        leaf: bytes,
        header,
    }
}

/// Objects in memory. After `cut_after` calls, reads and writes, the power is gone: nothing works until
/// [`Memory::power_on`]. With `is_written` a write at which it goes is done all the same, and only its answer is lost.
#[derive(Clone, Default)]
pub struct Memory {
    pub objects: Arc<Mutex<HashMap<String, Bytes>>>,
    cut: Arc<Mutex<Cut>>,
    /// Told of each write before it is done.
    pub before_write: Arc<Mutex<Option<BeforeWrite>>>,
}

pub type BeforeWrite = Box<dyn FnMut(&str) + Send>;

#[derive(Default)]
struct Cut {
    calls_left: Option<u64>,
    is_written: bool,
    is_off: bool,
}

impl Memory {
    pub fn cut_after(&self, calls: u64, is_written: bool) {
        *self.cut.lock().unwrap() = Cut {
            calls_left: Some(calls),
            is_written,
            is_off: false,
        };
    }

    /// The same objects for another process.
    pub fn without_hook(&self) -> Memory {
        Memory {
            objects: Arc::clone(&self.objects),
            ..Memory::default()
        }
    }

    pub fn power_on(&self) {
        *self.cut.lock().unwrap() = Cut::default();
    }

    /// Whether the call is done, and whether its answer arrives.
    fn call(&self) -> (bool, bool) {
        let mut cut = self.cut.lock().unwrap();
        if cut.is_off {
            return (false, false);
        }
        match &mut cut.calls_left {
            None => (true, true),
            Some(0) => {
                cut.is_off = true;
                (cut.is_written, false)
            }
            Some(left) => {
                *left -= 1;
                (true, true)
            }
        }
    }

    /// Does the write if the power lasts, under one lock, so that `change` sees what it writes over.
    fn write<T>(
        &self,
        path: &str,
        change: impl FnOnce(&mut HashMap<String, Bytes>) -> T,
    ) -> Result<T, ObjectsError> {
        if let Some(told) = self.before_write.lock().unwrap().as_mut() {
            told(path);
        }
        let (is_done, is_answered) = self.call();
        let done = is_done.then(|| change(&mut self.objects.lock().unwrap()));
        done.filter(|_| is_answered).ok_or_else(|| no_power(path))
    }
}

fn no_power(path: &str) -> ObjectsError {
    ObjectsError {
        path: path.to_owned(),
        source: "no power".into(),
    }
}

#[async_trait]
impl Objects for Memory {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, ObjectsError> {
        let (_, is_answered) = self.call();
        if !is_answered {
            return Err(no_power(path));
        }
        Ok(self.objects.lock().unwrap().get(path).cloned())
    }

    async fn create(&self, path: &str, bytes: Bytes) -> Result<bool, ObjectsError> {
        self.write(path, |objects| {
            let is_free = !objects.contains_key(path);
            if is_free {
                objects.insert(path.to_owned(), bytes);
            }
            is_free
        })
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<(), ObjectsError> {
        self.write(path, |objects| drop(objects.insert(path.to_owned(), bytes)))
    }

    async fn advance(&self, path: &str, bytes: Bytes, is_older: IsOlder<'_>) -> Result<bool, ObjectsError> {
        self.write(path, |objects| {
            let is_behind = objects
                .get(path)
                .is_none_or(|there| *there == bytes || is_older(there));
            if is_behind {
                objects.insert(path.to_owned(), bytes);
            }
            is_behind
        })
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        let (_, is_answered) = self.call();
        if !is_answered {
            return Err(no_power(folder));
        }
        let objects = self.objects.lock().unwrap();
        let start = format!("{folder}/");
        Ok(objects
            .keys()
            .filter(|path| path.starts_with(&start))
            .cloned()
            .collect())
    }

    async fn delete(&self, path: &str) -> Result<(), ObjectsError> {
        self.write(path, |objects| drop(objects.remove(path)))
    }
}

pub async fn load(objects: &Memory, store: &Store) -> Result<Sealer<Memory, Store>, aal_sealer::SealError> {
    let settings = SealerSettings {
        max_rows_per_read: 3,
        ..SealerSettings::new(ORIGIN)
    };
    Sealer::load(
        Anchor::new(objects.clone(), "log"),
        store.clone(),
        signer(),
        settings,
    )
    .await
}

/// Verifies store against anchor, as an outsider would.
pub async fn verify(objects: &Memory, store: &Store) -> Report {
    let policy = TrustPolicy::render(ORIGIN, signer().verifier_key(), &[]);
    let mut verifier = Verifier::new(TrustPolicy::parse(&policy).unwrap());
    let anchor = Anchor::new(objects.without_hook(), "log");
    let mut manifests = Vec::new();
    while let Some(bytes) = anchor.manifest_bytes(manifests.len() as u64).await.unwrap() {
        manifests.push(bytes);
    }
    for epoch in 0..manifests.len() as u64 {
        if let Some(note) = anchor.checkpoint(epoch).await.unwrap() {
            verifier.checkpoint(&note);
        }
    }
    manifests.iter().for_each(|bytes| verifier.manifest(bytes));
    if let Some(epoch) = verifier.signed_epoch() {
        let manifest = anchor.manifest(epoch).await.unwrap();
        verifier.heads(&anchor.heads_bytes(&manifest.heads_root).await.unwrap().unwrap());
    }
    store.records().iter().for_each(|record| verifier.record(record));
    verifier.finish()
}
