//! MAC addresses: six pairs with colons or hyphens, or three groups of four with stops.

use crate::context::Context;
use crate::entity::Entity;
use crate::ids::CERTAIN;
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::before;

const PAIRS: usize = 17;
const QUADS: usize = 14;

pub(crate) fn propose(context: &Context<'_>, out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    let mut from = 0;
    while let Some(at) = memchr::memchr3(b':', b'-', b'.', &bytes[from..]).map(|index| from + index) {
        from = at + 1;
        let width = if bytes[at] == b'.' { 4 } else { 2 };
        let length = if width == 4 { QUADS } else { PAIRS };
        let Some(start) = at.checked_sub(width) else {
            continue;
        };
        let Some(text) = bytes.get(start..start + length) else {
            continue;
        };
        if is_mac(text, bytes[at], width) && is_bounded(bytes, start, start + length) {
            let end = start + length;
            let log_odds = CERTAIN + context.evidence(start, end, Topics::of(&[Topic::Mac])).max(0);
            out.push(Candidate {
                start,
                end,
                entity: Entity::MacAddress,
                log_odds,
                rule: "mac",
            });
            from = end;
        }
    }
}

fn is_mac(text: &[u8], separator: u8, width: usize) -> bool {
    let shaped = text
        .iter()
        .enumerate()
        .all(|(index, byte)| match index % (width + 1) == width {
            true => *byte == separator,
            false => byte.is_ascii_hexdigit(),
        });
    let hex = || text.iter().filter(|byte| byte.is_ascii_hexdigit());
    let filler = hex().all(|byte| *byte == b'0') || hex().all(|byte| byte.eq_ignore_ascii_case(&b'f'));
    // Twelve decimal digits with stops are a number of something else.
    let decimal = width == 4 && hex().all(u8::is_ascii_digit);
    shaped && !filler && !decimal
}

/// Whether neither a longer word nor a longer row of pairs surrounds the address.
fn is_bounded(bytes: &[u8], start: usize, end: usize) -> bool {
    let continues = |near: Option<u8>, far: Option<u8>| match near {
        Some(byte) if byte.is_ascii_alphanumeric() => true,
        Some(b':' | b'-') => far.is_some_and(|byte| byte.is_ascii_hexdigit()),
        _ => false,
    };
    let left = continues(before(bytes, start), before(bytes, start.saturating_sub(1)));
    let right = continues(bytes.get(end).copied(), bytes.get(end + 1).copied());
    !left && !right
}
