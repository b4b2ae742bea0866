//! Whether a machine's clock was moved.

/// Compares a clock that people may set with one that only goes on.
#[derive(Clone, Copy, Debug)]
pub struct ClockWatch {
    tolerance_us: i64,
    last: Option<(i64, i64)>,
}

impl ClockWatch {
    /// Differences up to `tolerance_us` between two observations are slewing and scheduling, and no step.
    pub fn new(tolerance_us: i64) -> ClockWatch {
        ClockWatch {
            tolerance_us,
            last: None,
        }
    }

    /// Takes both clocks, µs; answers how far the wall clock stepped since the last observation, forward when
    /// positive. A machine that slept seems to step forward, for its monotonic clock stood still.
    pub fn observe(&mut self, monotonic_us: i64, wall_us: i64) -> Option<i64> {
        let before = self.last.replace((monotonic_us, wall_us));
        let (monotonic_before, wall_before) = before?;
        let step_us = (wall_us - wall_before) - (monotonic_us - monotonic_before);
        (step_us.abs() > self.tolerance_us).then_some(step_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_once_with_their_size() {
        let mut watch = ClockWatch::new(1_000);
        assert_eq!(watch.observe(0, 50_000_000), None);
        assert_eq!(watch.observe(1_000_000, 51_000_900), None, "slewing");
        assert_eq!(watch.observe(2_000_000, 48_000_900), Some(-4_000_000));
        assert_eq!(watch.observe(3_000_000, 49_000_900), None, "told already");
        assert_eq!(watch.observe(4_000_000, 3_650_000_900), Some(3_600_000_000));
    }
}
