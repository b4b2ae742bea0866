//! Who wraps the topmost keys.

pub mod file;
pub mod kms;
pub mod vault;

use std::time::Duration;

use async_trait::async_trait;
use rand::RngCore;
use zeroize::Zeroizing;

use crate::Place;

/// A secret as a provider wrapped it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// Which key or version of the provider wrapped it.
    pub key: String,
    /// Opaque.
    pub ciphertext: Vec<u8>,
}

/// Why a provider did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It did not answer, or is overloaded: waiting helps.
    #[error("{provider} does not answer: {reason}")]
    Unavailable {
        /// `vault`, `kms` or `key file`.
        provider: &'static str,
        /// What happened.
        reason: String,
    },
    /// It refuses us.
    #[error("{provider} refuses: {reason}; grant what docs/keys.md lists under \"Permissions\"")]
    Denied {
        /// Which provider.
        provider: &'static str,
        /// What it said.
        reason: String,
    },
    /// The secret was wrapped for another place or elsewhere, or was changed.
    #[error("{provider} cannot open a wrapped key: {reason}")]
    NotOurs {
        /// Which provider.
        provider: &'static str,
        /// What it said.
        reason: String,
    },
    /// The provider's key, or the version that wrapped the secret, is gone or switched off.
    #[error("{provider} no longer has the key: {reason}")]
    KeyGone {
        /// Which provider.
        provider: &'static str,
        /// What it said.
        reason: String,
    },
    /// Anything else, such as an answer that cannot be read.
    #[error("{provider}: {reason}")]
    Unexpected {
        /// Which provider.
        provider: &'static str,
        /// What happened.
        reason: String,
    },
}

impl ProviderError {
    /// Whether trying again later may help without anybody's doing.
    pub fn is_transient(&self) -> bool {
        matches!(self, ProviderError::Unavailable { .. })
    }
}

/// Wraps secrets for a [`Place`] and opens them there.
#[async_trait]
pub trait Provider: Send + Sync + std::fmt::Debug {
    /// `vault`, `kms` or `key file`.
    fn name(&self) -> &'static str;

    /// The key or version that wraps at present.
    async fn current(&self) -> Result<String, ProviderError>;

    /// Wraps a secret for one place.
    async fn wrap(&self, place: &Place, secret: &[u8]) -> Result<Wrapped, ProviderError>;

    /// Opens what was wrapped for the same place.
    async fn unwrap(&self, place: &Place, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, ProviderError>;

    /// A fresh random secret of `length` bytes, and the same wrapped.
    async fn generate(
        &self,
        place: &Place,
        length: usize,
    ) -> Result<(Zeroizing<Vec<u8>>, Wrapped), ProviderError> {
        let mut secret = Zeroizing::new(vec![0; length]);
        rand::rng().fill_bytes(&mut secret);
        let wrapped = self.wrap(place, &secret).await?;
        Ok((secret, wrapped))
    }

    /// Makes a new key or version, which wraps from then on; answers its name.
    async fn rotate(&self) -> Result<String, ProviderError>;

    /// Takes away every key or version but the current one, for ever; `false` when the provider cannot.
    async fn retire_older(&self) -> Result<bool, ProviderError>;
}

/// How often a request is made before a provider counts as unavailable.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Makes a request again, after a growing pause, while it fails for a passing reason.
async fn with_retries<T, F>(mut request: impl FnMut() -> F) -> Result<T, ProviderError>
where
    F: Future<Output = Result<T, ProviderError>> + Send,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match request().await {
            Err(error) if error.is_transient() => tracing::debug!(%error, "key provider; trying again"),
            answer => return answer,
        }
        tokio::time::sleep(pause).await;
        pause *= 4;
    }
    request().await
}
