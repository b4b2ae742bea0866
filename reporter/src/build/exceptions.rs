//! Lists of records worth a look.

use super::Fact;
use crate::model::{Exception, Instant};

/// The entry for `fact`; it names the event the record is about.
pub(super) fn exception(fact: &Fact, detail: String) -> Exception {
    let about = if fact.target_event_id.is_nil() {
        fact.event_id
    } else {
        fact.target_event_id
    };
    Exception {
        at: Instant(fact.occurred_at_us),
        kind: fact.kind.clone(),
        event_id: about,
        application: fact.application.clone(),
        detail,
        shard: fact.shard,
        index: fact.index,
    }
}

/// Newest first, at most `longest`; the order is total, so equal records give equal lists.
pub(super) fn newest(mut list: Vec<Exception>, longest: usize) -> Vec<Exception> {
    list.sort_by(|a, b| {
        (b.at, b.event_id)
            .cmp(&(a.at, a.event_id))
            .then_with(|| (a.shard, a.index).cmp(&(b.shard, b.index)))
    });
    list.truncate(longest);
    list
}
