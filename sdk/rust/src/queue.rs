//! What waits for delivery, and what became of everything else.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{capture::Capture, delivery::Line, mark::Mark};

/// What happened to the events of a layer. `recorded` is the sum of the next five.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayerCounts {
    pub recorded: u64,
    /// Acknowledged by the edge.
    pub delivered: u64,
    /// Lost: queue or spool was full, or the layer was closed. Each leaves a gap in the sequence.
    pub dropped: u64,
    /// Refused by the edge for good.
    pub refused: u64,
    /// Waiting in memory.
    pub pending: u64,
    /// Waiting on disk; a later process delivers what this one does not.
    pub spooled: u64,
    /// Events of earlier processes that this one delivered.
    pub recovered: u64,
}

/// Something to deliver; made into JSON only when its batch is.
pub(crate) enum Item {
    Captured(Box<Capture>, u64),
    Made(Bytes),
}

#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) items: VecDeque<(Item, usize)>,
    /// Taken from `items` and not decided yet.
    pub(crate) under_way: Vec<Line>,
    pub(crate) held_bytes: usize,
    pub(crate) next_sequence: u64,
    pub(crate) mark: Option<Mark>,
    /// Nothing after the newest number shows that its event is missing.
    pub(crate) last_was_dropped: bool,
    pub(crate) counts: LayerCounts,
    pub(crate) closing: bool,
    /// What was left has been counted as dropped.
    pub(crate) is_closed: bool,
}

impl Queue {
    /// The next number; it is used whatever becomes of its event.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_sequence += 1;
        if let Some(mark) = &mut self.mark {
            // A disk that fails costs the mark, not the event.
            let _ = mark.note(self.next_sequence);
        }
        self.next_sequence - 1
    }

    /// Takes an item in, whatever the limits say.
    pub(crate) fn push(&mut self, item: Item, size: usize) {
        self.counts.pending += 1;
        self.held_bytes += size;
        self.items.push_back((item, size));
    }
}
