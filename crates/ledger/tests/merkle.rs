//! The Merkle tree against published vectors and against the definition in RFC 9162.

mod common;

use std::path::Path;

use aal_ledger::hash::{parse_hex, sha256};
use aal_ledger::merkle::prove::ProveError;
use aal_ledger::merkle::{
    CompactRange, HashSource, MemoryTree, ProofError, empty_root, node_hash, prove, root_of, verify,
};
use aal_ledger::{Hash, leaf_hash};
use base64::Engine as _;
use proptest::prelude::*;
use serde_json::Value;

/// The tree hash as RFC 9162 §2.1.1 defines it, recursively.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            node_hash(
                &root_by_definition(&leaves[..split]),
                &root_by_definition(&leaves[split..]),
            )
        }
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|number| leaf_hash(&number.to_be_bytes()))
        .collect()
}

/// The eight inputs and roots of the certificate-transparency reference tests.
#[test]
fn roots_of_the_reference_inputs() {
    let inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let hashes: Vec<Hash> = inputs
        .iter()
        .map(|input| leaf_hash(&hex::decode(input).unwrap()))
        .collect();
    let root = parse_hex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328").unwrap();
    assert_eq!(root_of(&hashes), root);
    let one = parse_hex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d").unwrap();
    assert_eq!(root_of(&hashes[..1]), one);
    let none = parse_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").unwrap();
    assert_eq!(root_of(&[]), none);
}

#[test]
fn a_compact_range_agrees_with_the_definition() {
    let hashes = leaves(130);
    let mut range = CompactRange::new();
    let mut tree = MemoryTree::new();
    for count in 0..=hashes.len() {
        let expected = root_by_definition(&hashes[..count]);
        assert_eq!(range.root(), expected, "{count} leaves");
        assert_eq!(
            prove::root(&tree, count as u64).unwrap(),
            expected,
            "{count} leaves"
        );
        assert_eq!(CompactRange::from_bytes(&range.to_bytes()).unwrap(), range);
        if let Some(hash) = hashes.get(count) {
            range.append(*hash);
            tree.append(*hash);
        }
    }
    // The last leaf doubled must not give the root of a tree one leaf shorter (CVE-2012-2459).
    for count in 1..64 {
        let mut doubled = hashes[..count].to_vec();
        doubled.push(hashes[count - 1]);
        assert_ne!(root_of(&doubled), root_of(&hashes[..count]));
    }
}

