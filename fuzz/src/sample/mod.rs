//! A small log as material: seeds of the targets, and bundles for both verifiers. Everything follows from constants.

pub mod bundle;
pub mod log;

use std::collections::HashSet;
use std::sync::LazyLock;

use aal_ledger::merkle::{MemoryTree, prove};
use aal_ledger::proof::TlogProof;
use aal_ledger::{
    ChainId, Cosigner, Hash, Heads, Kind, Manifest, NoteSigner, Receipt, TrustPolicy, leaf_hash,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use log::{Draft, Log};
pub use log::{EPOCH_US, START_US};

/// Origin and key name of the log.
pub const ORIGIN: &str = "audit.example.com/anchor";
/// Key whose texts are erased in epoch 2.
pub const ERASED_KEY: u128 = 0xdead;

/// The log of three epochs.
pub static LOG: LazyLock<Log> = LazyLock::new(|| make_log(&signer(), ORIGIN));
/// Another log of the same key, in which old records were pruned.
pub static PRUNED_LOG: LazyLock<Log> = LazyLock::new(make_pruned_log);
/// Its newest signed checkpoint.
pub static NOTE: LazyLock<String> = LazyLock::new(|| {
    let last = LOG.epochs.last().expect("it has epochs");
    String::from_utf8(last.note.clone()).expect("a note is text")
});
/// The texts of all checkpoints that were signed.
pub static CHECKPOINTS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    LOG.epochs
        .iter()
        .map(|epoch| epoch.checkpoint.to_text())
        .collect()
});
/// The hashes of all leaves that are in the log.
pub static LEAVES: LazyLock<HashSet<Hash>> = LazyLock::new(|| {
    LOG.records
        .values()
        .flatten()
        .map(|record| leaf_hash(&record.leaf))
        .collect()
});

/// Who signs the log.
pub fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[1; 32]).expect("a key")
}

/// Who signs receipts.
pub fn edge_signer() -> NoteSigner {
    NoteSigner::from_seed("audit.example.com/edge", &[2; 32]).expect("a key")
}

/// The trust policy that pins them.
pub fn policy_text() -> String {
    let receipts = [edge_signer().verifier_key().clone()];
    TrustPolicy::render(ORIGIN, signer().verifier_key(), &receipts)
}

/// A witness of the log.
pub fn cosigner() -> Cosigner {
    Cosigner::ed25519("witness.example.com/w", &[9; 32]).expect("a key")
}

/// The checkpoint of an epoch with the witness's line.
pub fn cosigned(epoch: &log::Epoch) -> Vec<u8> {
    let line = cosigner()
        .cosign(&epoch.checkpoint, 1_790_000_100)
        .expect("it can be cosigned")
        .to_line();
    let mut note = epoch.note.clone();
    note.extend_from_slice(line.trim_end().as_bytes());
    note.push(b'\n');
    note
}

/// A policy that requires that witness, in the language of C2SP tlog-policy.
pub fn witness_policy_text() -> String {
    format!(
        "log {}\nwitness w1 {} https://witness.example.com\ngroup g any w1\nquorum g\n",
        signer().verifier_key(),
        cosigner().verifier_key()
    )
}

/// The trust policy that requires that witness, too.
pub fn witnessed_policy_text() -> String {
    let required = format!(
        "version = 1\nwitness_policy = \"\"\"\n{}\"\"\"\n",
        witness_policy_text()
    );
    policy_text().replacen("version = 1\n", &required, 1)
}

/// The log that the holder of the key shows to somebody else: its newest epoch seals another record.
pub fn forked() -> Vec<u8> {
    let log = make_variant(&signer(), ORIGIN, "stop");
    bundle::write(&log, EVERYTHING, ORIGIN)
}

/// A receipt of the edge.
pub fn receipt() -> String {
    Receipt::sign(Uuid::from_u128(0xe0_0000), [7; 32], START_US, &edge_signer()).to_string()
}

/// The tree over the lines of the heads.
pub fn tree_of(heads: &Heads) -> MemoryTree {
    let mut tree = MemoryTree::new();
    heads.line_hashes().for_each(|hash| tree.append(hash));
    tree
}

/// The proof of one record under the newest checkpoint and the newest heads.
pub fn record_proof(log: &Log, chain: ChainId, index: u64) -> Vec<u8> {
    let newest = log.epochs.len() as u64 - 1;
    let epoch = &log.epochs[newest as usize];
    let text = epoch.heads.to_text();
    let begins = format!("chain {chain} ");
    let (line_index, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| line.starts_with(&begins))
        .expect("the chain is in the heads");
    let head = aal_ledger::ChainHead::parse_line(line).expect("our line is one");
    let hex = |path: Vec<Hash>| -> Vec<String> { path.iter().map(aal_ledger::hash::to_hex).collect() };
    let chain_path = prove::inclusion(&log.trees[&chain], index, head.size).expect("it is there");
    let tree = tree_of(&epoch.heads);
    let head_path =
        prove::inclusion(&tree, line_index as u64, epoch.heads.line_count()).expect("it is there");
    let extra = json!({
        "format": "aal-record-path/v1",
        "leaf": STANDARD.encode(&log.records[&chain][index as usize].leaf),
        "chain": {"id": chain.to_string(), "index": index, "size": head.size, "path": hex(chain_path)},
        "head": {"line": line, "index": line_index, "size": epoch.heads.line_count(), "path": hex(head_path)},
        "manifest": String::from_utf8_lossy(&epoch.manifest),
    });
    let proof = TlogProof {
        extra: Some(extra.to_string().into_bytes()),
        index: newest,
        hashes: prove::inclusion(&log.anchor, newest, newest + 1).expect("it is there"),
        checkpoint: epoch.note.clone(),
    };
    proof.to_bytes()
}

