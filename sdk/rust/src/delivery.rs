//! The delivering task: batches to the edge until each event's fate is known, by way of the disk while the edge is away.

use std::{path::Path, sync::Weak, time::Duration};

use bytes::Bytes;
use tokio::time::{sleep, timeout};

use crate::{
    ClientError,
    context::lock,
    layer::Shared,
    queue::{Item, Queue},
    retry::is_transient_status,
    spool::{Segment, Spool},
};

/// One event as JSON, and what it holds in the queue until it is settled.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub json: Bytes,
    held: usize,
}

/// Where an event waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    Memory,
    /// The spool; `false`: written by an earlier process.
    Disk {
        is_own: bool,
    },
}

/// The whole request was turned away for a reason that an operator can mend; the events are not at fault.
const MENDABLE: [u16; 3] = [401, 403, 404];
const MOST_BYTES: usize = 8 * 1024 * 1024;

fn join(lines: &[Line]) -> Bytes {
    let mut body = Vec::new();
    for line in lines {
        body.extend_from_slice(&line.json);
        body.push(b'\n');
    }
    body.into()
}

impl Shared {
    /// What is sent of an item.
    pub(crate) fn event(&self, item: Item) -> Bytes {
        match item {
            Item::Made(event) => event,
            Item::Captured(capture, sequence) => {
                capture.into_event(&self.settings, self.source(sequence)).into()
            }
        }
    }

    /// The oldest events, made into lines; they are under way until they are settled.
    fn batch(&self) -> Vec<Line> {
        // What a closing layer finds is either waiting or under way; making events holds up nobody who records.
        let _making = lock(&self.making);
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
        let made = taken.into_iter().map(|(item, held)| Line {
            json: self.event(item),
            held,
        });
        let lines: Vec<Line> = made.collect();
        lock(&self.queue).under_way.clone_from(&lines);
        lines
    }

    /// Sends until the edge has decided about every line. Without a spool that takes as long as it takes, and the queue's
    /// limits bound the memory; with one the lines that an absent edge leaves are returned.
    ///
    /// What one line does to its batch it does to itself only: a batch that is refused as a whole is taken apart.
    async fn send(&self, lines: Vec<Line>, from: Waited) -> Vec<Line> {
        let mut batches = vec![lines];
        while let Some(mut lines) = batches.pop() {
            if lock(&self.queue).is_closed {
                return Vec::new();
            }
            match self.client.record_batch(join(&lines)).await {
                Ok(reply) => {
                    let mut again = Vec::new();
                    for (line, item) in lines.into_iter().zip(reply.items) {
                        match item.status {
                            201 => self.settle(&line, true, from),
                            status if is_transient_status(status) => again.push(line),
                            _ => self.settle(&line, false, from),
                        }
                    }
                    batches.extend((!again.is_empty()).then_some(again));
                }
                Err(ClientError::Refused { status, .. }) if !MENDABLE.contains(&status) => {
                    let half = lines.split_off(lines.len() / 2);
                    if lines.is_empty() {
                        half.iter().for_each(|line| self.settle(line, false, from));
                    } else {
                        batches.extend([half, lines]);
                    }
                }
                Err(ClientError::Event(_)) => lines.iter().for_each(|line| self.settle(line, false, from)),
                // The client has backed off for a while already where that helps.
                Err(_) if self.spool.is_some() => {
                    batches.push(lines);
                    return batches.into_iter().rev().flatten().collect();
                }
                Err(_) => {
                    sleep(self.pause()).await;
                    batches.push(lines);
                }
            }
            self.settled.notify_waiters();
        }
        Vec::new()
    }

    fn settle(&self, line: &Line, is_delivered: bool, from: Waited) {
        let mut queue = lock(&self.queue);
        if queue.is_closed {
            return;
        }
        match from {
            Waited::Memory => queue.release(line),
            Waited::Disk { is_own: true } => queue.counts.spooled = queue.counts.spooled.saturating_sub(1),
            Waited::Disk { is_own: false } => {
                queue.counts.recovered += u64::from(is_delivered);
                return;
            }
        }
        match is_delivered {
            true => queue.counts.delivered += 1,
            false => queue.counts.refused += 1,
        }
    }

    fn pause(&self) -> Duration {
        self.client.retry_policy().longest_pause
    }

