//! Parsers of the ledger: no panic, and what is accepted has one encoding only.

use std::sync::LazyLock;

use aal_ledger::merkle::{CompactRange, verify};
use aal_ledger::tile::{Resource, decode_entries, encode_entries};
use aal_ledger::{
    Checkpoint, Hash, Heads, Leaf, LeafView, Manifest, Note, Receipt, TrustPolicy, VerifierKey,
    WitnessPolicy, jcs,
};
use aal_ledger::{Cosigner, cosignature, proof as proofs};

use crate::sample;

static POLICY: LazyLock<TrustPolicy> =
    LazyLock::new(|| TrustPolicy::parse(&sample::policy_text()).expect("the sample's policy is one"));
static KEYS: LazyLock<Vec<VerifierKey>> = LazyLock::new(|| POLICY.log_keys_for(1));

pub fn leaf(bytes: &[u8]) {
    let decoded = Leaf::decode(bytes);
    let viewed = LeafView::new(bytes);
    assert_eq!(decoded.is_ok(), viewed.is_ok(), "two readers of a leaf disagree");
    if let Ok(leaf) = decoded {
        let encoded = leaf.encode().expect("what was decoded can be encoded");
        assert_eq!(encoded, bytes, "a second encoding of a leaf was accepted");
    }
}

pub fn header(bytes: &[u8]) {
    if let Ok(value) = jcs::parse_strict(bytes) {
        let canonical = jcs::to_vec(&value).expect("a strict value has a canonical form");
        let again = jcs::parse_canonical(&canonical).expect("the canonical form is canonical");
        assert_eq!(jcs::to_vec(&again).expect("it has a form"), canonical);
    }
    let canonical = jcs::parse_canonical(bytes);
    if let Ok(value) = &canonical {
        assert_eq!(
            jcs::to_vec(value).expect("it has a form"),
            bytes,
            "JSON that is not canonical was accepted"
        );
    }
    if let Ok(members) = jcs::Members::read(bytes) {
        assert!(
            canonical.is_ok(),
            "members of JSON that is not canonical were read"
        );
        for (name, member) in members.iter() {
            assert!(members.get(name).is_some());
            let _ = (
                member.string(),
                member.integer(),
                member.unsigned(),
                member.value(),
            );
        }
    }
}

pub fn heads(bytes: &[u8]) {
    if let Ok(heads) = Heads::parse(bytes) {
        assert_eq!(heads.to_text().as_bytes(), bytes);
        let _ = (heads.root(), heads.leaf_count());
        let _ = heads.check_follows(&heads);
    }
}

pub fn manifest(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::parse(bytes) {
        assert_eq!(manifest.to_text().as_bytes(), bytes);
        let _ = manifest.check_follows(None);
        let _ = manifest.check_follows(Some(&manifest));
    }
}

pub fn note(bytes: &[u8]) {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_bytes(), bytes);
        let _ = note.verify(&KEYS);
        let _ = Checkpoint::parse_text(&note.text).map(|checkpoint| {
            assert_eq!(checkpoint.to_text(), note.text);
        });
    }
}

pub fn checkpoint(bytes: &[u8]) {
    if let Ok((checkpoint, signed_by)) = Checkpoint::open(bytes, sample::ORIGIN, &KEYS) {
        assert!(!signed_by.is_empty());
        assert!(
            sample::CHECKPOINTS.contains(&checkpoint.to_text()),
            "a checkpoint that nobody signed was opened"
        );
    }
}

pub fn receipt(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(receipt) = text.parse::<Receipt>() {
        assert_eq!(receipt.to_string(), text);
        let _ = receipt.verify(&POLICY.receipt_keys);
    }
}

pub fn proof(bytes: &[u8]) {
    if let Ok(parsed) = proofs::TlogProof::parse(bytes) {
        assert_eq!(parsed.to_bytes(), bytes);
    }
    if let Ok(proven) = proofs::verify_record_proof(bytes, &POLICY) {
        assert!(
            sample::LEAVES.contains(&proven.leaf_hash),
            "a leaf that is not in the log was proven"
        );
    }
}

pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(policy) = TrustPolicy::parse(text) {
        let _ = (policy.log_keys_for(0), policy.log_keys_for(u64::MAX));
    }
    if let Ok(key) = text.trim_end_matches('\n').parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text.trim_end_matches('\n'));
    }
}

pub fn witness_policy(bytes: &[u8]) {
    if let Ok(policy) = WitnessPolicy::parse(bytes) {
        let note = Note::parse(sample::NOTE.as_bytes()).expect("the sample's note is one");
        let _ = policy.evaluate(&note);
    }
}

pub fn cosignature(bytes: &[u8]) {
    if let Some(found) = cosignature::Cosignature::parse(bytes) {
        assert_eq!(found.to_bytes(), bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let key = Cosigner::ed25519("witness.example.com/w", &[9; 32]).expect("a key");
        assert!(
            key.verifier_key().verify_note(text, bytes).is_none(),
            "a forged cosignature holds"
        );
    }
}

pub fn range(bytes: &[u8]) {
    if let Ok(mut range) = CompactRange::from_bytes(bytes) {
        assert_eq!(range.to_bytes(), bytes);
        let _ = range.root();
        if range.size() < u64::MAX {
            range.append([1; 32]);
        }
    }
}

/// Three numbers, two roots, and hashes: no proof of random bytes holds, and none takes longer than its length.
pub fn merkle(bytes: &[u8]) {
    let Some((numbers, rest)) = bytes.split_at_checked(24) else {
        return;
    };
    let number = |at: usize| u64::from_be_bytes(numbers[at..at + 8].try_into().expect("eight bytes"));
    let (a, b, c) = (number(0), number(8), number(16));
    let hashes: Vec<Hash> = rest.as_chunks::<32>().0.to_vec();
    let (leaf, root) = ([0x11; 32], [0x22; 32]);
    assert!(
        verify::inclusion(a, b, &leaf, &hashes, &root).is_err(),
        "an invented inclusion holds"
    );
    assert!(
        verify::consistency(a, b, &leaf, &root, &hashes).is_err(),
        "an invented extension holds"
    );
    let _ = verify::subtree_inclusion(a, b, c, &leaf, &hashes, &root);
    let _ = verify::subtree_consistency(a, b, c, &leaf, &root, &hashes);
}

pub fn entries(bytes: &[u8]) {
    if let Ok(found) = decode_entries(bytes) {
        assert_eq!(
            encode_entries(found).expect("what was decoded can be encoded"),
            bytes
        );
    }
}

pub fn tile_path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some(resource) = Resource::parse(text) {
        assert_eq!(resource.path(), text);
        assert!(!text.contains(".."), "a path that leads out was accepted");
    }
}
