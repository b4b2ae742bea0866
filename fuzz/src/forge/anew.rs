//! A forger who owns a signing key makes a whole log of his own.

use aal_ledger::NoteSigner;

use crate::sample::{self, bundle};

/// A consistent bundle of the same records, signed by `signer` instead of the pinned key.
pub fn resigned(signer: &NoteSigner, origin: &str) -> Vec<u8> {
    let log = sample::make_log(signer, origin);
    bundle::write(&log, sample::EVERYTHING, origin)
}
