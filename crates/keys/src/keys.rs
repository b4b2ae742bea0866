//! The handle that services hold.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aal_control::Control;
use aal_kafka::PayloadSealer;
use aal_seal::{IndexKey, KeyRing};
use aal_service::Shutdown;

use crate::{
    KeysConfig, KeysError,
    keks::KekCache,
    payloads::PayloadKeys,
    provider::{Provider, file::FileProvider},
    root,
};

/// How often what is in memory is tidied and payload keys are looked at.
const TIDY_EVERY: Duration = Duration::from_secs(15);

/// All keys of an installation. Clones share everything.
#[derive(Clone)]
pub struct Keys {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) control: Control,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) keks: Mutex<KekCache>,
    pub(crate) payloads: PayloadKeys,
    pub(crate) seals_payloads: bool,
    pub(crate) payload_key_age_us: i64,
    pub(crate) settle_us: i64,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let provider = self.inner.provider.name();
        let keys = &mut formatter.debug_struct("Keys");
        keys.field("provider", &provider).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reaches the provider, and gets the root and the payload keys.
    ///
    /// # Errors
    /// A configuration that makes no sense, a provider or control store that does not answer.
    pub async fn open(config: &KeysConfig, control: Control) -> Result<Keys, KeysError> {
        let (provider, ring) = root::open(config, &control).await?;
        let keys = Keys::assemble(config, control, provider, ring);
        keys.refresh_payload_keys().await?;
        Ok(keys)
    }

    /// Keys of a ring that is in no file, without payload keys: for those who write records themselves.
    pub fn of_ring(control: Control, ring: KeyRing) -> Keys {
        let config = KeysConfig {
            file: None,
            seal_payloads: false,
            ..KeysConfig::at("")
        };
        let provider = Arc::new(FileProvider::in_memory(ring.clone()));
        Keys::assemble(&config, control, provider, ring)
    }

    fn assemble(config: &KeysConfig, control: Control, provider: Arc<dyn Provider>, ring: KeyRing) -> Keys {
        let payloads = PayloadKeys::new(&ring);
        Keys {
            inner: Arc::new(Inner {
                control,
                provider,
                ring: Arc::new(ring),
                keks: Mutex::default(),
                payloads,
                seals_payloads: config.seal_payloads,
                payload_key_age_us: i64::from(config.payload_key_hours.max(1)) * 3_600_000_000,
                settle_us: i64::from(config.settle_s) * 1_000_000,
            }),
        }
    }

    /// The root: index keys, derived secrets.
    pub fn ring(&self) -> &Arc<KeyRing> {
        &self.inner.ring
    }

    /// The key for tokens, lookups and content digests of a tenant.
    pub fn index_key(&self, tenant: uuid::Uuid) -> IndexKey {
        self.inner.ring.tenant_index_key(tenant)
    }

    /// What seals payloads before they go to Kafka; none when the configuration says so.
    pub fn payload_sealer(&self) -> Option<Arc<dyn PayloadSealer>> {
        let sealer: Arc<dyn PayloadSealer> = Arc::new(self.clone());
        self.inner.seals_payloads.then_some(sealer)
    }

    /// Until `shutdown`: forgets unwrapped keys when their time is over, and takes up new payload keys. While provider
    /// or store do not answer the payload keys in memory stay in use.
    pub async fn tend(self, shutdown: Shutdown) {
        while shutdown
            .unless_requested(tokio::time::sleep(TIDY_EVERY))
            .await
            .is_some()
        {
            self.forget_old_keks();
            if let Err(error) = self.refresh_payload_keys().await {
                tracing::warn!(%error, "payload keys not refreshed; those in memory stay in use");
            }
        }
    }
}
