//! What the ledger proves: checkpoints, proofs, and checks of single records.

mod anchors;
mod check;
mod export;
mod proof;
mod seal;

pub(crate) use anchors::{Anchors, checkpoint, checkpoints};
pub(crate) use check::verify;
pub(crate) use export::{chains, epochs, records};
pub(crate) use proof::proof;
pub(crate) use seal::position;
