//! Whose key is it: the presented API key, looked up in the control store through a short cache.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aal_control::Control;
use aal_service::Problem;
use async_trait::async_trait;
use http::HeaderMap;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::config::KeyCacheConfig;

/// Keys remembered at most; beyond it, and when nothing has expired, nothing new is remembered.
const MAX_ENTRIES: usize = 20_000;

/// Who sends: what a valid API key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub tenant: Uuid,
    pub application: Arc<str>,
}

/// The control store did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the control store does not answer: {0}")]
pub struct DirectoryError(pub String);

/// Where API keys are looked up.
#[async_trait]
pub trait KeyDirectory: Send + Sync + 'static {
    /// The caller whose key this is; `None` for an unknown or revoked one.
    async fn find(&self, presented: &str) -> Result<Option<Caller>, DirectoryError>;
}

#[async_trait]
impl KeyDirectory for Control {
    async fn find(&self, presented: &str) -> Result<Option<Caller>, DirectoryError> {
        let found = self
            .find_api_key(presented)
            .await
            .map_err(|error| DirectoryError(error.to_string()))?;
        Ok(found.map(|key| Caller {
            tenant: key.tenant,
            application: key.application.into(),
        }))
    }
}

/// A cache before the directory, so that a request costs no query. Keys are remembered by their hash.
pub struct Authenticator {
    directory: Arc<dyn KeyDirectory>,
    fresh: Duration,
    stale: Duration,
    known: Mutex<HashMap<[u8; 32], Entry>>,
}

#[derive(Clone)]
struct Entry {
    /// `None`: the directory does not know this key.
    caller: Option<Caller>,
    seen_at: Instant,
    /// Somebody is asking the directory; the others go on with what is known.
    being_renewed: bool,
}

impl Authenticator {
    pub fn new(directory: Arc<dyn KeyDirectory>, config: KeyCacheConfig) -> Self {
        Self {
            directory,
            fresh: Duration::from_millis(config.fresh_ms),
            stale: Duration::from_millis(config.stale_ms),
            known: Mutex::default(),
        }
    }

    /// Who sends this request.
    ///
    /// # Errors
    /// 401 without a valid key, 503 when the control store does not answer and the key was not seen lately.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        self.caller_with(presented_key(headers)?).await
    }

    /// Whose key this is.
    ///
    /// # Errors
    /// As [`Authenticator::caller`].
    pub async fn caller_with(&self, presented: &str) -> Result<Caller, Problem> {
        let digest: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        let known = match self.look_up(&digest, Instant::now()) {
            Lookup::Fresh(caller) => return caller.ok_or_else(unknown_key),
            Lookup::Stale(caller) => Some(caller),
            Lookup::Unknown => None,
        };
        match self.directory.find(presented).await {
            Ok(caller) => {
                self.remember(digest, caller.clone(), Instant::now());
                caller.ok_or_else(unknown_key)
            }
            Err(error) => {
                tracing::warn!(%error, "api key not checked");
                self.renewal_failed(&digest);
                let unavailable =
                    || Problem::unavailable("api keys cannot be checked at the moment").with_retry_after(2);
                known.ok_or_else(unavailable)?.ok_or_else(unknown_key)
            }
        }
    }

    fn look_up(&self, digest: &[u8; 32], now: Instant) -> Lookup {
        let mut known = self.lock();
        let Some(entry) = known.get_mut(digest) else {
            return Lookup::Unknown;
        };
        let age = now.saturating_duration_since(entry.seen_at);
        if age > self.stale {
            return Lookup::Unknown;
        }
        if age <= self.fresh || entry.being_renewed {
            return Lookup::Fresh(entry.caller.clone());
        }
        entry.being_renewed = true;
        Lookup::Stale(entry.caller.clone())
    }

    fn remember(&self, digest: [u8; 32], caller: Option<Caller>, now: Instant) {
        let mut known = self.lock();
        if known.len() >= MAX_ENTRIES {
            known.retain(|_, entry| now.saturating_duration_since(entry.seen_at) <= self.fresh);
        }
        // Somebody who tries keys must not push the real ones out.
        if known.len() < MAX_ENTRIES || known.contains_key(&digest) {
            known.insert(
                digest,
                Entry {
                    caller,
                    seen_at: now,
                    being_renewed: false,
                },
            );
        }
    }

    fn renewal_failed(&self, digest: &[u8; 32]) {
        if let Some(entry) = self.lock().get_mut(digest) {
            entry.being_renewed = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Entry>> {
        // Nothing panics while the lock is held; a poisoned map would still be whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Lookup {
    Fresh(Option<Caller>),
    /// Usable, but this request asks the directory again.
    Stale(Option<Caller>),
    Unknown,
}

fn presented_key(headers: &HeaderMap) -> Result<&str, Problem> {
    let bearer = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
        });
    let header = ["x-api-key", "x-audit-key"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok());
    bearer.or(header).filter(|key| !key.is_empty()).ok_or_else(|| {
        Problem::unauthorized(
            "an API key is needed: send `Authorization: Bearer aal_...` or `x-api-key: aal_...`",
        )
    })
}

