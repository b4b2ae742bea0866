//! What a processor counts.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aal_record::Seen;
use aal_service::metrics::{Counter, Histogram, Metrics};

/// Counters of one processor.
#[derive(Clone, Debug)]
pub struct ProcessorMetrics {
    pub records: Counter,
    pub rejected: Counter,
    pub registry_failed: Counter,
    pub gaps: Counter,
    pub steps_back: Counter,
    pub halted: Counter,
    pub swallowed: Counter,
    pub vanished: Counter,
    pub insert: Histogram,
    duplicates: Counter,
    conflicts: Counter,
    active_parts: Arc<AtomicU64>,
}

impl ProcessorMetrics {
    pub fn new(metrics: &Metrics) -> ProcessorMetrics {
        let counter = |name: &str, help: &str| metrics.counter(name, help, &[]);
        ProcessorMetrics {
            records: counter("aal_processor_records_total", "records stored and read back"),
            rejected: counter(
                "aal_processor_rejected_total",
                "messages sent to the dead letters",
            ),
            registry_failed: counter(
                "aal_processor_registry_errors_total",
                "questions that the schema registry did not answer; the shard waits",
            ),
            gaps: counter("aal_processor_gaps_total", "ranges of offsets that kafka lost"),
            steps_back: counter(
                "aal_processor_steps_back_total",
                "blocks lost to another processor",
            ),
            halted: counter("aal_processor_halted_total", "shards that stand still"),
            swallowed: counter(
                "aal_processor_swallowed_total",
                "blocks whose number the store noted without keeping rows, sent under another",
            ),
            vanished: counter(
                "aal_processor_vanished_total",
                "tries of a block whose rows were removed from the store: the shard waits for them",
            ),
            insert: metrics.histogram("aal_processor_insert_seconds", "time of one insert", &[]),
            duplicates: counter(
                "aal_processor_duplicates_total",
                "deliveries of an event that is recorded already",
            ),
            conflicts: counter(
                "aal_processor_conflicts_total",
                "event ids that came again with other content",
            ),
            active_parts: Arc::default(),
        }
    }

    /// Counts a repeated event id.
    pub fn repeated(&self, seen: Seen) {
        match seen {
            Seen::Duplicate => self.duplicates.inc(),
            Seen::Conflict => self.conflicts.inc(),
        }
    }

    /// Active parts of the records table, as last seen.
    pub fn active_parts(&self) -> u64 {
        self.active_parts.load(Ordering::Relaxed)
    }

    pub fn set_active_parts(&self, parts: u64) {
        self.active_parts.store(parts, Ordering::Relaxed);
    }
}
