//! The data directory of `audit up`: what lies where, and who may use it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

pub use aal_keys::write_secret;
use aal_ledger::{Cosigner, NoteSigner};
use aal_seal::{KeyRing, KeyRingError, MASTER_KEY_LEN};
use rand::RngCore;
use rustix::fs::{FlockOperation, flock};

/// Name of the sealer's key and origin of the anchor log, as they stand in checkpoints.
pub const ORIGIN: &str = "audit.local/anchor";
/// Name of the edge's receipt key.
pub const EDGE_KEY_NAME: &str = "audit.local/edge";

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("another audit up already runs on {0}; stop it first or choose another --data directory")]
    InUse(PathBuf),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: {source}")]
    Ring { path: PathBuf, source: KeyRingError },
    #[error("{path} must hold 64 hexadecimal digits")]
    SealerKey { path: PathBuf },
    #[error("the sealer's key: {0}")]
    Signer(#[from] aal_ledger::VerifierKeyError),
}

/// The data directory.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

/// Held for as long as `audit up` runs; the system gives it back when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> LayoutError + '_ {
    |source| LayoutError::Io {
        path: path.to_owned(),
        source,
    }
}

impl Layout {
    /// A layout under `root`, which must be absolute so that URLs can be made of it.
    pub fn new(root: &Path) -> Result<Layout, LayoutError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(at(root))?;
        let root = root.canonicalize().map_err(at(root))?;
        for folder in ["keys", "broker", "clickhouse", "objects", "anchor"] {
            let folder = root.join(folder);
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(at(&folder))?;
        }
        Ok(Layout { root })
    }

    /// Takes the directory for this process alone.
    pub fn lock(&self) -> Result<Lock, LayoutError> {
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LayoutError::InUse(self.root.clone())),
            Err(errno) => Err(LayoutError::Io {
                path,
                source: errno.into(),
            }),
        }
    }

    pub fn broker(&self) -> PathBuf {
        self.root.join("broker")
    }

    pub fn clickhouse(&self) -> PathBuf {
        self.root.join("clickhouse")
    }

    pub fn control_url(&self) -> String {
        format!("sqlite://{}", self.root.join("control.db").display())
    }

    pub fn objects_url(&self) -> String {
        format!("file://{}", self.root.join("objects").display())
    }

    pub fn anchor_url(&self) -> String {
        format!("file://{}", self.root.join("anchor").display())
    }

    /// Where the gateway's events wait while the broker is away.
    pub fn gateway_spool(&self) -> PathBuf {
        self.root.join("gateway-spool")
    }

    pub fn key_file(&self) -> PathBuf {
        self.root.join("keys").join("ring.json")
    }

    pub fn sealer_key_file(&self) -> PathBuf {
        self.root.join("keys").join("sealer.key")
    }

    /// Seed of the log's ML-DSA-44 key, with which each checkpoint is signed a second time.
    pub fn sealer_ml_dsa_key_file(&self) -> PathBuf {
        self.root.join("keys").join("sealer-ml-dsa-44.key")
    }

    /// The trust policy for `audit verify --policy`: pinned by whoever verifies, so copy it away.
    pub fn policy_file(&self) -> PathBuf {
        self.root.join("trust-policy.toml")
    }

    /// Where the running services are; written when all of them answer.
    pub fn endpoints_file(&self) -> PathBuf {
        self.root.join("endpoints.json")
    }

    /// Makes the key files when they are missing; says whether it did.
    pub fn ensure_keys(&self) -> Result<bool, LayoutError> {
        let ring = self.key_file();
        let mut made = false;
        if !ring.exists() {
            let random = || {
                let mut random = [0; MASTER_KEY_LEN];
                rand::rng().fill_bytes(&mut random);
                random
            };
            let mut keys = KeyRing::generate(random());
            // The root stays for ever; what wraps must be another key, so that it can go after a rotation.
            keys.rotate(random());
            write_secret(&ring, keys.to_text().as_bytes()).map_err(at(&ring))?;
            made = true;
        }
        for file in [self.sealer_key_file(), self.sealer_ml_dsa_key_file()] {
            if !file.exists() {
                let mut seed = [0; 32];
                rand::rng().fill_bytes(&mut seed);
                let text = aal_ledger::hash::to_hex(&seed);
                write_secret(&file, text.as_bytes()).map_err(at(&file))?;
                made = true;
            }
        }
        Ok(made)
    }

    /// Reads the key ring.
    pub fn ring(&self) -> Result<KeyRing, LayoutError> {
        let path = self.key_file();
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        KeyRing::parse(&text).map_err(|source| LayoutError::Ring { path, source })
    }

    /// Reads the sealer's signing key.
    pub fn sealer_signer(&self) -> Result<NoteSigner, LayoutError> {
        Ok(NoteSigner::from_seed(
            ORIGIN,
            &read_seed(self.sealer_key_file())?,
        )?)
    }

    /// Reads the log's second signing key.
    pub fn sealer_second_signer(&self) -> Result<Cosigner, LayoutError> {
        Ok(Cosigner::ml_dsa_44(
            ORIGIN,
            &read_seed(self.sealer_ml_dsa_key_file())?,
        )?)
    }
}

fn read_seed(path: PathBuf) -> Result<[u8; 32], LayoutError> {
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    aal_ledger::hash::parse_hex(text.trim()).ok_or(LayoutError::SealerKey { path })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_and_readable_by_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path()).unwrap();
        assert!(layout.ensure_keys().unwrap());
        let first = layout.sealer_signer().unwrap().verifier_key().to_string();
        assert!(!layout.ensure_keys().unwrap());
        assert_eq!(layout.sealer_signer().unwrap().verifier_key().to_string(), first);
        assert_eq!(
            layout.sealer_second_signer().unwrap().verifier_key().name(),
            ORIGIN
        );
        layout.ring().unwrap();
        let files = [
            layout.key_file(),
            layout.sealer_key_file(),
            layout.sealer_ml_dsa_key_file(),
        ];
        for file in files {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_directory_is_used_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path()).unwrap();
        let lock = layout.lock().unwrap();
        let error = layout.lock().unwrap_err();
        assert!(error.to_string().contains("already runs on"), "{error}");
        drop(lock);
        layout.lock().unwrap();
    }
}
