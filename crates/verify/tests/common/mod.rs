//! A small log in memory, sealed in three epochs, as evidence to verify and to tamper with.
#![allow(dead_code)]

use std::collections::BTreeMap;

use aal_ledger::hash::{ciphertext_hash, plaintext_commitment, sha256, topic_hash};
use aal_ledger::leaf::{AEAD_AES_256_SIV, AEAD_NONE, NO_TIME};
use aal_ledger::merkle::CompactRange;
use aal_ledger::{
    ChainHead, ChainId, Checkpoint, Hash, Heads, Kind, Leaf, Manifest, NoteSigner, ShardHead, Slot,
    TrustPolicy, ZERO_HASH, jcs, leaf_hash,
};
use aal_verify::{
    COLUMNS, Report, Status, StoredCiphertext, StoredRecord, StoredTemplate, Verdict, Verifier,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub const ORIGIN: &str = "audit.example.com/anchor";
pub const START_US: i64 = 1_790_000_000_000_000;
pub const EPOCH_US: i64 = 10_000_000;
/// Data key of tenant 1's content in the default log.
pub const CONTENT_KEY: u128 = 0xc0;

pub fn tenant(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub fn log_signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap()
}

pub fn policy() -> TrustPolicy {
    TrustPolicy::parse(&TrustPolicy::render(ORIGIN, log_signer().verifier_key(), &[])).unwrap()
}

/// What a verifier is given.
#[derive(Clone)]
pub struct Evidence {
    pub policy: TrustPolicy,
    pub checkpoints: Vec<Vec<u8>>,
    pub manifests: Vec<Vec<u8>>,
    pub heads: Vec<u8>,
    pub records: Vec<StoredRecord>,
}

impl Evidence {
    pub fn verify(&self) -> Report {
        let mut verifier = Verifier::new(self.policy.clone());
        self.checkpoints.iter().for_each(|note| verifier.checkpoint(note));
        self.manifests.iter().for_each(|bytes| verifier.manifest(bytes));
        verifier.heads(&self.heads);
        self.records.iter().for_each(|record| verifier.record(record));
        verifier.finish()
    }

    /// Position of a record by tenant, shard and index.
    pub fn at(&self, tenant_number: u128, shard: u32, index: u64) -> usize {
        let is_it = |record: &StoredRecord| {
            (record.tenant, record.shard, record.chain_index) == (tenant(tenant_number), shard, index)
        };
        self.records.iter().position(is_it).unwrap()
    }

    pub fn record(&mut self, tenant_number: u128, shard: u32, index: u64) -> &mut StoredRecord {
        let position = self.at(tenant_number, shard, index);
        &mut self.records[position]
    }

    pub fn remove(&mut self, tenant_number: u128, shard: u32, index: u64) -> StoredRecord {
        let position = self.at(tenant_number, shard, index);
        self.records.remove(position)
    }
}

/// What one record is made of.
#[derive(Clone, Debug)]
pub struct Draft {
    pub kind: Kind,
    pub tenant: Uuid,
    pub shard: u32,
    pub event_id: Uuid,
    pub offset: u64,
    pub t_edge_us: i64,
    pub header: Map<String, Value>,
    pub templates: Vec<(u16, String)>,
    pub sealed: Vec<(u16, Vec<u8>)>,
    pub key: Uuid,
    /// Zeros: no receipt.
    pub receipt_hash: Hash,
}

/// A log that grows by drafts and is sealed now and then.
#[derive(Default)]
pub struct Log {
    records: BTreeMap<ChainId, Vec<StoredRecord>>,
    ranges: BTreeMap<ChainId, (CompactRange, Hash)>,
    shards: BTreeMap<u32, (u64, u64)>,
    anchor: CompactRange,
    last_manifest: Option<Manifest>,
    pub manifests: Vec<Vec<u8>>,
    pub heads: Vec<u8>,
    pub checkpoint: Vec<u8>,
    /// Heads, frontiers and checkpoint of each epoch.
    pub epochs: Vec<Epoch>,
}

/// What was kept of one epoch.
#[derive(Clone)]
pub struct Epoch {
    pub heads: Heads,
    pub ranges: BTreeMap<ChainId, CompactRange>,
    pub checkpoint: Vec<u8>,
    /// The anchor log after it.
    pub log: CompactRange,
}

impl Log {
    /// Takes all content of a tenant away, as an erasure does.
    pub fn erase(&mut self, tenant_number: u128) {
        let records = self.records.values_mut().flatten();
        for record in records.filter(|record| record.tenant == tenant(tenant_number)) {
            record.templates.clear();
            record.ciphertexts.clear();
        }
    }

    /// All records, by chain and index.
    pub fn stored(&self) -> impl Iterator<Item = &StoredRecord> {
        self.records.values().flatten()
    }

    /// All records, to be tampered with.
    pub fn records_mut(&mut self) -> impl Iterator<Item = &mut StoredRecord> {
        self.records.values_mut().flatten()
    }

    /// Appends a block of records of one shard.
    pub fn block(&mut self, drafts: Vec<Draft>) {
        let shard = drafts[0].shard;
        let (block, _) = *self.shards.entry(shard).or_default();
        for (row, draft) in drafts.into_iter().enumerate() {
            self.append(draft, block, row as u32);
        }
        self.shards.entry(shard).or_default().0 = block + 1;
    }

    fn append(&mut self, draft: Draft, block: u64, row: u32) {
        let chain = ChainId {
            tenant: draft.tenant,
            shard: draft.shard,
        };
        let (range, last) = self
            .ranges
            .entry(chain)
            .or_insert((CompactRange::new(), ZERO_HASH));
        let record = store(draft, range.size(), *last, block, row);
        *last = leaf_hash(&record.leaf);
        range.append(*last);
        let shard = self.shards.entry(chain.shard).or_default();
        shard.1 = shard.1.max(record.offset + 1);
        self.records.entry(chain).or_default().push(record);
    }

    pub fn seal(&mut self) {
        let chains = self.ranges.iter().map(|(chain, (range, last))| ChainHead {
            chain: *chain,
            size: range.size(),
            root: range.root(),
            last_leaf_hash: *last,
        });
        let shards = self
            .shards
            .iter()
            .map(|(shard, (next_block, next_offset))| ShardHead {
                shard: *shard,
                next_block: *next_block,
                next_offset: *next_offset,
            });
        let heads = Heads::new(chains, shards).unwrap();
        let before = self.last_manifest.as_ref();
        let opened_us = before.map_or(START_US, |manifest| manifest.closed_us);
        let manifest = Manifest {
            epoch: before.map_or(0, |manifest| manifest.epoch + 1),
            previous: before.map_or(ZERO_HASH, Manifest::hash),
            opened_us,
            closed_us: opened_us + EPOCH_US,
            incarnation: Uuid::from_u128(0xa1),
            policy_hash: policy().hash,
            timestamp_hash: ZERO_HASH,
            witness_hash: ZERO_HASH,
            head_count: heads.line_count(),
            heads_root: heads.root(),
            leaf_count: heads.leaf_count().unwrap(),
        };
        self.anchor.append(manifest.leaf_hash());
        self.manifests.push(manifest.to_text().into_bytes());
        self.heads = heads.to_text().into_bytes();
        self.checkpoint = sign(self.anchor.size(), self.anchor.root(), &log_signer());
        self.last_manifest = Some(manifest);
        self.epochs.push(Epoch {
            ranges: self
                .ranges
                .iter()
                .map(|(chain, (range, _))| (*chain, range.clone()))
                .collect(),
            checkpoint: self.checkpoint.clone(),
            log: self.anchor.clone(),
            heads,
        });
    }

    pub fn evidence(&self) -> Evidence {
        Evidence {
            policy: policy(),
            checkpoints: vec![self.checkpoint.clone()],
            manifests: self.manifests.clone(),
            heads: self.heads.clone(),
            records: self.records.values().flatten().cloned().collect(),
        }
    }
}

pub fn sign(size: u64, root: Hash, signer: &NoteSigner) -> Vec<u8> {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size,
        root,
    }
    .sign(&[signer])
    .unwrap()
}