    /// Puts lines on disk; what there is no room for is dropped.
    async fn put_away(&self, spool: &Spool, lines: Vec<Line>) {
        let events: Vec<Bytes> = lines.iter().map(|line| line.json.clone()).collect();
        let (writing, count) = (spool.clone(), lines.len());
        let written = tokio::task::spawn_blocking(move || writing.append(&events)).await;
        let fitting = written.ok().and_then(Result::ok).unwrap_or_default().min(count);
        let mut queue = lock(&self.queue);
        if queue.is_closed {
            return;
        }
        lines.iter().for_each(|line| queue.release(line));
        queue.counts.spooled += fitting as u64;
        queue.counts.dropped += (count - fitting) as u64;
        drop(queue);
        self.settled.notify_waiters();
    }

    /// Everything that waits goes to disk.
    async fn put_queue_away(&self, spool: &Spool) {
        loop {
            let lines = self.batch();
            if lines.is_empty() {
                return;
            }
            self.put_away(spool, lines).await;
        }
    }

    /// Sends what is on disk, oldest first; meanwhile the queue goes there, too. False: the edge is away.
    async fn send_spooled(&self, spool: &Spool) -> bool {
        while let Some(Segment { path, events, is_own }) = spool.oldest() {
            let mut rest = events;
            while !rest.is_empty() {
                let mut size = 0;
                let fitting = rest.iter().take(self.settings.batch_events).take_while(|event| {
                    size += event.len();
                    size <= MOST_BYTES
                });
                let batch = rest[..fitting.count().max(1)].iter().cloned();
                let lines: Vec<Line> = batch.map(|json| Line { json, held: 0 }).collect();
                let count = lines.len();
                let sending = self.send(lines, Waited::Disk { is_own });
                let left = self.with_room(spool, sending).await;
                if lock(&self.queue).is_closed {
                    return false;
                }
                let is_away = !left.is_empty();
                rest.splice(..count, left.into_iter().map(|line| line.json));
                if is_away {
                    break;
                }
            }
            if !self.keep(spool, &path, &rest) || !rest.is_empty() {
                return false;
            }
        }
        self.settled.notify_waiters();
        // A segment that cannot be read stays; it is looked at again later.
        spool.is_empty()
    }

    fn keep(&self, spool: &Spool, path: &Path, rest: &[Bytes]) -> bool {
        // An event that cannot be taken off the disk is sent again: harmless, but not without end.
        spool.replace(path, rest).is_ok()
    }

    /// Waits for an attempt and keeps room in the queue while it lasts: the edge was away a moment ago.
    async fn with_room<T>(&self, spool: &Spool, attempt: impl Future<Output = T>) -> T {
        let mut attempt = std::pin::pin!(attempt);
        loop {
            tokio::select! {
                done = &mut attempt => return done,
                () = sleep(self.settings.linger.max(Duration::from_millis(10))) => self.put_queue_away(spool).await,
            }
        }
    }

    /// One round of a layer with a spool. False: the edge is away, come again later.
    async fn round_with_spool(&self, spool: &Spool) -> bool {
        if !spool.is_empty() {
            return self.send_spooled(spool).await;
        }
        let lines = self.batch();
        let left = self.send(lines, Waited::Memory).await;
        if left.is_empty() {
            return true;
        }
        self.put_away(spool, left).await;
        false
    }

    fn has_work(&self) -> bool {
        !lock(&self.queue).items.is_empty() || self.spool.as_ref().is_some_and(|spool| !spool.is_empty())
    }
}

impl Queue {
    /// The line is settled: it holds nothing any more.
    fn release(&mut self, line: &Line) {
        self.counts.pending = self.counts.pending.saturating_sub(1);
        self.held_bytes = self.held_bytes.saturating_sub(line.held);
        // Lines are settled nearly in their order, so it is among the first.
        let at = self
            .under_way
            .iter()
            .position(|other| other.json.as_ptr() == line.json.as_ptr());
        if let Some(at) = at {
            self.under_way.remove(at);
        }
    }
}

/// Runs until the layer is gone or closed and empty.
pub(crate) async fn deliver(layer: Weak<Shared>) {
    loop {
        let Some(shared) = layer.upgrade() else { return };
        let arrived = timeout(shared.settings.linger, shared.arrived.notified()).await;
        while shared.has_work() && !lock(&shared.queue).is_closed {
            let Some(spool) = &shared.spool else {
                let lines = shared.batch();
                shared.send(lines, Waited::Memory).await;
                continue;
            };
            if !shared.round_with_spool(spool).await {
                shared.put_queue_away(spool).await;
                let _ = timeout(shared.pause(), shared.arrived.notified()).await;
                break;
            }
        }
        if arrived.is_err() && lock(&shared.queue).closing {
            return;
        }
    }
}
