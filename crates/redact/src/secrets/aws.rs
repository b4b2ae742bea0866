//! Secret keys of AWS: 40 characters of base 64 near an access key id or an AWS word.

use super::prefixes::Alphabet::Base64;
use crate::context::Context;
use crate::entity::Entity;
use crate::ids::CERTAIN;
use crate::span::Candidate;
use crate::topics::{Topic, Topics};

const LENGTH: usize = 40;
/// Bytes after the id or the word in which the key begins.
const REACH: usize = 200;
const TOPICS: Topics = Topics::of(&[Topic::Aws]);

/// Proposes keys after the access key ids in `out`, the words of the text, and in a field that is named for one.
pub(crate) fn propose(context: &Context<'_>, out: &mut Vec<Candidate>) {
    let key_ids = out.len();
    for index in 0..key_ids {
        if out[index].entity == Entity::AwsAccessKey {
            propose_after(context.bytes, out[index].end, out);
        }
    }
    if !context.topics.meets(TOPICS) {
        return;
    }
    for hit in context.hits.iter().filter(|hit| hit.topics.meets(TOPICS)) {
        propose_after(context.bytes, hit.end, out);
    }
    if context.field.meets(TOPICS) {
        propose_after(context.bytes, 0, out);
    }
}

fn propose_after(bytes: &[u8], from: usize, out: &mut Vec<Candidate>) {
    let limit = bytes.len().min(from + REACH);
    let mut at = from;
    while at < limit {
        let length = bytes[at..]
            .iter()
            .take(LENGTH + 1)
            .take_while(|byte| Base64.contains(**byte))
            .count();
        let value = &bytes[at..at + length];
        let mixed = value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
        if length == LENGTH && mixed && value.iter().any(u8::is_ascii_digit) {
            out.push(Candidate {
                start: at,
                end: at + length,
                entity: Entity::AwsSecretKey,
                log_odds: CERTAIN,
                rule: "aws_secret_key",
            });
            return;
        }
        at += length.max(1);
    }
}
