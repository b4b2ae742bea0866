//! Heads, manifests and the trust policy.

mod common;

use aal_ledger::hash::to_hex;
use aal_ledger::manifest::ManifestError;
use aal_ledger::merkle::{MemoryTree, empty_root, prove, verify};
use aal_ledger::{
    ChainHead, ChainId, Heads, HeadsError, Manifest, NoteSigner, PolicyError, ShardHead, TrustPolicy,
    ZERO_HASH,
};
use proptest::prelude::*;
use uuid::Uuid;

fn chain_head(tenant: u128, shard: u32, size: u64) -> ChainHead {
    let chain = ChainId {
        tenant: Uuid::from_u128(tenant),
        shard,
    };
    ChainHead {
        chain,
        size,
        root: [0x41; 32],
        last_leaf_hash: [0x42; 32],
    }
}

fn shard_head(shard: u32, next_block: u64, next_offset: u64) -> ShardHead {
    ShardHead {
        shard,
        next_block,
        next_offset,
    }
}

fn some_heads() -> Heads {
    let chains = [chain_head(7, 2, 5), chain_head(7, 10, 3), chain_head(0, 2, 1)];
    Heads::new(chains, [shard_head(10, 4, 0), shard_head(2, 9, 6)]).unwrap()
}

fn some_manifest() -> Manifest {
    Manifest {
        epoch: 0,
        previous: ZERO_HASH,
        opened_us: 1_790_000_000_000_000,
        closed_us: 1_790_000_010_000_000,
        incarnation: Uuid::from_u128(0xa1),
        policy_hash: [0x51; 32],
        timestamp_hash: ZERO_HASH,
        witness_hash: ZERO_HASH,
        head_count: some_heads().line_count(),
        heads_root: some_heads().root(),
        leaf_count: 9,
    }
}

fn after(before: &Manifest) -> Manifest {
    Manifest {
        epoch: before.epoch + 1,
        previous: before.hash(),
        opened_us: before.closed_us,
        closed_us: before.closed_us + 10_000_000,
        ..before.clone()
    }
}

#[test]
fn golden_bytes_do_not_change() {
    assert_eq!(some_heads().to_text(), include_str!("golden/heads-v1.txt"));
    assert_eq!(some_manifest().to_text(), include_str!("golden/manifest-v1.txt"));
    let hashes = format!(
        "{}\n{}\n",
        to_hex(&some_manifest().hash()),
        to_hex(&some_manifest().leaf_hash())
    );
    assert_eq!(hashes, include_str!("golden/manifest-v1-hashes.txt"));
}

#[test]
fn heads_have_one_text() {
    let heads = some_heads();
    assert_eq!(Heads::parse(heads.to_text().as_bytes()).unwrap(), heads);
    assert_eq!(Heads::parse(b"").unwrap(), Heads::default());
    assert_eq!(Heads::default().root(), empty_root());
    assert_eq!(heads.leaf_count(), Some(9));
    let text = heads.to_text();
    let lines: Vec<&str> = text.lines().collect();
    for (what, bad) in [
        ("no last newline", text.trim_end().to_owned()),
        ("empty line", format!("{text}\n")),
        ("order", format!("{}\n{}\n", lines[1], lines[0])),
        ("line twice", format!("{}\n{}\n", lines[0], lines[0])),
        (
            "chain twice",
            format!("{}\n{}\n", lines[0], lines[0].replace("/2 1 ", "/2 2 ")),
        ),
        ("leading zero", text.replace("shard 2 9 6", "shard 2 09 6")),
        (
            "upper-case digest",
            text.replace("41414141", "4A414141").replace("42", "4B"),
        ),
        ("unknown word", text.replace("shard 2", "shart 2")),
        ("field more", text.replace("shard 2 9 6", "shard 2 9 6 1")),
        ("two spaces", text.replace("shard 2 9", "shard 2  9")),
        ("carriage return", text.replace('\n', "\r\n")),
    ] {
        assert!(Heads::parse(bad.as_bytes()).is_err(), "{what}");
    }
    assert!(Heads::parse(b"\xff\n").is_err());
    assert!(matches!(
        Heads::new([chain_head(1, 1, 0)], []),
        Err(HeadsError::Empty(_))
    ));
    assert!(matches!(
        Heads::new([chain_head(1, 1, 1), chain_head(1, 1, 2)], []),
        Err(HeadsError::Twice(_))
    ));
    assert!(matches!(
        Heads::new([], [shard_head(1, 1, 1), shard_head(1, 2, 1)]),
        Err(HeadsError::Twice(_))
    ));
    assert!(matches!(
        Heads::new([chain_head(1, 1, 1)], [shard_head(2, 1, 1)]),
        Err(HeadsError::NoShard(_))
    ));
    let huge = Heads::new(
        [chain_head(1, 1, u64::MAX), chain_head(2, 1, 1)],
        [shard_head(1, 1, 1)],
    )
    .unwrap();
    assert_eq!(huge.leaf_count(), None);
}

