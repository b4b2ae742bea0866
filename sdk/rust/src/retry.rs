//! When to try again, and after how long.

use std::time::Duration;

use reqwest::{StatusCode, header::HeaderMap};

/// Exponential back-off with full jitter; a `Retry-After` of the edge is honoured instead when it is longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Requests made at most for one call, the first included.
    pub max_attempts: u32,
    /// Upper bound of the first pause; it doubles from there.
    pub first_pause: Duration,
    /// No pause is longer, not even one that the edge asks for.
    pub longest_pause: Duration,
    /// No new attempt begins later than this after the first.
    pub give_up_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 60,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
            give_up_after: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// The pause after `attempts` failed ones. `luck` is a random fraction of `u64::MAX`.
    pub(crate) fn pause(&self, attempts: u32, asked: Option<Duration>, luck: u64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(20);
        let ceiling = self
            .first_pause
            .saturating_mul(1 << doublings)
            .min(self.longest_pause);
        let ceiling_us = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
        let jittered = u128::from(ceiling_us) * u128::from(luck) / u128::from(u64::MAX);
        let jittered = Duration::from_micros(u64::try_from(jittered).unwrap_or(ceiling_us));
        jittered.max(asked.unwrap_or_default()).min(self.longest_pause)
    }
}

/// Statuses after which the same request may succeed: overload, a proxy's complaint about the edge, a lost race.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    is_transient_status(status.as_u16())
}

/// The same for an item of a batch.
pub(crate) fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// `Retry-After` in seconds; the date form is not sent by the edge and is ignored.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 10,
        first_pause: Duration::from_millis(100),
        longest_pause: Duration::from_secs(5),
        give_up_after: Duration::from_secs(60),
    };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let longest = |attempts| POLICY.pause(attempts, None, u64::MAX);
        assert_eq!(longest(1), Duration::from_millis(100));
        assert_eq!(longest(2), Duration::from_millis(200));
        assert_eq!(longest(4), Duration::from_millis(800));
        assert_eq!(longest(40), Duration::from_secs(5));
    }

    #[test]
    fn jitter_spreads_from_nothing_to_the_ceiling() {
        assert_eq!(POLICY.pause(3, None, 0), Duration::ZERO);
        let half = POLICY.pause(3, None, u64::MAX / 2);
        assert!(half >= Duration::from_millis(199) && half <= Duration::from_millis(200));
    }

    #[test]
    fn the_edge_may_ask_for_more_but_not_for_ever() {
        assert_eq!(
            POLICY.pause(1, Some(Duration::from_secs(2)), 0),
            Duration::from_secs(2)
        );
        assert_eq!(
            POLICY.pause(1, Some(Duration::from_secs(3_600)), 0),
            Duration::from_secs(5)
        );
    }
}
