//! Percentiles of durations, and the fastest of several rounds.

use std::time::{Duration, Instant};

/// Rounds of what is short: on a shared machine the fastest one is nearest to what the machine can do.
pub(crate) const ROUNDS: u32 = 3;

/// The fastest of [`ROUNDS`] rounds of `work`.
pub(crate) fn fastest(mut work: impl FnMut()) -> Duration {
    let round = |_| {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}

/// Durations that were measured, all of them kept.
#[derive(Debug, Default)]
pub(crate) struct Percentiles {
    sorted: Vec<Duration>,
}

impl Percentiles {
    pub(crate) fn of(mut durations: Vec<Duration>) -> Percentiles {
        durations.sort_unstable();
        Percentiles { sorted: durations }
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The nearest-rank percentile in milliseconds; zero of nothing.
    pub(crate) fn ms(&self, percent: usize) -> f64 {
        let rank = (self.sorted.len() * percent).div_ceil(100).max(1);
        self.sorted
            .get(rank - 1)
            .map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
    }

    pub(crate) fn p50_ms(&self) -> f64 {
        self.ms(50)
    }

    pub(crate) fn p99_ms(&self) -> f64 {
        self.ms(99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let hundred = Percentiles::of((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(
            (hundred.p50_ms(), hundred.p99_ms(), hundred.ms(100)),
            (50.0, 99.0, 100.0)
        );
        let one = Percentiles::of(vec![Duration::from_millis(7)]);
        assert_eq!((one.p50_ms(), one.p99_ms()), (7.0, 7.0));
        assert_eq!(Percentiles::default().p99_ms(), 0.0);
    }
}