#[test]
fn one_line_of_the_heads_can_be_shown_alone() {
    let heads = some_heads();
    let tree: MemoryTree = heads.line_hashes().collect();
    let proof = prove::inclusion(&tree, 1, heads.line_count()).unwrap();
    let line = heads.to_text().lines().nth(1).unwrap().to_owned();
    let hash = aal_ledger::leaf_hash(line.as_bytes());
    assert_eq!(
        verify::inclusion(heads.line_count(), 1, &hash, &proof, &heads.root()),
        Ok(())
    );
}

#[test]
fn heads_only_grow() {
    let before = some_heads();
    assert_eq!(before.check_follows(&before), Ok(()));
    let with = |chains: [ChainHead; 3], shards: [ShardHead; 2]| {
        Heads::new(chains, shards).unwrap().check_follows(&before)
    };
    let chains = [chain_head(7, 2, 5), chain_head(7, 10, 3), chain_head(0, 2, 1)];
    let shards = [shard_head(10, 4, 0), shard_head(2, 9, 6)];
    let [first, second, third] = chains;
    assert_eq!(with([chain_head(7, 2, 6), second, third], shards), Ok(()));
    assert!(matches!(
        with([chain_head(7, 2, 4), second, third], shards),
        Err(HeadsError::Shrank { .. })
    ));
    assert!(matches!(
        with([chain_head(8, 2, 9), second, third], shards),
        Err(HeadsError::Vanished(_))
    ));
    let other_root = ChainHead {
        root: [0; 32],
        ..first
    };
    assert_eq!(
        with([other_root, second, third], shards),
        Err(HeadsError::Rewritten(first.chain))
    );
    assert!(matches!(
        with(chains, [shards[0], shard_head(2, 8, 6)]),
        Err(HeadsError::Shrank { .. })
    ));
    assert!(matches!(
        with(chains, [shards[0], shard_head(2, 9, 5)]),
        Err(HeadsError::Shrank { .. })
    ));
    let idle_shard = Heads::new([], [shard_head(3, 9, 6)]).unwrap();
    assert!(matches!(
        Heads::default().check_follows(&idle_shard),
        Err(HeadsError::Vanished(_))
    ));
}

#[test]
fn manifests_have_one_text() {
    let manifest = some_manifest();
    let text = manifest.to_text();
    assert_eq!(Manifest::parse(text.as_bytes()).unwrap(), manifest);
    for cut in 0..text.len() {
        assert!(Manifest::parse(&text.as_bytes()[..cut]).is_err(), "cut to {cut}");
    }
    for (from, to) in [
        ("epoch/v1", "epoch/v2"),
        ("epoch 0", "epoch 00"),
        ("epoch 0", "epoch  0"),
        ("opened 1790", "opened +1790"),
        ("opened 1790", "opened 1990"),
        ("5151", "515"),
        ("incarnation 0", "incarnation A"),
        ("leaves 9\n", "leaves 9\n\n"),
        ("leaves 9\n", "leaves 9\nmore 1\n"),
        ("leaves 9\n", "leaves 9\r\n"),
        ("policy", "policies"),
    ] {
        let bad = text.replacen(from, to, 1);
        assert_ne!(bad, text, "{from}");
        assert!(Manifest::parse(bad.as_bytes()).is_err(), "{to:?}");
    }
}

