//! Brings events to Kafka, or to the spool when Kafka does not take them. Nothing else decides where an event goes.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tokio::sync::Semaphore;

use super::{
    spool::{Record, Spool},
    stats::GatewayStats,
};
use crate::{accept::Prepared, delivery::Delivery};

/// A stop waits so much longer than Kafka is given.
const SETTLE_EXTRA: Duration = Duration::from_secs(2);

/// Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Courier {
    delivery: Delivery,
    spool: Spool,
    in_flight: Arc<Semaphore>,
    most_in_flight: u32,
    delivery_timeout: Duration,
    pub(crate) stats: GatewayStats,
}

impl Courier {
    pub(crate) fn new(
        delivery: Delivery,
        spool: Spool,
        in_flight_events: usize,
        delivery_timeout: Duration,
        stats: GatewayStats,
    ) -> Self {
        let most_in_flight = u32::try_from(in_flight_events).unwrap_or(u32::MAX).min(1 << 20);
        Self {
            delivery,
            spool,
            in_flight: Arc::new(Semaphore::new(most_in_flight as usize)),
            most_in_flight,
            delivery_timeout,
            stats,
        }
    }

    /// Takes an event over. Waits only for room; the acknowledgement is waited for elsewhere.
    pub(crate) async fn deliver(&self, prepared: Prepared) {
        // Events behind others in the spool queue up there, so that a session stays in order.
        if self.spool.holds_any() {
            return self.spool(prepared).await;
        }
        let Ok(room) = Arc::clone(&self.in_flight).acquire_owned().await else {
            return;
        };
        match self.delivery.queue(&prepared) {
            Err(problem) if is_too_large(problem.status) => self.lost_as_too_large(),
            Err(_) => self.spool(prepared).await,
            Ok(pending) => {
                let courier = self.clone();
                tokio::spawn(async move {
                    match courier.delivery.acknowledged(pending).await {
                        Ok(()) => courier.stats.delivered.inc(),
                        Err(problem) if is_too_large(problem.status) => courier.lost_as_too_large(),
                        Err(_) => courier.spool(prepared).await,
                    }
                    drop(room);
                });
            }
        }
    }

    async fn spool(&self, prepared: Prepared) {
        let (key, value) = match self.delivery.sealed(&prepared) {
            Ok(sealed) => sealed,
            Err(_) => {
                tracing::error!(event_id = %prepared.event_id, "an event is lost: there is no key to seal it with");
                return self.stats.lost("not_sealed", 1);
            }
        };
        let record = Record { key, value };
        match self.spool.append(record).await {
            Ok(()) => self.stats.spooled.inc(),
            Err(error) => {
                tracing::error!(%error, event_id = %prepared.event_id, "an event is lost: kafka does not take it, nor does the spool");
                self.stats.lost(error.reason(), 1);
            }
        }
    }

    fn lost_as_too_large(&self) {
        tracing::error!("an event is lost: it is larger than kafka takes; see max.message.bytes");
        self.stats.lost("too_large", 1);
    }

    /// Waits until every event is acknowledged or spooled, somewhat longer than Kafka is given.
    pub(crate) async fn settled(&self) {
        let all = self.in_flight.acquire_many(self.most_in_flight);
        if tokio::time::timeout(self.delivery_timeout + SETTLE_EXTRA, all)
            .await
            .is_err()
        {
            tracing::error!("events were still under way when the gateway stopped");
        }
    }
}

fn is_too_large(status: u16) -> bool {
    status == StatusCode::PAYLOAD_TOO_LARGE.as_u16()
}
