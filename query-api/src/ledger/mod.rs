//! What the ledger proves: checkpoints, proofs, and checks of single records.

mod anchors;
mod check;
mod damage;
mod epochs;
mod export;
mod incidents;
mod intents;
mod proof;
mod seal;
mod sources;
pub(crate) mod tile_reader;
mod tiles;
mod whole;
mod witnessed;

pub(crate) use anchors::{Anchors, checkpoint, checkpoints};
pub(crate) use epochs::{epochs, head};
pub(crate) use export::{chains, records};
pub(crate) use incidents::incidents;
pub(crate) use intents::intents;
pub(crate) use proof::{proof, proof_text};
pub(crate) use seal::position;
pub(crate) use sources::sources;
pub(crate) use tiles::{chain_tile, log_checkpoint, log_tile};
pub(crate) use whole::{Verifications, cancel_verification, get_verification, list_verifications, verify};
pub(crate) use witnessed::witnessed;