fn unknown_key() -> Problem {
    Problem::unauthorized("the API key is unknown or revoked")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use http::HeaderValue;

    use super::*;

    #[derive(Default)]
    struct Fake {
        asked: AtomicUsize,
        is_down: AtomicBool,
        is_revoked: AtomicBool,
    }

    #[async_trait]
    impl KeyDirectory for Fake {
        async fn find(&self, presented: &str) -> Result<Option<Caller>, DirectoryError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.is_down.load(Ordering::SeqCst) {
                return Err(DirectoryError("down".into()));
            }
            let is_valid = presented == "aal_good" && !self.is_revoked.load(Ordering::SeqCst);
            Ok(is_valid.then(|| Caller {
                tenant: Uuid::nil(),
                application: "a".into(),
            }))
        }
    }

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            http::HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )])
    }

    fn authenticator(fresh_ms: u64, stale_ms: u64) -> (Arc<Fake>, Authenticator) {
        let fake = Arc::new(Fake::default());
        (
            fake.clone(),
            Authenticator::new(fake, KeyCacheConfig { fresh_ms, stale_ms }),
        )
    }

    #[tokio::test]
    async fn each_header_carries_a_key_and_it_is_asked_for_once() {
        let (fake, authenticator) = authenticator(30_000, 30_000);
        for headers in [
            headers("authorization", "Bearer aal_good"),
            headers("authorization", "bearer aal_good"),
            headers("x-api-key", "aal_good"),
            headers("x-audit-key", "aal_good"),
        ] {
            assert_eq!(&*authenticator.caller(&headers).await.unwrap().application, "a");
        }
        assert_eq!(fake.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn no_key_and_wrong_keys_are_401() {
        let (fake, authenticator) = authenticator(30_000, 30_000);
        for headers in [
            HeaderMap::new(),
            headers("authorization", "Basic aal_good"),
            headers("x-api-key", ""),
            headers("x-api-key", "aal_bad"),
            headers("x-api-key", "aal_bad"),
        ] {
            assert_eq!(authenticator.caller(&headers).await.unwrap_err().status, 401);
        }
        assert_eq!(
            fake.asked.load(Ordering::SeqCst),
            1,
            "an unknown key is remembered too"
        );
    }

    #[tokio::test]
    async fn a_revoked_key_stops_working_and_an_outage_is_bridged() {
        let (fake, authenticator) = authenticator(0, 30_000);
        let headers = headers("x-api-key", "aal_good");
        authenticator.caller(&headers).await.unwrap();
        fake.is_down.store(true, Ordering::SeqCst);
        authenticator.caller(&headers).await.expect("known lately");
        fake.is_down.store(false, Ordering::SeqCst);
        fake.is_revoked.store(true, Ordering::SeqCst);
        assert_eq!(authenticator.caller(&headers).await.unwrap_err().status, 401);
    }

    #[tokio::test]
    async fn an_unseen_key_during_an_outage_is_503() {
        let (fake, authenticator) = authenticator(10_000, 30_000);
        fake.is_down.store(true, Ordering::SeqCst);
        assert_eq!(
            authenticator
                .caller(&headers("x-api-key", "aal_good"))
                .await
                .unwrap_err()
                .status,
            503
        );
    }
}
