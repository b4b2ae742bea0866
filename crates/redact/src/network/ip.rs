//! IP addresses: version 4 in four octets, version 6 in the full grammar of RFC 4291.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::context::Context;
use crate::entity::Entity;
use crate::ids::{CERTAIN, POSSIBLE};
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::{Word, before};

const TOPICS: Topics = Topics::of(&[Topic::Ip]);

pub(crate) fn propose_v4(context: &Context<'_>, words: &[Word], out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    for four in words.windows(4) {
        // The first three words and their stops fill nine to twelve bytes of an address.
        if four[3].start - four[0].start > 12 || bytes.get(four[0].end) != Some(&b'.') {
            continue;
        }
        let dotted = four
            .windows(2)
            .all(|pair| pair[0].end + 1 == pair[1].start && bytes[pair[0].end] == b'.');
        let octets = four.iter().all(|word| word.all_digits() && word.len() <= 3);
        if !dotted || !octets {
            continue;
        }
        let (start, end) = (four[0].start, four[3].end);
        let Some(address) = std::str::from_utf8(&bytes[start..end])
            .ok()
            .and_then(|text| text.parse::<Ipv4Addr>().ok())
        else {
            continue;
        };
        if continues(bytes, start, end) {
            continue;
        }
        let mut log_odds = CERTAIN;
        if near_version(context, start) || is_version_like(context, start, address) {
            log_odds = NOT_AN_ADDRESS;
        } else if says_nothing(address) {
            log_odds = POSSIBLE;
        }
        log_odds = context.weigh(log_odds, start, end, TOPICS);
        out.push(Candidate {
            start,
            end,
            entity: Entity::IpAddress,
            log_odds,
            rule: "ipv4",
        });
    }
}

const NOT_AN_ADDRESS: i32 = -300;

/// Longer dotted numbers (object identifiers) and `1.2.3.4.dev0`.
fn continues(bytes: &[u8], start: usize, end: usize) -> bool {
    let left = matches!(before(bytes, start), Some(b'.' | b'-'))
        && before(bytes, start - 1).is_some_and(|b| b.is_ascii_alphanumeric());
    let right = bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    left || right
}

/// Addresses that identify nobody (this host, everywhere, nowhere, net masks), and four small numbers, which are a
/// version or an object identifier a thousand times for each address.
fn says_nothing(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    let small = octets.iter().all(|octet| *octet < 30) && !address.is_private();
    address.is_loopback() || matches!(octets[0], 0 | 255) || small
}

/// `version 4.0.12.1`, `Chrome/1.2.3.4`, `section 1.2.3.4`.
fn is_version_like(context: &Context<'_>, start: usize, address: Ipv4Addr) -> bool {
    let bytes = context.bytes;
    let product = before(bytes, start) == Some(b'/')
        && before(bytes, start - 1).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let small = address.octets().iter().all(|octet| *octet < 30);
    let announced =
        context.is_announced(start, Topics::of(&[Topic::Version])) && !context.is_announced(start, TOPICS);
    product || announced && small
}

fn near_version(context: &Context<'_>, start: usize) -> bool {
    let version = Topics::of(&[Topic::Version]);
    let mut near = context.hits_within(start.saturating_sub(32), start);
    near.any(|hit| hit.topics.meets(version) && hit.end <= start && start - hit.end <= 3)
}

pub(crate) fn propose_v6(context: &Context<'_>, out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    let mut from = 0;
    while let Some(colon) = memchr::memchr(b':', &bytes[from..]).map(|index| from + index) {
        let is_part = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        let mut start = colon;
        while start > from && is_part(bytes[start - 1]) {
            start -= 1;
        }
        let length = bytes[start..]
            .iter()
            .take(64)
            .take_while(|byte| is_part(**byte))
            .count();
        let end = start + length;
        from = end.max(colon + 1);
        if let Some((start, end)) = address_within(bytes, start, end) {
            let digits = bytes[start..end]
                .iter()
                .filter(|byte| byte.is_ascii_hexdigit())
                .count();
            let mut alone = if digits >= 4 { CERTAIN } else { POSSIBLE - 40 };
            if &bytes[start..end] == b"::1" {
                alone = POSSIBLE;
            }
            let log_odds = context.weigh(alone, start, end, TOPICS);
            out.push(Candidate {
                start,
                end: with_zone(bytes, end),
                entity: Entity::IpAddress,
                log_odds,
                rule: "ipv6",
            });
        }
    }
}

/// The address in `start..end`, less the punctuation of the sentence around it.
fn address_within(bytes: &[u8], mut start: usize, mut end: usize) -> Option<(usize, usize)> {
    if bytes[start..end].iter().filter(|byte| **byte == b':').count() < 2 {
        return None;
    }
    while end > start
        && (bytes[end - 1] == b'.' || (bytes[end - 1] == b':' && !bytes[..end].ends_with(b"::")))
    {
        end -= 1;
    }
    while start < end
        && (bytes[start] == b'.' || (bytes[start] == b':' && !bytes[start..].starts_with(b"::")))
    {
        start += 1;
    }
    let bounded = !before(bytes, start).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !bytes
            .get(end)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let text = std::str::from_utf8(&bytes[start..end]).ok()?;
    let address = text.parse::<Ipv6Addr>().ok()?;
    // `::` alone, and names of code such as `fe::add`, are no addresses; a number in it or all groups make one.
    let speaks = !address.is_unspecified()
        && (text.bytes().any(|byte| byte.is_ascii_digit()) || text.matches(':').count() > 5);
    (bounded && speaks).then_some((start, end))
}

/// A zone such as `%eth0` belongs to the address.
fn with_zone(bytes: &[u8], end: usize) -> usize {
    if bytes.get(end) != Some(&b'%') {
        return end;
    }
    let length = bytes[end + 1..]
        .iter()
        .take(16)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    if length == 0 { end } else { end + 1 + length }
}
