//! Seals epochs: re-hashes stored leaves, signs checkpoints.
