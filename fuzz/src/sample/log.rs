//! A small sealed log in memory.

use std::collections::BTreeMap;
use std::convert::Infallible;

use aal_ledger::hash::{ciphertext_hash, plaintext_commitment, sha256, topic_hash};
use aal_ledger::merkle::{CompactRange, HashSource, MemoryTree, prove};
use aal_ledger::{
    ChainHead, ChainId, Checkpoint, Hash, Heads, Kind, Leaf, Manifest, NoteSigner, ShardHead, Slot,
    ZERO_HASH, jcs, leaf_hash,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// When epoch 0 opened.
pub const START_US: i64 = 1_790_000_000_000_000;
/// Length of an epoch.
pub const EPOCH_US: i64 = 10_000_000;
const DAY_US: i64 = 86_400_000_000;
const SALT: [u8; 32] = [0x5a; 32];
const TOPIC: &str = "audit.events";

/// One record with all its texts.
#[derive(Clone, Debug)]
pub struct Record {
    pub leaf: Vec<u8>,
    pub header: Vec<u8>,
    pub openings: Vec<(u16, [u8; 32], Vec<u8>)>,
    pub ciphertexts: Vec<(u16, Vec<u8>)>,
}

/// What a record is made of.
#[derive(Clone, Debug)]
pub struct Draft {
    pub kind: Kind,
    pub tenant: u128,
    pub shard: u32,
    /// Offset of its message; with `lost_from` the last lost one.
    pub offset: u64,
    pub members: Value,
    pub lost_from: Option<u64>,
    pub key: u128,
    /// How long before its epoch it came.
    pub days_old: i64,
}

/// One sealed epoch.
#[derive(Clone, Debug)]
pub struct Epoch {
    pub manifest: Vec<u8>,
    pub heads: Heads,
    pub note: Vec<u8>,
    pub checkpoint: Checkpoint,
}

/// A log that grows by records and is sealed now and then.
#[derive(Debug, Default)]
pub struct Log {
    pub records: BTreeMap<ChainId, Vec<Record>>,
    pub trees: BTreeMap<ChainId, MemoryTree>,
    pub anchor: MemoryTree,
    pub epochs: Vec<Epoch>,
    shards: BTreeMap<u32, ShardHead>,
    last: Option<Manifest>,
}

/// The root of the first leaves.
pub fn root(tree: &MemoryTree, size: u64) -> Hash {
    let found: Result<Hash, Infallible> = prove::root(tree, size);
    found.expect("memory can be read")
}

/// The compact range of the first leaves.
pub fn compact<S: HashSource<Error = Infallible>>(tree: &S, size: u64) -> CompactRange {
    CompactRange::of(tree, size).expect("memory can be read")
}

impl Log {
    /// Appends one record in a block of its own.
    pub fn append(&mut self, draft: Draft) {
        let chain = ChainId {
            tenant: Uuid::from_u128(draft.tenant),
            shard: draft.shard,
        };
        let records = self.records.entry(chain).or_default();
        let previous = records.last().map_or(ZERO_HASH, |record| leaf_hash(&record.leaf));
        let edge_at_us = START_US + self.epochs.len() as i64 * EPOCH_US + records.len() as i64 + 1;
        let edge_at_us = edge_at_us - draft.days_old * DAY_US;
        let record = make(&draft, records.len() as u64, previous, edge_at_us);
        self.trees
            .entry(chain)
            .or_default()
            .append(leaf_hash(&record.leaf));
        records.push(record);
        let shard = self.shards.entry(draft.shard).or_insert(ShardHead {
            shard: draft.shard,
            next_block: 0,
            next_offset: 0,
        });
        shard.next_block += 1;
        shard.next_offset = draft.offset + 1;
    }

    /// Seals what there is.
    pub fn seal(&mut self, origin: &str, policy_hash: Hash, signer: &NoteSigner) {
        let chains = self.trees.iter().map(|(chain, tree)| ChainHead {
            chain: *chain,
            size: tree.size(),
            root: root(tree, tree.size()),
            last_leaf_hash: leaf_hash(&self.records[chain].last().expect("a chain has leaves").leaf),
        });
        let heads = Heads::new(chains, self.shards.values().cloned()).expect("the heads are in order");
        let before = self.last.as_ref();
        let opened_us = before.map_or(START_US, |manifest| manifest.closed_us);
        let manifest = Manifest {
            epoch: self.epochs.len() as u64,
            previous: before.map_or(ZERO_HASH, Manifest::hash),
            opened_us,
            closed_us: opened_us + EPOCH_US,
            incarnation: Uuid::from_u128(0xa1),
            policy_hash,
            timestamp_hash: ZERO_HASH,
            witness_hash: ZERO_HASH,
            head_count: heads.line_count(),
            heads_root: heads.root(),
            leaf_count: heads.leaf_count().expect("a small number"),
        };
        self.anchor.append(manifest.leaf_hash());
        let checkpoint = Checkpoint {
            origin: origin.to_owned(),
            size: self.anchor.size(),
            root: root(&self.anchor, self.anchor.size()),
        };
        self.epochs.push(Epoch {
            manifest: manifest.to_text().into_bytes(),
            heads,
            note: checkpoint.sign(&[signer]).expect("it can be signed"),
            checkpoint,
        });
        self.last = Some(manifest);
    }
}

fn make(draft: &Draft, index: u64, prev_leaf_hash: Hash, edge_at_us: i64) -> Record {
    let has_texts = draft.kind == Kind::Event;
    let event_id = if has_texts {
        Uuid::from_u128(0xe0_0000 + u128::from(draft.offset))
    } else {
        Uuid::nil()
    };
    let mut header = draft.members.clone();
    header["kind"] = json!(draft.kind.name());
    header["content"] = json!("redacted");
    header["edge_at_us"] = json!(edge_at_us);
    if has_texts {
        header["event_id"] = json!(event_id.to_string());
        header["occurred_at_us"] = json!(edge_at_us - 1_000);
    }
    if let Some(first) = draft.lost_from {
        header["first_offset"] = json!(first);
    }
    let header = jcs::to_vec(&header).expect("the header has a canonical form");
    let openings = if has_texts {
        texts(draft, index)
    } else {
        Vec::new()
    };
    let ciphertexts = if has_texts {
        vec![(16, vec![0xc7 ^ index as u8; 16 + 32])]
    } else {
        Vec::new()
    };
    let slot = |slot, aead, padded_len, ct_hash, pt_commit| Slot {
        slot,
        subject_key_id: Uuid::from_u128(draft.key),
        key_ver: 1,
        aead,
        padded_len,
        ct_hash,
        pt_commit,
        key_commit: [0x6b; 32],
    };
    let templates = openings
        .iter()
        .map(|(number, salt, text)| slot(*number, 0, 0, ZERO_HASH, plaintext_commitment(salt, text)));
    let sealed = ciphertexts.iter().map(|(number, ciphertext): &(u16, Vec<u8>)| {
        slot(
            *number,
            1,
            ciphertext.len() as u32 - 16,
            ciphertext_hash(1, ciphertext),
            [0x70; 32],
        )
    });
    let leaf = Leaf {
        kind: draft.kind,
        tenant: Uuid::from_u128(draft.tenant),
        shard: draft.shard,
        index,
        prev_leaf_hash,
        event_id,
        source_id: Uuid::nil(),
        source_epoch: 0,
        source_seq: 0,
        topic_hash: topic_hash(TOPIC),
        partition: draft.shard,
        offset: draft.offset,
        t_source_us: edge_at_us - 1_000,
        t_edge_us: edge_at_us,
        avro_schema_hash: [0xa5; 32],
        pipeline_hash: [0x91; 32],
        header_hash: sha256(&header),
        ingress_receipt_hash: ZERO_HASH,
        slots: templates.chain(sealed).collect(),
    };
    let leaf = leaf.encode().expect("the leaf is well-formed");
    Record {
        leaf,
        header,
        openings,
        ciphertexts,
    }
}

fn texts(draft: &Draft, index: u64) -> Vec<(u16, [u8; 32], Vec<u8>)> {
    let request = format!("{{\"question\":\"number {index} of shard {}\"}}", draft.shard);
    let attributes = json!({"session_id": format!("s-{index}"), "user_id": "u-1"}).to_string();
    vec![
        (0, SALT, request.into_bytes()),
        (1, SALT, "an answer of our making".as_bytes().to_vec()),
        (3, SALT, attributes.into_bytes()),
    ]
}