/// The row of a draft at its place.
pub fn store(draft: Draft, index: u64, prev_leaf_hash: Hash, block: u64, row: u32) -> StoredRecord {
    let salt = [0x5a; 32];
    let slot = |slot: u16| Slot {
        slot,
        subject_key_id: draft.key,
        key_ver: 1,
        aead: AEAD_NONE,
        padded_len: 0,
        ct_hash: ZERO_HASH,
        pt_commit: [0x77; 32],
        key_commit: [0x78; 32],
    };
    let templates = draft.templates.iter().map(|(number, text)| Slot {
        pt_commit: plaintext_commitment(&salt, text.as_bytes()),
        ..slot(*number)
    });
    let sealed = draft.sealed.iter().map(|(number, ciphertext)| Slot {
        aead: AEAD_AES_256_SIV,
        padded_len: ciphertext.len() as u32 - 16,
        ct_hash: ciphertext_hash(AEAD_AES_256_SIV, ciphertext),
        ..slot(*number)
    });
    let mut header = draft.header.clone();
    let place = json!({"block": block, "block_row": row, "block_month": 202_609});
    header.extend(place.as_object().unwrap().clone());
    let header_bytes = jcs::to_vec(&Value::Object(header.clone())).unwrap();
    let leaf = Leaf {
        kind: draft.kind,
        tenant: draft.tenant,
        shard: draft.shard,
        index,
        prev_leaf_hash,
        event_id: draft.event_id,
        source_id: Uuid::nil(),
        source_epoch: 0,
        source_seq: 0,
        topic_hash: topic_hash("audit.events"),
        partition: draft.shard,
        offset: draft.offset,
        t_source_us: NO_TIME,
        t_edge_us: draft.t_edge_us,
        avro_schema_hash: [0x61; 32],
        pipeline_hash: [0x62; 32],
        header_hash: sha256(&header_bytes),
        ingress_receipt_hash: draft.receipt_hash,
        slots: templates.chain(sealed).collect(),
    };
    let leaf_bytes = leaf.encode().unwrap();
    let attributes = draft.templates.iter().find(|(number, _)| *number == 3);
    let attributes: Option<Value> = attributes.map(|(_, text)| serde_json::from_str(text).unwrap());
    let attributes = attributes.as_ref().and_then(Value::as_object);
    let columns = COLUMNS.iter().map(|column| {
        let expected = column.expected(&leaf, &header, attributes).unwrap();
        (column.name.to_owned(), expected)
    });
    StoredRecord {
        shard: draft.shard,
        block,
        row,
        offset: draft.offset,
        tenant: draft.tenant,
        chain_index: index,
        kind: draft.kind.name().to_owned(),
        event_id: draft.event_id,
        prev_leaf_hash: prev_leaf_hash.to_vec(),
        leaf_hash: leaf_hash(&leaf_bytes).to_vec(),
        leaf: leaf_bytes,
        header: header_bytes,
        columns: columns.collect(),
        templates: draft
            .templates
            .iter()
            .map(|(slot, text)| StoredTemplate {
                slot: *slot,
                text: text.clone().into_bytes(),
                salt: Some(salt.to_vec()),
            })
            .collect(),
        ciphertexts: draft
            .sealed
            .iter()
            .map(|(slot, ciphertext)| StoredCiphertext {
                slot: *slot,
                ciphertext: ciphertext.clone(),
            })
            .collect(),
    }
}

