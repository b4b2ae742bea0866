//! International bank account numbers, in one piece or in any grouping by single spaces or hyphens.

use crate::checks::finance::{iban, iban_length};
use crate::context::Context;
use crate::entity::Entity;
use crate::ids::CERTAIN;
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::{Word, before};

const LONGEST: usize = 34;

pub(crate) fn propose(context: &Context<'_>, words: &[Word], out: &mut Vec<Candidate>) {
    for word in words {
        let Some(end) = end_of_iban(context.bytes, word) else {
            continue;
        };
        let topics = Topics::of(&[Topic::Iban, Topic::BankAccount]);
        let log_odds = CERTAIN + context.evidence(word.start, end, topics).max(0);
        out.push(Candidate {
            start: word.start,
            end,
            entity: Entity::Iban,
            log_odds,
            rule: "iban",
        });
    }
}

/// End of the valid IBAN that starts with `word`, or `None`.
fn end_of_iban(bytes: &[u8], word: &Word) -> Option<usize> {
    let head = bytes.get(word.start..word.start + 4)?;
    let starts_like_one =
        head[..2].iter().all(u8::is_ascii_alphabetic) && head[2..].iter().all(u8::is_ascii_digit);
    if !starts_like_one {
        return None;
    }
    let length = iban_length(&[head[0].to_ascii_uppercase(), head[1].to_ascii_uppercase()])?;
    let mut compact = [0_u8; LONGEST];
    let mut filled = 0;
    let mut at = word.start;
    while filled < length {
        let byte = *bytes.get(at)?;
        if byte.is_ascii_alphanumeric() {
            compact[filled] = byte.to_ascii_uppercase();
            filled += 1;
        } else if !(matches!(byte, b' ' | b'-')
            && before(bytes, at).is_some_and(|left| left.is_ascii_alphanumeric()))
        {
            return None;
        }
        at += 1;
    }
    let bounded = !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    (bounded && iban(&compact[..length])).then_some(at)
}
