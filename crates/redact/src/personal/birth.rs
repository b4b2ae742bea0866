//! Dates of birth: any date that a word announces as one.

use super::dates::first_date;
use crate::context::Context;
use crate::entity::Entity;
use crate::ids::CERTAIN;
use crate::span::Candidate;
use crate::topics::{Topic, Topics};

const REACH: usize = 56;
const REACH_BACK: usize = 24;
const TOPICS: Topics = Topics::of(&[Topic::Birth]);

pub(crate) fn propose(context: &Context<'_>, out: &mut Vec<Candidate>) {
    if !context.topics.meets(TOPICS) {
        return;
    }
    let bytes = context.bytes;
    let mut push = |start: usize, end: usize, log_odds: i32| {
        out.push(Candidate {
            start,
            end,
            entity: Entity::DateOfBirth,
            log_odds,
            rule: "date_of_birth",
        });
    };
    if context.field.meets(TOPICS)
        && bytes.len() <= 64
        && let Some((start, end)) = first_date(bytes)
    {
        push(start, end, CERTAIN + 100);
    }
    for hit in context.hits.iter().filter(|hit| hit.topics.meets(TOPICS)) {
        let limit = char_floor(bytes, bytes.len().min(hit.end + REACH));
        if !bytes[hit.start.saturating_sub(REACH_BACK)..limit]
            .iter()
            .any(u8::is_ascii_digit)
        {
            continue;
        }
        if let Some((start, end)) = first_date(&bytes[hit.end..limit]) {
            let between = &bytes[hit.end..hit.end + start];
            let sentence_ends = between
                .windows(2)
                .any(|pair| matches!(pair, [b'.' | b'!' | b'?', b' '] | b"\n\n"));
            if !sentence_ends {
                push(hit.end + start, hit.end + end, CERTAIN);
            }
        }
        // `26 May 1952 (DOB)`.
        let floor = char_floor(bytes, hit.start.saturating_sub(REACH_BACK));
        if let Some((start, end)) = first_date(&bytes[floor..hit.start])
            && hit.start - floor - end <= 3
        {
            push(floor + start, floor + end, CERTAIN - 60);
        }
    }
}

/// The nearest offset at or below `at` that does not cut a UTF-8 sequence.
fn char_floor(bytes: &[u8], mut at: usize) -> usize {
    while at > 0 && at < bytes.len() && bytes[at] & 0xC0 == 0x80 {
        at -= 1;
    }
    at
}
