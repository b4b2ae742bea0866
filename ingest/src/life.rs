//! The edge's own signs of life: what the ledger hears of its start and stop.
//!
//! Told without `aal_announce`, which reads the store: an edge knows Kafka only.

use std::time::Duration;

use aal_event::{Event, Kind, SystemEvent};
use aal_kafka::EVENTS;
use aal_service::{Shutdown, times::now_us};
use serde_json::Map;
use uuid::Uuid;

use crate::delivery::Delivery;

/// The edge's name in the ledger.
const COMPONENT: &str = "edge";
/// How long a stop waits for it.
const STOP_TOLD_WITHIN: Duration = Duration::from_secs(2);
/// How often a starting edge looks whether Kafka is there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Why the ledger was not told; for the log.
#[derive(Debug, thiserror::Error)]
enum LifeError {
    #[error(transparent)]
    Encode(#[from] aal_event::AvroError),
    #[error(transparent)]
    Send(#[from] aal_kafka::SendError),
}

/// Tells of the start once Kafka is there, unless the edge is stopped before.
pub(crate) async fn started(delivery: Delivery, shutdown: Shutdown) {
    let telling = async {
        while !delivery.is_ready() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        tell(&delivery, "start").await
    };
    if let Some(Err(error)) = shutdown.unless_requested(telling).await {
        tracing::warn!(%error, "the ledger was not told of the start");
    }
}

/// Tells of the stop, when nothing is under way any more.
pub(crate) async fn stopped(delivery: &Delivery) {
    if !delivery.is_ready() {
        return;
    }
    match tokio::time::timeout(STOP_TOLD_WITHIN, tell(delivery, "stop")).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the ledger was not told of the stop"),
        Err(_) => tracing::warn!("the ledger was not told of the stop in time"),
    }
}

async fn tell(delivery: &Delivery, action: &str) -> Result<(), LifeError> {
    let bytes = aal_event::encode(&sign(action, Uuid::now_v7(), now_us()))?;
    let key = format!("{}:{COMPONENT}", Uuid::nil());
    delivery.producer().send(EVENTS, key.as_bytes(), &bytes).await?;
    Ok(())
}

fn sign(action: &str, event_id: Uuid, at_us: i64) -> Event {
    SystemEvent {
        kind: Kind::Heartbeat,
        event_id,
        tenant: Uuid::nil(),
        actor: COMPONENT,
        action,
        target: None,
        reason: None,
        detail: Map::from_iter([("component".to_owned(), COMPONENT.into())]),
        occurred_at_us: Some(at_us),
    }
    .into_event()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_is_a_valid_event_that_round_trips() {
        let event = sign("start", Uuid::from_u128(1), 1_767_225_600_000_000);
        assert!(aal_event::validate(&event, &aal_event::Limits::DEFAULT).is_empty());
        let read = aal_event::decode(&aal_event::encode(&event).unwrap()).unwrap();
        assert_eq!(read.kind, Kind::Heartbeat);
        let access = read.access.unwrap();
        assert_eq!((access.actor.as_str(), access.action.as_str()), ("edge", "start"));
    }
}
