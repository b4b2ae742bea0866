//! What can go wrong with keys. No message holds one.

use std::path::PathBuf;

use aal_control::ControlError;
use aal_seal::{KeyRingError, PayloadError};
use uuid::Uuid;

use crate::provider::ProviderError;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The control store.
    #[error("control store: {0}")]
    Control(#[from] ControlError),
    /// The key service or key file.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The key file cannot be read or written.
    #[error("the key file {file} (`keys.file`): {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key file, or the root a key service unwrapped, is no key ring.
    #[error("the key ring: {0}")]
    Ring(#[from] KeyRingError),
    /// The configuration makes no sense.
    #[error("configuration key `{key}`: {message}")]
    Config {
        /// Dotted path.
        key: &'static str,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A wrapped data key opens under no key there is.
    #[error(
        "no key opens data key {0}: the provider is not the one it was wrapped with, or the store was changed"
    )]
    NotOurs(Uuid),
    /// A key-encryption key is not there any more.
    #[error("key-encryption key {epoch} of tenant {tenant} was destroyed or never stored")]
    NoKek {
        /// Whose.
        tenant: Uuid,
        /// Its epoch.
        epoch: u64,
    },
    /// Somebody else changed the same keys at the same time again and again.
    #[error("the keys are being changed by another process; try again")]
    Contended,
}

impl KeysError {
    /// Whether trying again later may help without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            KeysError::Control(_) | KeysError::Contended => true,
            KeysError::Provider(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// Why a payload from Kafka was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its key cannot be had at the moment: wait, and lose nothing.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// It will never open.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// No payload key of that id exists (any more): forged, or older than Kafka keeps messages.
    #[error("payload key {0} does not exist")]
    NoKey(Uuid),
    /// It was sealed for another event than it holds.
    #[error("the sealed payload holds another event than its envelope names")]
    OtherEvent,
}

impl OpenError {
    /// Whether the message must wait instead of being rejected.
    pub fn must_wait(&self) -> bool {
        matches!(self, OpenError::Keys(_))
    }
}