/// An event with texts and sealed values.
pub fn event(tenant_number: u128, shard: u32, offset: u64) -> Draft {
    let event_id = Uuid::from_u128(0xe000_0000 + (u128::from(shard) << 16) + u128::from(offset));
    let t_edge_us = START_US + offset as i64 * 1_000;
    let header = json!({
        "kind": "event", "content": "redacted", "event_id": event_id, "edge_at_us": t_edge_us,
        "occurred_at_us": t_edge_us - 5, "application": "loan-desk", "environment": "production",
        "provider": "openai", "operation": "chat", "model": "gpt-4o-2024-08-06", "status": 200,
        "usage": {"input_text": 120, "output_text": 30}, "input_tokens": 120, "output_tokens": 30,
        "cost": "0.000600", "currency": "USD", "pii": {"EMAIL_ADDRESS": 1}, "usage_state": "usage_reported",
        "finish_reasons": ["stop"], "duration_us": 812_000,
    });
    Draft {
        kind: Kind::Event,
        tenant: tenant(tenant_number),
        shard,
        event_id,
        offset,
        t_edge_us,
        header: header.as_object().unwrap().clone(),
        templates: vec![
            (
                0,
                format!("{{\"input\":\"case {offset} of [[EMAIL_ADDRESS:k1:0000000000000000]]\"}}"),
            ),
            (1, "approved".to_owned()),
            (3, r#"{"session_id":"s-1","user_id":"clerk-7"}"#.to_owned()),
        ],
        sealed: vec![(8, vec![0x80 ^ offset as u8; 48]), (16, vec![0x16; 32])],
        key: Uuid::from_u128(CONTENT_KEY),
        receipt_hash: ZERO_HASH,
    }
}

/// A record of another kind without texts.
pub fn plain(kind: Kind, tenant_number: u128, shard: u32, offset: u64) -> Draft {
    let t_edge_us = START_US + offset as i64 * 1_000;
    let header = json!({"kind": kind.name(), "edge_at_us": t_edge_us, "occurred_at_us": t_edge_us});
    Draft {
        kind,
        event_id: Uuid::nil(),
        header: header.as_object().unwrap().clone(),
        templates: Vec::new(),
        sealed: Vec::new(),
        ..event(tenant_number, shard, offset)
    }
}

pub fn gap(shard: u32, first: u64, last: u64) -> Draft {
    let mut draft = plain(Kind::Gap, 0, shard, last);
    draft.header.insert("first_offset".to_owned(), json!(first));
    draft
}

/// Two tenants on two shards, a gap of the shard's own chain, three epochs, two records not yet sealed.
pub fn default_log() -> Log {
    let mut log = Log::default();
    log.block(vec![gap(0, 0, 2), event(1, 0, 3), event(2, 0, 4), event(1, 0, 5)]);
    log.block(vec![event(1, 1, 0), event(1, 1, 1)]);
    log.seal();
    log.block(vec![
        event(2, 0, 6),
        event(1, 0, 7),
        event(1, 0, 8),
        plain(Kind::Heartbeat, 0, 0, 9),
    ]);
    log.seal();
    log.block(
        (10..20)
            .map(|offset| event(1 + u128::from(offset % 3 == 0), 0, offset))
            .collect(),
    );
    log.block(vec![event(2, 1, 2)]);
    log.seal();
    log.block(vec![event(1, 0, 20), event(2, 0, 21)]);
    log
}

/// One way to tamper with the default log.
pub type Tamper = fn(&mut Evidence);

/// Each case must be refuted by its verdict, with a finding that holds the text.
pub fn check(cases: &[(&str, Tamper, Verdict, &str)]) {
    let control = default_log().evidence();
    assert_eq!(control.verify().exit_code(), 0);
    for (name, tamper, verdict, expected) in cases {
        let mut evidence = control.clone();
        tamper(&mut evidence);
        let report = evidence.verify();
        assert_eq!(report.exit_code(), 1, "{name}:\n{report}");
        let judged = report.verdict(*verdict);
        assert_eq!(judged.status, Status::Fail, "{name}:\n{report}");
        let is_named = judged
            .findings
            .iter()
            .any(|finding| finding.to_string().contains(expected));
        assert!(is_named, "{name}: no finding with {expected:?} in\n{report}");
    }
}
