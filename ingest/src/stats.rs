//! What the edge counts.

use aal_otlp::Mapped;
use aal_service::{
    Metrics,
    metrics::{Counter, Gauge, Histogram},
};

/// The edge's own numbers, beside those of the HTTP server. Clones share everything.
#[derive(Clone, Debug)]
pub struct Stats {
    metrics: Metrics,
    pub accepted: Counter,
    pub accepted_bytes: Counter,
    pub shed: Counter,
    pub under_way: Gauge,
    /// From the whole body to Kafka's acknowledgement.
    pub acknowledged_seconds: Histogram,
}

impl Stats {
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            accepted: metrics.counter(
                "ingest_events_accepted_total",
                "Events acknowledged by Kafka.",
                &[],
            ),
            accepted_bytes: metrics.counter(
                "ingest_accepted_bytes_total",
                "Bytes of accepted events as they were sent: JSON, or spans.",
                &[],
            ),
            shed: metrics.counter(
                "ingest_shed_total",
                "Requests refused because too much was under way.",
                &[],
            ),
            under_way: metrics.gauge(
                "ingest_requests_under_way",
                "Requests let in and not answered yet.",
                &[],
            ),
            acknowledged_seconds: metrics.histogram(
                "ingest_acknowledged_seconds",
                "From the whole body to Kafka's acknowledgement of all its events.",
                &[],
            ),
            metrics: metrics.clone(),
        }
    }

    /// An event was refused with this HTTP status.
    pub fn refused(&self, status: u16) {
        let status = status.to_string();
        let labels = [("status", status.as_str())];
        self.metrics
            .counter("ingest_events_refused_total", "Events not accepted.", &labels)
            .inc();
    }

    /// What became of the spans of an export that was taken; `events` of them are in Kafka.
    pub fn spans(&self, events: usize, mapped: &Mapped) {
        self.accepted.add(events as u64);
        for (outcome, spans) in [
            ("event", events),
            ("ignored", mapped.ignored),
            ("duplicate", mapped.duplicates),
            ("rejected", mapped.rejected.len()),
        ] {
            let labels = [("outcome", outcome)];
            self.metrics
                .counter(
                    "ingest_spans_total",
                    "OpenTelemetry spans by what became of them.",
                    &labels,
                )
                .add(spans as u64);
        }
    }

    /// Kafka did not take a record.
    pub fn not_delivered(&self, reason: &str) {
        let labels = [("reason", reason)];
        self.metrics
            .counter(
                "ingest_kafka_errors_total",
                "Records that Kafka did not take.",
                &labels,
            )
            .inc();
    }
}
