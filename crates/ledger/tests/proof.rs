//! Proofs of single records.

mod common;

use aal_ledger::hash::to_hex;
use aal_ledger::merkle::{MemoryTree, prove};
use aal_ledger::proof::{RecordProofError, TlogProof, verify_record_proof};
use aal_ledger::{
    ChainHead, ChainId, Checkpoint, Hash, Heads, Leaf, Manifest, NoteSigner, ShardHead, TrustPolicy,
    ZERO_HASH, leaf_hash,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const ORIGIN: &str = "audit.example.com/anchor";

fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap()
}

fn policy() -> TrustPolicy {
    TrustPolicy::parse(&TrustPolicy::render(ORIGIN, signer().verifier_key(), &[])).unwrap()
}

fn hex_path(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(to_hex).collect()
}

/// The proof of leaf 5 of 9 in one of three chains, sealed by epoch 2 of 4.
fn proof() -> (TlogProof, Value) {
    let leaves: Vec<Vec<u8>> = (0..9)
        .map(|index| {
            Leaf {
                index,
                shard: 3,
                ..common::full_leaf()
            }
            .encode()
            .unwrap()
        })
        .collect();
    let tree: MemoryTree = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let chain = ChainId {
        tenant: common::full_leaf().tenant,
        shard: 3,
    };
    let head = |chain: ChainId| ChainHead {
        chain,
        size: 9,
        root: prove::root(&tree, 9).unwrap(),
        last_leaf_hash: leaf_hash(&leaves[8]),
    };
    let others = [Uuid::nil(), Uuid::from_u128(u128::MAX)].map(|tenant| head(ChainId { tenant, shard: 3 }));
    let shard = ShardHead {
        shard: 3,
        next_block: 1,
        next_offset: 9,
    };
    let heads = Heads::new(others.into_iter().chain([head(chain)]), [shard]).unwrap();
    let mut manifests: Vec<Manifest> = Vec::new();
    for epoch in 0..4 {
        let before = manifests.last();
        manifests.push(Manifest {
            epoch,
            previous: before.map_or(ZERO_HASH, Manifest::hash),
            opened_us: epoch as i64,
            closed_us: epoch as i64 + 1,
            incarnation: Uuid::nil(),
            policy_hash: ZERO_HASH,
            timestamp_hash: ZERO_HASH,
            witness_hash: ZERO_HASH,
            head_count: heads.line_count(),
            heads_root: heads.root(),
            leaf_count: 27,
        });
    }
    let log: MemoryTree = manifests.iter().map(Manifest::leaf_hash).collect();
    let checkpoint = Checkpoint {
        origin: ORIGIN.into(),
        size: 4,
        root: prove::root(&log, 4).unwrap(),
    };
    let head_tree: MemoryTree = heads.line_hashes().collect();
    let text = heads.to_text();
    let line_index = text
        .lines()
        .position(|line| line.starts_with(&format!("chain {chain} ")))
        .unwrap();
    let extra = json!({
        "format": "aal-record-path/v1",
        "leaf": STANDARD.encode(&leaves[5]),
        "chain": {"id": chain.to_string(), "index": 5, "size": 9, "path": hex_path(&prove::inclusion(&tree, 5, 9).unwrap())},
        "head": {"line": text.lines().nth(line_index), "index": line_index, "size": heads.line_count(),
                 "path": hex_path(&prove::inclusion(&head_tree, line_index as u64, 4).unwrap())},
        "manifest": manifests[2].to_text(),
    });
    let proof = TlogProof {
        extra: Some(extra.to_string().into_bytes()),
        index: 2,
        hashes: prove::inclusion(&log, 2, 4).unwrap(),
        checkpoint: checkpoint.sign(&[&signer()]).unwrap(),
    };
    (proof, extra)
}

#[test]
fn a_record_is_proven_up_to_the_pinned_key() {
    let (proof, _) = proof();
    let bytes = proof.to_bytes();
    assert!(bytes.starts_with(b"c2sp.org/tlog-proof@v1\nextra "));
    assert_eq!(TlogProof::parse(&bytes).unwrap(), proof);
    let proven = verify_record_proof(&bytes, &policy()).unwrap();
    assert_eq!(
        (proven.leaf.index, proven.head.size, proven.manifest.epoch),
        (5, 9, 2)
    );
    assert_eq!(proven.checkpoint.size, 4);

    let stranger = NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap();
    let other = TrustPolicy::parse(&TrustPolicy::render(ORIGIN, stranger.verifier_key(), &[])).unwrap();
    assert!(matches!(
        verify_record_proof(&bytes, &other),
        Err(RecordProofError::Checkpoint(_))
    ));
}

