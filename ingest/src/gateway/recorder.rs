//! Off the calls' path: calls that are over become events and go to the courier, in the order in which they ended.

use std::sync::Arc;

use aal_service::{Shutdown, times::now_us};
use tokio::sync::mpsc;

use super::{assemble::event_of, courier::Courier, draft::Finished, stats::GatewayStats};
use crate::accept::Prepared;

/// Longer bodies are decoded and encoded on a thread for blocking work.
const INLINE_BYTES: usize = 256 * 1024;

/// Takes calls that are over. Never waits.
#[derive(Debug)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<Box<Finished>>,
    pub(crate) stats: GatewayStats,
}

impl Recorder {
    /// The recorder and the queue that [`record_all`] empties.
    pub(crate) fn new(
        queue_events: usize,
        stats: GatewayStats,
    ) -> (Arc<Self>, mpsc::Receiver<Box<Finished>>) {
        let (queue, receiver) = mpsc::channel(queue_events);
        (Arc::new(Self { queue, stats }), receiver)
    }

    /// Hands a call on. When the queue is full its event is lost, counted, and missing in the sequence.
    pub(crate) fn submit(&self, finished: Finished) {
        self.stats.ended(&finished.end);
        for body in [&finished.request, &finished.response] {
            if body.sha256.is_some() {
                self.stats.truncated.inc();
            }
        }
        if self.queue.try_send(Box::new(finished)).is_err() {
            self.stats.lost("queue_full", 1);
        }
    }
}

/// Records until `shutdown`, then what is left in the queue.
pub(crate) async fn record_all(
    mut queue: mpsc::Receiver<Box<Finished>>,
    courier: Courier,
    limit_bytes: usize,
    shutdown: Shutdown,
) {
    loop {
        let finished = match shutdown.unless_requested(queue.recv()).await {
            Some(Some(finished)) => finished,
            Some(None) => break,
            None => {
                queue.close();
                match queue.recv().await {
                    Some(finished) => finished,
                    None => break,
                }
            }
        };
        if let Some(prepared) = prepare(finished, limit_bytes, &courier.stats).await {
            courier.deliver(prepared).await;
        }
    }
    courier.settled().await;
}

async fn prepare(finished: Box<Finished>, limit_bytes: usize, stats: &GatewayStats) -> Option<Prepared> {
    let held_bytes = finished.request.held_bytes() + finished.response.held_bytes();
    let is_compressed = finished
        .draft
        .response_head
        .as_ref()
        .is_some_and(|head| head.encoding.is_some());
    let made = if held_bytes <= INLINE_BYTES && !is_compressed {
        prepared(&finished, limit_bytes)
    } else {
        let working = tokio::task::spawn_blocking(move || prepared(&finished, limit_bytes));
        working.await.unwrap_or_else(|error| Err(error.to_string()))
    };
    made.map_err(|error| {
        tracing::error!(error, "a call could not be made an event");
        stats.lost("invalid", 1);
    })
    .ok()
}

fn prepared(finished: &Finished, limit_bytes: usize) -> Result<Prepared, String> {
    encoded(&event_of(finished, now_us(), limit_bytes))
}

/// The record of an event, checked as the edge checks one.
pub(crate) fn encoded(event: &aal_event::Event) -> Result<Prepared, String> {
    let errors = aal_event::validate(event, &aal_event::Limits::DEFAULT);
    if let Some(first) = errors.first() {
        return Err(format!("{} {}", first.pointer, first.message));
    }
    let value = aal_event::encode(event).map_err(|error| error.to_string())?;
    Ok(Prepared {
        event_id: event.event_id,
        // Nobody is answered, so nobody gets a receipt.
        receipt: String::new(),
        key: event.kafka_key(),
        value,
    })
}
