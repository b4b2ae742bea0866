//! Our Merkle tree beside another implementation, `ct-merkle`: the same roots and proofs, each accepted by the other.

use aal_ledger::merkle::{CompactRange, MemoryTree, prove, verify};
use aal_ledger::{Hash, leaf_hash};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof};
use proptest::prelude::*;
use sha2::Sha256;

type Theirs = MemoryBackedTree<Sha256, Vec<u8>>;

fn flat(proof: &[Hash]) -> Vec<u8> {
    proof.as_flattened().to_vec()
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, odd_bytes) = bytes.as_chunks::<32>();
    assert!(odd_bytes.is_empty());
    hashes.to_vec()
}

/// Both trees after each entry, with all proofs of the last leaf, of a few others, and from a few older sizes.
fn compare(entries: &[Vec<u8>], probes: &[usize]) {
    let (mut theirs, mut ours, mut range) = (Theirs::new(), MemoryTree::new(), CompactRange::new());
    let mut their_roots = vec![theirs.root()];
    let mut our_roots = vec![range.root()];
    for (position, entry) in entries.iter().enumerate() {
        theirs.push(entry.clone());
        ours.append(leaf_hash(entry));
        range.append(leaf_hash(entry));
        let (size, root) = (position as u64 + 1, theirs.root());
        assert_eq!(root.as_bytes()[..], range.root(), "root of {size}");
        their_roots.push(root.clone());
        our_roots.push(range.root());
        for index in probes
            .iter()
            .map(|probe| probe % (position + 1))
            .chain([position])
        {
            let proof = prove::inclusion(&ours, index as u64, size).unwrap();
            let their_proof = theirs.prove_inclusion(index);
            assert_eq!(hashes(their_proof.as_bytes()), proof, "leaf {index} of {size}");
            let taken = InclusionProof::<Sha256>::try_from_bytes(flat(&proof)).unwrap();
            assert!(
                root.verify_inclusion(&entries[index], index as u64, &taken)
                    .is_ok()
            );
            let leaf = leaf_hash(&entries[index]);
            assert_eq!(
                verify::inclusion(size, index as u64, &leaf, &proof, &our_roots[position + 1]),
                Ok(())
            );

            let old = index + 1;
            let proof = prove::consistency(&ours, old as u64, size).unwrap();
            let their_proof = theirs.prove_consistency(position + 1 - old);
            assert_eq!(hashes(their_proof.as_bytes()), proof, "from {old} to {size}");
            let taken = ConsistencyProof::<Sha256>::try_from_bytes(flat(&proof)).unwrap();
            assert!(root.verify_consistency(&their_roots[old], &taken).is_ok());
            let (root1, root2) = (&our_roots[old], &our_roots[position + 1]);
            assert_eq!(
                verify::consistency(old as u64, size, root1, root2, &proof),
                Ok(())
            );
        }
    }
}

#[test]
fn both_agree_on_every_proof_of_small_trees() {
    let entries: Vec<Vec<u8>> = (0..70u8)
        .map(|number| vec![number; usize::from(number % 4)])
        .collect();
    compare(&entries, &(0..70).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn both_agree_on_trees_of_any_entries(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..600),
        probes in prop::collection::vec(any::<usize>(), 2),
    ) {
        compare(&entries, &probes);
    }
}