#[test]
fn a_manifest_follows_only_its_predecessor() {
    let first = some_manifest();
    assert_eq!(first.check_follows(None), Ok(()));
    let second = after(&first);
    assert_eq!(second.check_follows(Some(&first)), Ok(()));
    assert!(matches!(
        second.check_follows(None),
        Err(ManifestError::Epoch {
            expected: 0,
            found: 1
        })
    ));
    assert!(matches!(
        first.check_follows(Some(&first)),
        Err(ManifestError::Epoch {
            expected: 1,
            found: 0
        })
    ));
    type Change = fn(&mut Manifest);
    let changes: [Change; 5] = [
        |manifest| manifest.previous[0] ^= 1,
        |manifest| manifest.opened_us += 1,
        |manifest| manifest.closed_us = manifest.opened_us - 1,
        |manifest| manifest.leaf_count -= 1,
        |manifest| manifest.epoch += 1,
    ];
    for change in changes {
        let mut changed = second.clone();
        change(&mut changed);
        assert!(changed.check_follows(Some(&first)).is_err(), "{changed:?}");
    }
    let previous_of_first = Manifest {
        previous: [1; 32],
        ..first.clone()
    };
    assert!(matches!(
        previous_of_first.check_follows(None),
        Err(ManifestError::Previous { .. })
    ));
    assert_eq!(first.check_heads(&some_heads()), Ok(()));
    assert!(first.check_heads(&Heads::default()).is_err());
    let miscounted = Manifest {
        leaf_count: 8,
        ..first
    };
    assert!(matches!(
        miscounted.check_heads(&some_heads()),
        Err(ManifestError::LeafCount {
            expected: 8,
            found: 9,
            ..
        })
    ));
}

fn key(name: &str, seed: u8) -> aal_ledger::VerifierKey {
    NoteSigner::from_seed(name, &[seed; 32])
        .unwrap()
        .verifier_key()
        .clone()
}

#[test]
fn a_rendered_policy_reads_back() {
    let (log, edge) = (
        key("audit.example.com/anchor", 1),
        key("audit.example.com/edge", 2),
    );
    let text = TrustPolicy::render("audit.example.com/anchor", &log, std::slice::from_ref(&edge));
    let policy = TrustPolicy::parse(&text).unwrap();
    assert_eq!(policy.origin, "audit.example.com/anchor");
    assert_eq!(policy.clock_tolerance_s, 5);
    assert_eq!(policy.log_keys_for(0), [log]);
    assert_eq!(policy.receipt_keys, [edge]);
    assert_eq!(policy.hash, aal_ledger::hash::sha256(text.as_bytes()));

    let windowed = text.replace(
        "[[receipt_key]]",
        "from_size = 10\nto_size = 20\n\n[[receipt_key]]",
    );
    let policy = TrustPolicy::parse(&windowed).unwrap();
    let held = [9, 10, 20, 21].map(|size| policy.log_keys_for(size).len());
    assert_eq!(held, [0, 1, 1, 0]);
}

#[test]
fn policies_are_read_strictly() {
    let good = TrustPolicy::render("o", &key("o", 1), &[key("edge", 2)]);
    let same_key = good.replace(&key("edge", 2).to_string(), &key("edge", 1).to_string());
    for (what, bad) in [
        ("empty", String::new()),
        ("version", good.replace("version = 1", "version = 2")),
        ("no version", good.replace("version = 1", "")),
        (
            "unknown key",
            good.replace("version = 1", "version = 1\nverify = false"),
        ),
        (
            "unknown key of a key",
            good.replace("[[log_key]]", "[[log_key]]\nalways = true"),
        ),
        ("no origin", good.replace("origin = \"o\"", "origin = \"\"")),
        (
            "origin of two lines",
            good.replace("origin = \"o\"", "origin = \"o\\n1\""),
        ),
        ("no log key", "version = 1\norigin = \"o\"\n".to_owned()),
        ("key damaged", good.replace("vkey = \"o+", "vkey = \"p+")),
        ("key in two lists", same_key),
        (
            "window",
            good.replace("[[receipt_key]]", "from_size = 2\nto_size = 1\n\n[[receipt_key]]"),
        ),
    ] {
        assert_ne!(bad, good, "{what}");
        assert!(TrustPolicy::parse(&bad).is_err(), "{what}");
    }
    assert_eq!(
        TrustPolicy::parse("version = 1\norigin = \"o\"\n"),
        Err(PolicyError::NoLogKey)
    );
}

proptest! {
    #[test]
    fn accepted_texts_are_the_one_text(at in any::<prop::sample::Index>(), byte in any::<u8>(), junk in "[ -~\\n]{0,60}") {
        for good in [some_heads().to_text(), some_manifest().to_text()] {
            let mut bytes = good.into_bytes();
            let position = at.index(bytes.len());
            bytes[position] = byte;
            if let Ok(heads) = Heads::parse(&bytes) {
                prop_assert_eq!(heads.to_text().into_bytes(), bytes.clone());
            }
            if let Ok(manifest) = Manifest::parse(&bytes) {
                prop_assert_eq!(manifest.to_text().into_bytes(), bytes.clone());
            }
        }
        let _ = Heads::parse(junk.as_bytes());
        let _ = Manifest::parse(junk.as_bytes());
        let _ = TrustPolicy::parse(&junk);
    }
}
