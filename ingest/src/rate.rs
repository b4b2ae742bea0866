//! Token buckets, one an application: an optional limit so that one of them cannot starve the others.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use aal_service::Problem;
use uuid::Uuid;

use crate::{auth::Caller, config::RateConfig};

/// Limits events per application. Without a configuration everything passes.
#[derive(Debug)]
pub struct RateLimit {
    config: Option<RateConfig>,
    buckets: Mutex<HashMap<(Uuid, std::sync::Arc<str>), Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl RateLimit {
    pub fn new(config: Option<RateConfig>) -> Self {
        Self {
            config,
            buckets: Mutex::default(),
        }
    }

    /// Takes `events` from the caller's bucket.
    ///
    /// # Errors
    /// 429 with `Retry-After` when they are not there; nothing is taken then.
    pub fn take(&self, caller: &Caller, events: usize, now: Instant) -> Result<(), Problem> {
        let Some(config) = self.config else { return Ok(()) };
        let rate = f64::from(config.events_per_second);
        let burst = f64::from(config.burst);
        // Only callers with a valid key get here, so the map is no larger than the number of applications.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets
            .entry((caller.tenant, caller.application.clone()))
            .or_insert(Bucket {
                tokens: burst,
                filled_at: now,
            });
        let elapsed = now.saturating_duration_since(bucket.filled_at);
        bucket.tokens = (bucket.tokens + elapsed.as_secs_f64() * rate).min(burst);
        bucket.filled_at = now;
        // A batch larger than the bucket would never pass; it waits for a full one instead.
        let wanted = (events as f64).min(burst);
        if bucket.tokens >= wanted {
            bucket.tokens -= wanted;
            return Ok(());
        }
        let wait_s = ((wanted - bucket.tokens) / rate).ceil().max(1.0) as u32;
        let detail = format!(
            "the application {:?} may send {} events a second; send this again later",
            caller.application, config.events_per_second
        );
        Err(Problem::rate_limited(detail).with_retry_after(wait_s))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again_for_each_application() {
        let limit = RateLimit::new(Some(RateConfig {
            events_per_second: 10,
            burst: 20,
        }));
        let caller = |name: &str| Caller {
            tenant: Uuid::nil(),
            application: name.into(),
        };
        let start = Instant::now();
        limit.take(&caller("a"), 20, start).unwrap();
        assert_eq!(limit.take(&caller("a"), 1, start).unwrap_err().status, 429);
        limit.take(&caller("b"), 20, start).unwrap();
        limit
            .take(&caller("a"), 10, start + Duration::from_secs(1))
            .unwrap();
        assert!(
            limit
                .take(&caller("a"), 1, start + Duration::from_secs(1))
                .is_err()
        );
        limit
            .take(&caller("a"), 1_000, start + Duration::from_secs(3))
            .expect("a full bucket lets a large batch pass");
    }

    #[test]
    fn without_a_configuration_everything_passes() {
        let caller = Caller {
            tenant: Uuid::nil(),
            application: "a".into(),
        };
        RateLimit::new(None)
            .take(&caller, usize::MAX, Instant::now())
            .unwrap();
    }
}