#[test]
fn a_compact_range_of_the_wrong_length_is_refused() {
    let mut range = CompactRange::new();
    leaves(7).into_iter().for_each(|hash| range.append(hash));
    let bytes = range.to_bytes();
    for cut in 0..bytes.len() {
        assert!(CompactRange::from_bytes(&bytes[..cut]).is_err(), "{cut}");
    }
    assert!(CompactRange::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
    assert!(CompactRange::from_bytes(&[bytes.as_slice(), &[0; 32]].concat()).is_err());
}

#[test]
fn every_proof_of_small_trees_holds_and_no_other() {
    const LARGEST: u64 = 34;
    let hashes = leaves(LARGEST);
    let tree: MemoryTree = hashes.iter().copied().collect();
    for size in 1..=LARGEST {
        let root = root_by_definition(&hashes[..size as usize]);
        for index in 0..size {
            let proof = prove::inclusion(&tree, index, size).unwrap();
            let leaf = &hashes[index as usize];
            assert_eq!(verify::inclusion(size, index, leaf, &proof, &root), Ok(()));
            for other in (0..size).filter(|other| *other != index) {
                assert!(verify::inclusion(size, other, leaf, &proof, &root).is_err());
            }
            refuses_changed_lengths(&proof, |proof| verify::inclusion(size, index, leaf, proof, &root));
        }
        assert_eq!(
            prove::inclusion(&tree, size, size),
            Err(ProveError::Index { index: size, size })
        );
        for old in 1..=size {
            let old_root = root_by_definition(&hashes[..old as usize]);
            let proof = prove::consistency(&tree, old, size).unwrap();
            assert_eq!(
                verify::consistency(old, size, &old_root, &root, &proof),
                Ok(()),
                "{old} {size}"
            );
            refuses_changed_lengths(&proof, |proof| {
                verify::consistency(old, size, &old_root, &root, proof)
            });
            if old != size {
                assert!(verify::consistency(old, size, &root, &old_root, &proof).is_err());
            }
        }
        assert!(prove::consistency(&tree, 0, size).is_err());
        assert!(prove::consistency(&tree, size + 1, size).is_err());
    }
}

fn refuses_changed_lengths(proof: &[Hash], verify: impl Fn(&[Hash]) -> Result<(), ProofError>) {
    let longer = [proof, &[[7; 32]]].concat();
    assert!(verify(&longer).is_err(), "longer");
    if let Some((_, shorter)) = proof.split_last() {
        assert!(verify(shorter).is_err(), "shorter");
    }
}

/// Runs all files of one kind and returns how many there were and how many had to be refused.
fn run_vectors(kind: &str, check: impl Fn(&Value) -> Result<(), ProofError>) -> (usize, usize) {
    let (mut count, mut negative) = (0, 0);
    for path in json_files(&common::vectors().join("merkle/testdata").join(kind)) {
        let vector: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let must_fail = vector["wantErr"].as_bool().unwrap();
        let is_typed = ["leafHash", "root"]
            .iter()
            .all(|field| vector.get(field).is_none_or(is_a_hash));
        let result = if is_typed {
            check(&vector)
        } else {
            Err(ProofError::Root)
        };
        assert_eq!(result.is_err(), must_fail, "{}: {result:?}", path.display());
        count += 1;
        negative += usize::from(must_fail);
    }
    (count, negative)
}

fn json_files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(json_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found
}

/// Some vectors hold a text like "don't care" for a hash, which our types refuse as such; so that the rest of the
/// vector is tried too, it becomes some hash, equal texts the same one.
fn hash_of(value: &Value) -> Hash {
    let bytes = decode(value);
    bytes
        .as_slice()
        .try_into()
        .unwrap_or_else(|_| sha256(&[b"text ", bytes.as_slice()].concat()))
}

fn is_a_hash(value: &Value) -> bool {
    decode(value).len() == 32
}

fn decode(value: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(value.as_str().unwrap())
        .unwrap()
}

fn proof_of(vector: &Value) -> Vec<Hash> {
    vector["proof"]
        .as_array()
        .map_or_else(Vec::new, |proof| proof.iter().map(hash_of).collect())
}

fn number(vector: &Value, field: &str) -> u64 {
    vector[field].as_u64().unwrap()
}

#[test]
fn all_published_vectors() {
    let inclusion = run_vectors("inclusion", |vector| {
        let (index, size) = (number(vector, "leafIdx"), number(vector, "treeSize"));
        let (leaf, root) = (hash_of(&vector["leafHash"]), hash_of(&vector["root"]));
        verify::inclusion(size, index, &leaf, &proof_of(vector), &root)
    });
    let consistency = run_vectors("consistency", |vector| {
        let (size1, size2) = (number(vector, "size1"), number(vector, "size2"));
        let (root1, root2) = (hash_of(&vector["root1"]), hash_of(&vector["root2"]));
        verify::consistency(size1, size2, &root1, &root2, &proof_of(vector))
    });
    let subtree_inclusion = run_vectors("subtreeinclusion", |vector| {
        let (start, end) = (number(vector, "start"), number(vector, "end"));
        let (leaf, root) = (hash_of(&vector["leafHash"]), hash_of(&vector["root"]));
        verify::subtree_inclusion(
            number(vector, "leafIdx"),
            start,
            end,
            &leaf,
            &proof_of(vector),
            &root,
        )
    });
    let subtree_consistency = run_vectors("subtreeconsistency", |vector| {
        let (start, end) = (number(vector, "start"), number(vector, "end"));
        let (root1, root2) = (hash_of(&vector["root1"]), hash_of(&vector["root2"]));
        verify::subtree_consistency(
            start,
            end,
            number(vector, "size"),
            &root1,
            &root2,
            &proof_of(vector),
        )
    });
    let runs = [inclusion, consistency, subtree_inclusion, subtree_consistency];
    let count: usize = runs.iter().map(|(count, _)| count).sum();
    let negative: usize = runs.iter().map(|(_, negative)| negative).sum();
    assert_eq!((count, negative), (518, 482));
}

/// A source that knows only perfect subtrees of a log of one repeated leaf, so that huge trees can be tried.
struct Repeated;

impl HashSource for Repeated {
    type Error = std::convert::Infallible;

    fn node(&self, level: u32, _index: u64) -> Result<Hash, Self::Error> {
        Ok((0..level).fold(leaf_hash(b"again"), |hash, _| node_hash(&hash, &hash)))
    }
}

proptest! {
    #[test]
    fn proofs_hold_in_trees_of_any_size(a in 1u64.., b in 1u64.., at in any::<u64>(), position in any::<prop::sample::Index>()) {
        let (small, large) = (a.min(b), a.max(b));
        let (small_root, large_root) = (prove::root(&Repeated, small).unwrap(), prove::root(&Repeated, large).unwrap());
        let proof = prove::consistency(&Repeated, small, large).unwrap();
        prop_assert_eq!(verify::consistency(small, large, &small_root, &large_root, &proof), Ok(()));
        let index = at % large;
        let path = prove::inclusion(&Repeated, index, large).unwrap();
        prop_assert!(path.len() <= aal_ledger::merkle::MAX_PROOF_LEN);
        let leaf = leaf_hash(b"again");
        prop_assert_eq!(verify::inclusion(large, index, &leaf, &path, &large_root), Ok(()));
        if !path.is_empty() {
            let mut changed = path.clone();
            changed[position.index(path.len())][0] ^= 1;
            prop_assert_eq!(verify::inclusion(large, index, &leaf, &changed, &large_root), Err(ProofError::Root));
        }
    }

    #[test]
    fn verification_never_panics(numbers in any::<[u64; 4]>(), proof in proptest::collection::vec(any::<Hash>(), 0..70)) {
        let [a, b, c, _] = numbers;
        let _ = verify::subtree_inclusion(a, b, c, &[0; 32], &proof, &[1; 32]);
        let _ = verify::subtree_consistency(a, b, c, &[0; 32], &[1; 32], &proof);
    }
}
