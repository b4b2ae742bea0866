//! What the gateway counts.

use aal_service::{
    Metrics,
    metrics::{Counter, Gauge, Histogram},
};

use super::draft::End;

/// The gateway's own numbers. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct GatewayStats {
    metrics: Metrics,
    complete: Counter,
    client_gone: Counter,
    provider_gone: Counter,
    provider_stalled: Counter,
    unreachable: Counter,
    pub(crate) under_way: Gauge,
    /// Head of the request to head of the answer, the provider's time included.
    pub(crate) head_seconds: Histogram,
    pub(crate) delivered: Counter,
    pub(crate) spooled: Counter,
    pub(crate) replayed: Counter,
    pub(crate) truncated: Counter,
    pub(crate) spool_records: Gauge,
    pub(crate) spool_bytes: Gauge,
}

impl GatewayStats {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let calls =
            |end: &str| metrics.counter("gateway_calls_total", "Calls by their end.", &[("end", end)]);
        Self {
            complete: calls("complete"),
            client_gone: calls("client_disconnected"),
            provider_gone: calls("provider_disconnected"),
            provider_stalled: calls("provider_stalled"),
            unreachable: calls("provider_unreachable"),
            under_way: metrics.gauge("gateway_calls_under_way", "Calls begun and not over.", &[]),
            head_seconds: metrics.histogram(
                "gateway_head_seconds",
                "From the head of a request to the head of the provider's answer.",
                &[],
            ),
            delivered: metrics.counter(
                "gateway_events_delivered_total",
                "Events acknowledged by Kafka at once.",
                &[],
            ),
            spooled: metrics.counter(
                "gateway_events_spooled_total",
                "Events that went to the spool.",
                &[],
            ),
            replayed: metrics.counter(
                "gateway_events_replayed_total",
                "Spooled events acknowledged by Kafka later.",
                &[],
            ),
            truncated: metrics.counter(
                "gateway_bodies_truncated_total",
                "Bodies of which an event holds only the beginning and the digest.",
                &[],
            ),
            spool_records: metrics.gauge("gateway_spool_records", "Events in the spool.", &[]),
            spool_bytes: metrics.gauge("gateway_spool_bytes", "Bytes in the spool.", &[]),
            metrics: metrics.clone(),
        }
    }

    pub(crate) fn ended(&self, end: &End) {
        match end {
            End::Complete => self.complete.inc(),
            End::ClientGone => self.client_gone.inc(),
            End::ProviderGone(_) => self.provider_gone.inc(),
            End::ProviderStalled => self.provider_stalled.inc(),
            End::Unreachable(_) => self.unreachable.inc(),
        }
    }

    /// Events that reach neither Kafka nor the spool; each leaves a gap in the instance's sequence.
    pub(crate) fn lost(&self, reason: &str, events: u64) {
        let help = "Events lost, by reason; each leaves a gap in the instance's sequence.";
        self.metrics
            .counter("gateway_events_lost_total", help, &[("reason", reason)])
            .add(events);
    }

    /// A call that was not forwarded.
    pub(crate) fn refused(&self, status: u16) {
        let status = status.to_string();
        self.metrics
            .counter(
                "gateway_refused_total",
                "Calls not forwarded.",
                &[("status", &status)],
            )
            .inc();
    }
}
