//! The root: what placeholders, lookups and derived secrets come from. It is a key ring; a key service wraps its text.

use std::sync::Arc;

use aal_control::{Control, ProviderSecret};
use aal_seal::{KeyRing, MASTER_KEY_LEN};
use rand::RngCore;
use zeroize::Zeroizing;

use crate::{
    KeysConfig, KeysError, Place,
    provider::{
        Provider, Wrapped,
        file::{FileProvider, read_ring},
        kms::Kms,
        vault::Vault,
    },
};

/// Name of the root among the secrets of the installation.
pub(crate) const ROOT: &str = "root";

/// The provider a configuration names, and the root.
pub(crate) async fn open(
    config: &KeysConfig,
    control: &Control,
) -> Result<(Arc<dyn Provider>, KeyRing), KeysError> {
    let provider: Arc<dyn Provider> = match (&config.vault, &config.kms, &config.file) {
        (Some(_), Some(_), _) => {
            return Err(KeysError::Config {
                key: "keys",
                message: "vault and kms exclude each other; leave one of them out".to_owned(),
            });
        }
        (Some(vault), None, _) => Arc::new(Vault::new(vault)?),
        (None, Some(kms), _) => Arc::new(Kms::new(kms, |name| std::env::var(name).ok())?),
        (None, None, Some(file)) => {
            let provider = FileProvider::open(file)?;
            let ring = provider.ring();
            return Ok((Arc::new(provider), ring));
        }
        (None, None, None) => {
            return Err(KeysError::Config {
                key: "keys",
                message: "name a key file (`file`), or a key service (`vault`, `kms`)".to_owned(),
            });
        }
    };
    let ring = wrapped_root(config, control, provider.as_ref()).await?;
    Ok((provider, ring))
}

/// The root that the key service wrapped; made, or taken over from the key file, when there is none yet.
async fn wrapped_root(
    config: &KeysConfig,
    control: &Control,
    provider: &dyn Provider,
) -> Result<KeyRing, KeysError> {
    let stored = match control.provider_secret(ROOT).await? {
        Some(stored) => stored,
        None => {
            let ring = match &config.file {
                Some(file) => read_ring(file)?,
                None => {
                    let mut random = Zeroizing::new([0; MASTER_KEY_LEN]);
                    rand::rng().fill_bytes(&mut *random);
                    KeyRing::generate(*random)
                }
            };
            let wrapped = provider.wrap(&Place::Root, ring.to_text().as_bytes()).await?;
            let secret = ProviderSecret {
                name: ROOT.to_owned(),
                provider_key: wrapped.key,
                wrapped: wrapped.ciphertext,
            };
            let now_us = aal_service::times::now_us();
            // Another process may have been first: what stands is used.
            control.provider_secret_or_insert(&secret, now_us).await?
        }
    };
    let wrapped = Wrapped {
        key: stored.provider_key,
        ciphertext: stored.wrapped,
    };
    let text = provider.unwrap(&Place::Root, &wrapped).await?;
    Ok(KeyRing::parse(&String::from_utf8_lossy(&text))?)
}
