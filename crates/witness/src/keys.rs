//! The keys of a witness: made at the first start, kept beside its state.

use std::io;

use aal_ledger::hash::{parse_hex, to_hex};
use aal_ledger::{Cosigner, VerifierKey, VerifierKeyError};
use rand::RngCore as _;

use crate::disk::{Disk, replace};

const ED25519_FILE: &str = "ed25519.seed";
const ML_DSA_44_FILE: &str = "ml-dsa-44.seed";

/// A witness signs with both of its keys; a policy names the one it believes.
#[derive(Clone, Debug)]
pub struct WitnessKeys {
    cosigners: Vec<Cosigner>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("key file {file}: {source}")]
    File { file: &'static str, source: io::Error },
    #[error("key file {0} must hold 64 hexadecimal digits; restore it, a new key makes a new witness")]
    Text(&'static str),
    #[error("the witness's name: {0}")]
    Name(#[from] VerifierKeyError),
}

impl WitnessKeys {
    /// Reads the seeds, or makes them from the system's randomness where there are none yet.
    ///
    /// # Errors
    /// When a file cannot be read, written, or is none; and on a name that cannot stand in a signature line.
    pub fn open(disk: &dyn Disk, name: &str) -> Result<WitnessKeys, KeyError> {
        let ed25519 = seed(disk, ED25519_FILE)?;
        let ml_dsa_44 = seed(disk, ML_DSA_44_FILE)?;
        Ok(WitnessKeys {
            cosigners: vec![
                Cosigner::ed25519(name, &ed25519)?,
                Cosigner::ml_dsa_44(name, &ml_dsa_44)?,
            ],
        })
    }

    /// Whoever signs, in the order of the lines.
    pub fn cosigners(&self) -> &[Cosigner] {
        &self.cosigners
    }

    /// What others put into their policies.
    pub fn verifier_keys(&self) -> Vec<VerifierKey> {
        let public = |cosigner: &Cosigner| cosigner.verifier_key().clone();
        self.cosigners.iter().map(public).collect()
    }
}

fn seed(disk: &dyn Disk, file: &'static str) -> Result<[u8; 32], KeyError> {
    let failed = |source| KeyError::File { file, source };
    if let Some(bytes) = disk.read(file).map_err(failed)? {
        let text = String::from_utf8(bytes).map_err(|_| KeyError::Text(file))?;
        return parse_hex(text.trim_end()).ok_or(KeyError::Text(file));
    }
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    replace(disk, file, format!("{}\n", to_hex(&seed)).as_bytes()).map_err(failed)?;
    Ok(seed)
}