/// The whole log, all tenants, everything handed over.
pub const EVERYTHING: bundle::Wanted = bundle::Wanted {
    base_epoch: None,
    last_epoch: 2,
    tenant: None,
    model: None,
    erased_key: None,
    ciphertexts: true,
    pruned: false,
};

/// Bundles of different kinds by name, with the exit status that each has when nobody touched it.
pub fn bundles() -> Vec<(&'static str, Vec<u8>, i32)> {
    let all = EVERYTHING;
    let middle = bundle::Wanted {
        base_epoch: Some(0),
        last_epoch: 1,
        ..all
    };
    let wanted = [
        ("all", all, 0),
        ("middle", middle, 0),
        (
            "filtered",
            bundle::Wanted {
                model: Some("model-a"),
                ciphertexts: false,
                ..all
            },
            0,
        ),
        (
            "erased",
            bundle::Wanted {
                erased_key: Some(ERASED_KEY),
                ..middle
            },
            0,
        ),
        (
            "tenant",
            bundle::Wanted {
                tenant: Some(1),
                ..middle
            },
            3,
        ),
    ];
    let of_log = wanted
        .into_iter()
        .map(|(name, wanted, status)| (name, bundle::write(&LOG, wanted, ORIGIN), status));
    // Told in the range, and after it.
    let of_pruned = [("pruned", 1), ("pruned later", 0)].map(|(name, last_epoch)| {
        let wanted = bundle::Wanted {
            last_epoch,
            pruned: true,
            ..all
        };
        (name, bundle::write(&PRUNED_LOG, wanted, ORIGIN), 0)
    });
    of_log.chain(of_pruned).collect()
}

/// Two epochs: old events, and a prune of the first of them.
fn make_pruned_log() -> Log {
    let policy = aal_ledger::hash::sha256(policy_text().as_bytes());
    let mut log = Log::default();
    let draft = |kind, offset, members, days_old| Draft {
        kind,
        tenant: 1,
        shard: 0,
        offset,
        members,
        lost_from: None,
        key: 0xc0,
        days_old,
    };
    for offset in 0..3 {
        log.append(draft(Kind::Event, offset, json!({"model": "model-a"}), 200));
    }
    log.append(draft(Kind::Event, 3, json!({"model": "model-a"}), 0));
    log.seal(ORIGIN, policy, &signer());
    let named = json!({"pruned_shard": 0, "pruned_ranges": [[0, 2]]});
    log.append(draft(Kind::Prune, 4, named, 0));
    log.seal(ORIGIN, policy, &signer());
    log
}

/// The log of these constants, under any key and origin.
pub fn make_log(signer: &NoteSigner, origin: &str) -> Log {
    make_variant(signer, origin, "idle")
}

fn make_variant(signer: &NoteSigner, origin: &str, last_action: &str) -> Log {
    let policy = aal_ledger::hash::sha256(policy_text().as_bytes());
    let mut log = Log::default();
    let event = |tenant, shard, offset, key| Draft {
        kind: Kind::Event,
        tenant,
        shard,
        offset,
        members: json!({"application": "loans", "model": if offset % 2 == 0 { "model-a" } else { "model-b" }}),
        lost_from: None,
        key,
        days_old: 0,
    };
    let told = |kind, tenant, shard, offset, members: Value| Draft {
        kind,
        members,
        ..event(tenant, shard, offset, 0)
    };
    for offset in 5..9 {
        log.append(event(1 + u128::from(offset % 2), 0, offset, 0xc0));
    }
    log.append(event(1, 10, 0, 0xc1));
    log.seal(origin, policy, signer);
    log.append(Draft {
        lost_from: Some(9),
        ..told(Kind::Gap, 0, 0, 11, json!({"reason": "retention"}))
    });
    for offset in 12..15 {
        log.append(event(
            1 + u128::from(offset % 2),
            0,
            offset,
            if offset == 12 { ERASED_KEY } else { 0xc0 },
        ));
    }
    log.append(event(3, 2, 0, 0xc3));
    log.seal(origin, policy, signer);
    let keys = json!({"subject_key_ids": [Uuid::from_u128(ERASED_KEY).to_string()]});
    log.append(told(Kind::ErasureDone, 1, 0, 15, keys));
    log.append(told(Kind::Heartbeat, 0, 10, 1, json!({"action": last_action})));
    log.seal(origin, policy, signer);
    log
}

/// The newest manifest.
pub fn manifest() -> Manifest {
    let last = LOG.epochs.last().expect("it has epochs");
    Manifest::parse(&last.manifest).expect("our manifest is one")
}
