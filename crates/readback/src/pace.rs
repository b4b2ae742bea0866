//! How fast rows may be read.

use std::time::Duration;

/// A budget of rows per second, paid for after each page.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    rows_per_second: u64,
}

/// A page costs at least this, however few rows it had: small tables are not read in a frenzy.
const SHORTEST: Duration = Duration::from_millis(20);

impl Pace {
    pub fn new(rows_per_second: u64) -> Pace {
        Pace {
            rows_per_second: rows_per_second.max(1),
        }
    }

    /// The pause after a page of `rows` that took `elapsed`.
    pub fn pause(&self, rows: u64, elapsed: Duration) -> Duration {
        let due = Duration::from_micros(rows.saturating_mul(1_000_000) / self.rows_per_second);
        due.max(SHORTEST).saturating_sub(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_cost_time_and_time_spent_counts() {
        let pace = Pace::new(1_000);
        assert_eq!(pace.pause(500, Duration::ZERO), Duration::from_millis(500));
        assert_eq!(
            pace.pause(500, Duration::from_millis(200)),
            Duration::from_millis(300)
        );
        assert_eq!(pace.pause(500, Duration::from_secs(3)), Duration::ZERO);
        assert_eq!(pace.pause(0, Duration::ZERO), SHORTEST);
    }
}
