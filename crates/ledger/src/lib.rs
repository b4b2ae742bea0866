//! Leaf encoding, chain, Merkle tree, checkpoints, manifests.
