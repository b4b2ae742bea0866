//! The delivering task: batches to the edge until each event's fate is known.

use bytes::Bytes;
use tokio::time::timeout;

use crate::{
    ClientError,
    context::lock,
    layer::{Item, Shared},
    retry::is_transient_status,
};

/// One event as JSON, and what it holds in the queue until it is settled.
struct Line {
    json: Bytes,
    held: usize,
}

/// The whole request was turned away for a reason that an operator can mend; the events are not at fault.
const MENDABLE: [u16; 3] = [401, 403, 404];

fn join(lines: &[Line]) -> Bytes {
    let mut body = Vec::new();
    for line in lines {
        body.extend_from_slice(&line.json);
        body.push(b'\n');
    }
    body.into()
}

impl Shared {
    /// The oldest events, made into lines.
    fn batch(&self) -> Vec<Line> {
        const MOST_BYTES: usize = 8 * 1024 * 1024;
        let mut taken = Vec::new();
        let mut size = 0;
        {
            let mut queue = lock(&self.queue);
            while let Some((_, next)) = queue.items.front() {
                if taken.len() >= self.settings.batch_events
                    || (!taken.is_empty() && size + next > MOST_BYTES)
                {
                    break;
                }
                size += next;
                taken.extend(queue.items.pop_front());
            }
        }
        let made = taken.into_iter().map(|(item, held)| {
            let json = match item {
                Item::Made(event) => event,
                Item::Captured(capture, sequence) => {
                    capture.into_event(&self.settings, self.source(sequence)).into()
                }
            };
            Line { json, held }
        });
        made.collect()
    }

    /// Sends until the edge has decided about every line, however long that takes; the queue's limits bound the memory.
    /// What one line does to its batch it does to itself only: a batch that is refused as a whole is taken apart.
    async fn send(&self, lines: Vec<Line>) {
        let mut batches = vec![lines];
        while let Some(mut lines) = batches.pop() {
            if lock(&self.queue).is_closed {
                return;
            }
            match self.client.record_batch(join(&lines)).await {
                Ok(reply) => {
                    let mut again = Vec::new();
                    for (line, item) in lines.into_iter().zip(reply.items) {
                        match item.status {
                            201 => self.settle(&line, true),
                            status if is_transient_status(status) => again.push(line),
                            _ => self.settle(&line, false),
                        }
                    }
                    batches.extend((!again.is_empty()).then_some(again));
                }
                Err(ClientError::Refused { status, .. }) if !MENDABLE.contains(&status) => {
                    let half = lines.split_off(lines.len() / 2);
                    if lines.is_empty() {
                        half.iter().for_each(|line| self.settle(line, false));
                    } else {
                        batches.extend([half, lines]);
                    }
                }
                Err(ClientError::Event(_)) => lines.iter().for_each(|line| self.settle(line, false)),
                // The client has backed off for a while already where that helps.
                Err(_) => {
                    tokio::time::sleep(self.client.retry_policy().longest_pause).await;
                    batches.push(lines);
                }
            }
            self.settled.notify_waiters();
        }
    }

    fn settle(&self, line: &Line, is_delivered: bool) {
        let mut queue = lock(&self.queue);
        if queue.is_closed {
            return;
        }
        match is_delivered {
            true => queue.counts.delivered += 1,
            false => queue.counts.refused += 1,
        }
        queue.counts.pending = queue.counts.pending.saturating_sub(1);
        queue.held_bytes = queue.held_bytes.saturating_sub(line.held);
    }
}

/// Runs until the layer is gone or closed and empty.
pub(crate) async fn deliver(layer: std::sync::Weak<Shared>) {
    loop {
        let Some(shared) = layer.upgrade() else { return };
        let arrived = timeout(shared.settings.linger, shared.arrived.notified()).await;
        loop {
            let lines = shared.batch();
            if lines.is_empty() {
                break;
            }
            shared.send(lines).await;
        }
        if arrived.is_err() && lock(&shared.queue).closing {
            return;
        }
    }
}
