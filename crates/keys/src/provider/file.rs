//! The key file as a provider: for one machine.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use aal_seal::{KeyRing, MASTER_KEY_LEN, SecretError};
use async_trait::async_trait;
use rand::RngCore;
use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroizing;

use crate::{
    KeysError, Place,
    provider::{Provider, ProviderError, Wrapped},
};

const NAME: &str = "key file";

/// Reads a key ring from its file.
pub fn read_ring(file: &Path) -> Result<KeyRing, KeysError> {
    let text = fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|source| KeysError::File {
        file: file.to_owned(),
        source,
    })?;
    Ok(KeyRing::parse(&text)?)
}

/// Writes a file that only its owner can read, complete or not at all.
pub fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Master keys in a file that several processes of one machine share; whoever rotates writes it anew.
#[derive(Debug)]
pub struct FileProvider {
    path: Option<PathBuf>,
    ring: Mutex<KeyRing>,
}

impl FileProvider {
    /// The file at `path`.
    pub fn open(path: &Path) -> Result<FileProvider, KeysError> {
        Ok(FileProvider {
            path: Some(path.to_owned()),
            ring: Mutex::new(read_ring(path)?),
        })
    }

    /// A ring that is in no file.
    pub fn in_memory(ring: KeyRing) -> FileProvider {
        FileProvider {
            path: None,
            ring: Mutex::new(ring),
        }
    }

    /// The ring as it was last read.
    pub fn ring(&self) -> KeyRing {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ring as the file holds it now.
    fn read_again(&self) -> Result<KeyRing, ProviderError> {
        if let Some(path) = &self.path {
            let ring = read_ring(path).map_err(|error| unavailable(&error))?;
            *self.ring.lock().unwrap_or_else(PoisonError::into_inner) = ring;
        }
        Ok(self.ring())
    }

    /// Changes the file under a lock, so that two who rotate at once lose neither key.
    fn change<T>(&self, change: impl FnOnce(&mut KeyRing) -> T) -> Result<T, ProviderError> {
        let failed = |error: io::Error| unavailable(&error);
        let _lock = match &self.path {
            None => None,
            Some(path) => {
                let mut options = OpenOptions::new();
                options.create(true).truncate(false).write(true).mode(0o600);
                let lock = options.open(path.with_extension("lock")).map_err(failed)?;
                flock(&lock, FlockOperation::LockExclusive).map_err(|errno| failed(errno.into()))?;
                Some(lock)
            }
        };
        let mut ring = self.read_again()?;
        let result = change(&mut ring);
        if let Some(path) = &self.path {
            write_secret(path, ring.to_text().as_bytes()).map_err(failed)?;
        }
        *self.ring.lock().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(result)
    }
}

fn unavailable(error: &dyn std::fmt::Display) -> ProviderError {
    ProviderError::Unavailable {
        provider: NAME,
        reason: error.to_string(),
    }
}

#[async_trait]
impl Provider for FileProvider {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn current(&self) -> Result<String, ProviderError> {
        Ok(self.read_again()?.current_id().to_owned())
    }

    async fn wrap(&self, place: &Place, secret: &[u8]) -> Result<Wrapped, ProviderError> {
        // Wrapping is rare; another process may have rotated since the file was read.
        let ring = self.read_again()?;
        let (key, ciphertext) = ring.wrap_secret(&place.bytes(), secret);
        Ok(Wrapped {
            key: key.to_owned(),
            ciphertext,
        })
    }

    async fn unwrap(&self, place: &Place, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        let open = |ring: &KeyRing| ring.unwrap_secret(&wrapped.key, &place.bytes(), &wrapped.ciphertext);
        let opened = match open(&self.ring()) {
            Err(SecretError::NoKey) => open(&self.read_again()?),
            opened => opened,
        };
        opened.map_err(|error| match error {
            SecretError::NoKey => ProviderError::KeyGone {
                provider: NAME,
                reason: format!("it has no key {}", wrapped.key),
            },
            SecretError::NotOurs => ProviderError::NotOurs {
                provider: NAME,
                reason: error.to_string(),
            },
        })
    }

    async fn rotate(&self) -> Result<String, ProviderError> {
        let mut random = Zeroizing::new([0; MASTER_KEY_LEN]);
        rand::rng().fill_bytes(&mut *random);
        self.change(|ring| ring.rotate(*random).to_owned())
    }

    async fn retire_older(&self) -> Result<bool, ProviderError> {
        let gone = self.change(KeyRing::forget_older)?;
        if !gone.is_empty() {
            tracing::info!(keys = ?gone, "older master keys were taken out of the key file");
        }
        Ok(true)
    }
}
