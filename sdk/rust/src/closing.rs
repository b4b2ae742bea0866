//! How a layer begins beside its spool, and what it leaves when it ends.

use std::sync::PoisonError;

use bytes::Bytes;

use crate::{
    context::lock,
    layer::Shared,
    mark::{self, Mark},
    queue::Item,
};

impl Shared {
    /// Marks in the spool how far this layer counts, and tells of those that were killed.
    pub(crate) fn mark(&self) {
        let Some(spool) = self.spool.as_ref().filter(|_| self.settings.enabled) else {
            return;
        };
        let mut queue = lock(&self.queue);
        for (path, source) in mark::orphans(&spool.directory) {
            let event = mark::closing_event(&self.settings.application, &source, "killed");
            queue.counts.recorded += 1;
            let size = event.len();
            queue.push(Item::Made(event), size);
            let _ = std::fs::remove_file(path);
        }
        queue.mark = Mark::new(&spool.directory, &self.instance, self.epoch).ok();
    }

    /// When the newest numbers were dropped nothing after them shows it, so a closing event does.
    pub(crate) fn close_gap(&self) {
        let mut queue = lock(&self.queue);
        if queue.last_was_dropped && !queue.closing {
            let source = self.source(queue.number());
            let event = mark::closing_event(&self.settings.application, &source, "dropped");
            queue.counts.recorded += 1;
            let size = event.len();
            queue.push(Item::Made(event), size);
            queue.last_was_dropped = false;
        }
        queue.closing = true;
    }

    /// No attempt is left: what remains goes to the spool or is counted as dropped.
    pub(crate) fn abandon(&self) {
        let _making = lock(&self.making);
        let mut queue = lock(&self.queue);
        if queue.is_closed {
            return;
        }
        queue.is_closed = true;
        let under_way = std::mem::take(&mut queue.under_way);
        let waiting = std::mem::take(&mut queue.items);
        let mut events: Vec<Bytes> = under_way.into_iter().map(|line| line.json).collect();
        events.extend(waiting.into_iter().map(|(item, _)| self.event(item)));
        let spooled = self.spool.as_ref().map_or(0, |spool| {
            let spooled = spool.append(&events).unwrap_or_default() as u64;
            spool.release();
            spooled
        });
        queue.counts.spooled += spooled;
        queue.counts.dropped += queue.counts.pending.saturating_sub(spooled);
        queue.counts.pending = 0;
        if let Some(mark) = queue.mark.take() {
            let _ = mark.remove();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // What still waited is lost with the layer: its mark stays and tells the next process.
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mark) = queue.mark.take_if(|_| queue.counts.pending == 0) {
            let _ = mark.remove();
        }
    }
}
