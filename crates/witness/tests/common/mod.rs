//! A log that a witness can follow, and a second one that forks from it.
#![allow(dead_code)]

use aal_ledger::merkle::{MemoryTree, prove};
use aal_ledger::{Checkpoint, Cosigner, Hash, Note, NoteSigner, VerifierKey, leaf_hash};
use aal_witness::AddCheckpoint;

pub const ORIGIN: &str = "audit.example.com/anchor";

pub fn signer(seed: u8) -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

pub fn log_key() -> VerifierKey {
    signer(1).verifier_key().clone()
}

/// The log's second key.
pub fn second() -> Cosigner {
    Cosigner::ml_dsa_44(ORIGIN, &[4; 32]).unwrap()
}

/// A policy file for a witness of the log.
pub fn policy_text() -> String {
    format!("log {}\nquorum none\n", log_key())
}

pub struct Log(MemoryTree);

impl Log {
    pub fn of(size: u64) -> Log {
        Log::forked_at(size, size)
    }

    /// The same as another log up to `fork_at` leaves, and different from there.
    pub fn forked_at(size: u64, fork_at: u64) -> Log {
        let leaf = |index: u64| leaf_hash(format!("{index} {}", index >= fork_at).as_bytes());
        Log((0..size).map(leaf).collect())
    }

    pub fn checkpoint(&self, size: u64) -> Checkpoint {
        Checkpoint {
            origin: ORIGIN.to_owned(),
            size,
            root: prove::root(&self.0, size).unwrap(),
        }
    }

    pub fn request(&self, old: u64, new: u64) -> AddCheckpoint {
        let proof = match old {
            0 => Vec::new(),
            old => prove::consistency(&self.0, old, new).unwrap(),
        };
        request_of(old, proof, self.checkpoint(new))
    }
}

pub fn request_of(old_size: u64, proof: Vec<Hash>, checkpoint: Checkpoint) -> AddCheckpoint {
    let note = checkpoint.sign_with(&[&signer(1)], &[&second()]).unwrap();
    AddCheckpoint {
        old_size,
        proof,
        note: Note::parse(&note).unwrap(),
        checkpoint,
    }
}
