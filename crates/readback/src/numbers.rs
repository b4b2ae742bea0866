//! What a read-back counts.

use aal_service::metrics::{Counter, Gauge, Metrics};

/// Counters and gauges of one read-back.
#[derive(Clone, Debug)]
pub struct Numbers {
    pub rows: Counter,
    pub mismatches: Counter,
    pub cycles: Counter,
    pub failures: Counter,
    /// How long the last whole cycle took, s.
    pub cycle_s: Gauge,
    /// No record that was sealed so long ago is unchecked since, s.
    pub oldest_unchecked_s: Gauge,
    /// Age of the newest epoch whose leaves were all checked, s.
    pub newest_checked_age_s: Gauge,
    /// 1 when nothing was checked for too long.
    pub stalled: Gauge,
}

impl Numbers {
    pub fn new(metrics: &Metrics) -> Numbers {
        let counter = |name: &str, help: &str| metrics.counter(name, help, &[]);
        let gauge = |name: &str, help: &str| metrics.gauge(name, help, &[]);
        Numbers {
            rows: counter(
                "aal_readback_rows_total",
                "stored rows compared with leaf, tree and header",
            ),
            mismatches: counter("aal_readback_mismatches_total", "findings: an alarm unless 0"),
            cycles: counter("aal_readback_cycles_total", "times the whole table was walked"),
            failures: counter(
                "aal_readback_failures_total",
                "reads of store or anchor that failed",
            ),
            cycle_s: gauge("aal_readback_cycle_seconds", "time of the last whole cycle"),
            oldest_unchecked_s: gauge(
                "aal_readback_oldest_unchecked_seconds",
                "time in which every sealed record was checked at least once",
            ),
            newest_checked_age_s: gauge(
                "aal_readback_newest_checked_age_seconds",
                "age of the newest epoch that is checked",
            ),
            stalled: gauge(
                "aal_readback_stalled",
                "1 when nothing is being checked: an alarm",
            ),
        }
    }
}
