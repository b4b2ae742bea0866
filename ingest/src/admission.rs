//! Room for one more request, asked for before its body is read: under overload the edge stays quick and says 503
//! instead of filling its memory.

use std::sync::Arc;

use aal_service::{
    Problem,
    metrics::{Counter, Gauge},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::AdmissionConfig;

/// Bytes are counted in units, because a semaphore counts with 32 bits.
const UNIT_BYTES: u64 = 1_024;
const RETRY_AFTER_S: u32 = 1;

/// Counts requests and body bytes under way.
#[derive(Clone, Debug)]
pub struct Admission {
    requests: Arc<Semaphore>,
    units: Arc<Semaphore>,
    shed: Counter,
    under_way: Gauge,
}

/// Held until the request is answered.
#[derive(Debug)]
pub struct Admitted {
    under_way: Gauge,
    _request: OwnedSemaphorePermit,
    _units: OwnedSemaphorePermit,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.under_way.add(-1);
    }
}

impl Admission {
    pub fn new(config: AdmissionConfig, shed: Counter, under_way: Gauge) -> Self {
        let units = usize::try_from(units_of(config.body_bytes as u64)).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            requests: Arc::new(Semaphore::new(config.requests.min(Semaphore::MAX_PERMITS))),
            units: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            shed,
            under_way,
        }
    }

    /// Room for a body of `announced_bytes` (its `Content-Length`), or of `limit_bytes` when it does not say.
    ///
    /// # Errors
    /// 503 with `Retry-After`.
    pub fn admit(&self, announced_bytes: Option<u64>, limit_bytes: u64) -> Result<Admitted, Problem> {
        let bytes = announced_bytes.unwrap_or(limit_bytes).min(limit_bytes);
        let units = u32::try_from(units_of(bytes)).unwrap_or(u32::MAX);
        let request = Arc::clone(&self.requests).try_acquire_owned();
        let body = Arc::clone(&self.units).try_acquire_many_owned(units);
        match (request, body) {
            (Ok(request), Ok(body)) => {
                self.under_way.add(1);
                Ok(Admitted {
                    under_way: self.under_way.clone(),
                    _request: request,
                    _units: body,
                })
            }
            _ => {
                self.shed.inc();
                let detail = "the edge is at its limit of requests under way; send the event again";
                Err(Problem::unavailable(detail).with_retry_after(RETRY_AFTER_S))
            }
        }
    }
}

fn units_of(bytes: u64) -> u64 {
    bytes.div_ceil(UNIT_BYTES).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(requests: usize, body_bytes: usize) -> Admission {
        Admission::new(
            AdmissionConfig {
                requests,
                body_bytes,
                ..AdmissionConfig::default()
            },
            Counter::default(),
            Gauge::default(),
        )
    }

    #[test]
    fn requests_are_bounded_and_room_comes_back() {
        let admission = admission(2, 1 << 20);
        let first = admission.admit(Some(10), 100).unwrap();
        let _second = admission.admit(Some(10), 100).unwrap();
        assert_eq!(admission.admit(Some(10), 100).unwrap_err().status, 503);
        drop(first);
        admission.admit(Some(10), 100).unwrap();
        assert_eq!(admission.shed.get(), 1);
    }

    #[test]
    fn a_body_of_unknown_length_counts_with_its_limit() {
        let admission = admission(100, 8_192);
        let _unknown = admission.admit(None, 6_000).unwrap();
        assert!(admission.admit(Some(4_000), 6_000).is_err());
        admission.admit(Some(2_048), 6_000).unwrap();
    }
}
