//! A token bucket for each client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses remembered at most; beyond that those with full buckets are forgotten, and failing that everybody waits.
const MAX_ADDRESSES: usize = 10_000;

/// Allows each address `per_second` requests, and `burst` at once.
#[derive(Debug)]
pub(crate) struct Limiter {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Limiter {
    pub(crate) fn new(per_second: u32, burst: u32) -> Limiter {
        Limiter {
            per_second: f64::from(per_second.max(1)),
            burst: f64::from(burst.max(1)),
            buckets: Mutex::default(),
        }
    }

    /// Whether the address may send one more request now.
    pub(crate) fn allows(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&address) {
            let full_after = Duration::from_secs_f64(self.burst / self.per_second);
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.filled_at) < full_after);
            if buckets.len() >= MAX_ADDRESSES {
                return false;
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket {
            tokens: self.burst,
            filled_at: now,
        });
        let elapsed = now.saturating_duration_since(bucket.filled_at);
        bucket.tokens = (bucket.tokens + elapsed.as_secs_f64() * self.per_second).min(self.burst);
        bucket.filled_at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let limiter = Limiter::new(2, 3);
        let (one, two) = (
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
        );
        let begin = Instant::now();
        let allowed: Vec<bool> = (0..4).map(|_| limiter.allows(one, begin)).collect();
        assert_eq!(allowed, [true, true, true, false]);
        assert!(limiter.allows(two, begin), "another address has its own");
        let later = begin + Duration::from_millis(500);
        assert!(limiter.allows(one, later));
        assert!(!limiter.allows(one, later));
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::new(1, 1);
        let begin = Instant::now();
        let address = |number: u32| IpAddr::V4(Ipv4Addr::from(number));
        for number in 0..MAX_ADDRESSES as u32 {
            assert!(limiter.allows(address(number), begin));
        }
        assert!(!limiter.allows(address(u32::MAX), begin), "no room left");
        assert!(limiter.allows(address(u32::MAX), begin + Duration::from_secs(2)));
        assert!(limiter.buckets.lock().unwrap().len() <= MAX_ADDRESSES);
    }
}