#[test]
fn each_step_is_checked() {
    let (good, extra) = proof();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = extra.clone();
        change(&mut changed);
        assert_ne!(changed, extra);
        let proof = TlogProof {
            extra: Some(changed.to_string().into_bytes()),
            ..good.clone()
        };
        verify_record_proof(&proof.to_bytes(), &policy()).unwrap_err()
    };
    let other_leaf = |change: fn(&mut Leaf)| {
        let mut leaf = Leaf {
            index: 5,
            shard: 3,
            ..common::full_leaf()
        };
        change(&mut leaf);
        Value::from(STANDARD.encode(leaf.encode().unwrap()))
    };
    let is =
        |error: RecordProofError, text: &str| assert!(error.to_string().contains(text), "{error} / {text}");
    is(
        with(&|extra| extra["leaf"] = other_leaf(|leaf| leaf.t_edge_us += 1)),
        "leaf is not proven",
    );
    is(
        with(&|extra| extra["leaf"] = other_leaf(|leaf| leaf.index = 4)),
        "index and size of the chain",
    );
    is(
        with(&|extra| extra["leaf"] = other_leaf(|leaf| leaf.shard = 4)),
        "chains named",
    );
    is(
        with(&|extra| extra["chain"]["size"] = 10.into()),
        "index and size of the chain",
    );
    is(
        with(&|extra| extra["chain"]["path"] = json!([])),
        "leaf is not proven",
    );
    is(
        with(&|extra| extra["head"]["index"] = 0.into()),
        "head is not proven",
    );
    is(with(&|extra| extra["head"]["size"] = 5.into()), "number of heads");
    is(
        with(&|extra| {
            extra["head"]["line"] = extra["head"]["line"]
                .as_str()
                .unwrap()
                .replace(" 9 ", " 8 ")
                .into()
        }),
        "head is not proven",
    );
    is(
        with(&|extra| extra["format"] = "aal-record-path/v2".into()),
        "format",
    );
    is(with(&|extra| extra["more"] = 1.into()), "unknown field");
    is(
        with(&|extra| {
            extra["manifest"] = extra["manifest"]
                .as_str()
                .unwrap()
                .replace("closed 3", "closed 4")
                .into()
        }),
        "manifest is not proven",
    );
    is(
        with(&|extra| {
            extra["manifest"] = extra["manifest"]
                .as_str()
                .unwrap()
                .replace("epoch 2", "epoch 1")
                .into()
        }),
        "manifest is of epoch 1",
    );
    let unexplained = TlogProof {
        extra: None,
        ..good.clone()
    };
    assert!(matches!(
        verify_record_proof(&unexplained.to_bytes(), &policy()),
        Err(RecordProofError::Extra(_))
    ));
    let moved = TlogProof {
        index: 3,
        ..good.clone()
    };
    assert!(matches!(
        verify_record_proof(&moved.to_bytes(), &policy()),
        Err(RecordProofError::Epoch { .. })
    ));
    let shorter = TlogProof {
        hashes: good.hashes[1..].to_vec(),
        ..good
    };
    assert!(matches!(
        verify_record_proof(&shorter.to_bytes(), &policy()),
        Err(RecordProofError::Inclusion { .. })
    ));
}

proptest! {
    #[test]
    fn a_changed_byte_is_refused(at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<prop::sample::Index>()) {
        let bytes = proof().0.to_bytes();
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= flip;
        if let Ok(parsed) = TlogProof::parse(&changed) {
            prop_assert_eq!(parsed.to_bytes(), changed.clone());
        }
        // White space and escapes inside the JSON of `extra` are the only freedom there is, and no byte flip uses it.
        prop_assert!(verify_record_proof(&changed, &policy()).is_err());
        prop_assert!(verify_record_proof(&bytes[..cut.index(bytes.len())], &policy()).is_err());
    }
}
