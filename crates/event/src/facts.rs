//! What of a system event's detail is fact rather than text: it may stand in the record's header as it is.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Event, FieldError, Kind};

/// Most members of a detail object that are facts.
pub const MAX_FACTS: usize = 64;
/// Most data keys that one erasure may name.
pub const MAX_ERASED_KEYS: usize = 1_000;
/// Most ranges that one prune may name.
pub const MAX_PRUNED_RANGES: usize = 1_000;
const MOST_EXACT: u64 = 1 << 53;

/// The detail object of a system event; empty when there is none.
pub fn detail(event: &Event) -> Map<String, Value> {
    let detail = event.access.as_ref().and_then(|access| access.detail.as_deref());
    match detail.map(|text| crate::parse_strict(text.as_bytes())) {
        Some(Ok(Value::Object(members))) => members,
        _ => Map::new(),
    }
}

/// Whether a member's name may stand in a header: lower-case letters, digits and underscores.
pub fn is_fact_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Whether a value says nothing about a person by its form alone: a boolean, a whole number up to 2^53, a SHA-256
/// in hexadecimal, a UUID. Any other text is redacted before it is stored.
pub fn is_plain_fact(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            magnitude.is_some_and(|magnitude| magnitude <= MOST_EXACT)
        }
        Value::String(text) => is_digest(text) || is_uuid(text),
        _ => false,
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_uuid(text: &str) -> bool {
    Uuid::try_parse(text).is_ok_and(|id| id.hyphenated().to_string() == text)
}

/// The data keys an erasure names, ascending.
pub fn erased_keys(event: &Event) -> Vec<Uuid> {
    let detail = detail(event);
    let keys = detail.get("subject_key_ids").and_then(Value::as_array);
    let keys = keys.into_iter().flatten().filter_map(Value::as_str);
    keys.filter_map(|text| Uuid::try_parse(text).ok()).collect()
}

/// The shard and the ranges of indexes that a prune names, as they are.
pub fn pruned(event: &Event) -> Option<(u64, Vec<[u64; 2]>)> {
    let mut detail = detail(event);
    let shard = detail.get("pruned_shard")?.as_u64()?;
    let ranges = serde_json::from_value(detail.remove("pruned_ranges")?).ok()?;
    Some((shard, ranges))
}

/// Members of a reprice that are decimal texts.
pub const REPRICE_MONEY: [&str; 3] = ["input_cost", "output_cost", "cost"];
/// Members of a reprice that are texts.
pub const REPRICE_TEXTS: [&str; 3] = ["currency", "price_version", "price_rule"];

/// Longest of these texts, in bytes: a rule names a tenant's own price and the list's that it is a part of.
pub const MAX_REPRICE_TEXT: usize = 768;

/// What is wrong with the detail of a kind that needs certain members.
pub(crate) fn check(event: &Event, errors: &mut Vec<FieldError>) {
    let detail = detail(event);
    let mut wrong = |member: &str, message: &str| {
        errors.push(FieldError::new(format!("/access/detail/{member}"), message));
    };
    match event.kind {
        Kind::ErasureDone => check_erased(detail.get("subject_key_ids"), &mut wrong),
        Kind::Prune => check_pruned(pruned(event), &mut wrong),
        Kind::Reprice => {
            for member in REPRICE_MONEY {
                if !detail.get(member).and_then(Value::as_str).is_some_and(is_decimal) {
                    wrong(
                        member,
                        "must be a decimal as text such as \"0.000042\", at most 18 decimals",
                    );
                }
            }
            for member in REPRICE_TEXTS {
                let text = detail.get(member).and_then(Value::as_str);
                if !text.is_some_and(|text| (1..=MAX_REPRICE_TEXT).contains(&text.len())) {
                    wrong(member, "must be a text of 1 to 768 bytes");
                }
            }
        }
        Kind::ConfigChange | Kind::PriceTableChange | Kind::PolicyChange => {
            for member in ["old_digest", "new_digest"] {
                if !detail.get(member).and_then(Value::as_str).is_some_and(is_digest) {
                    wrong(
                        member,
                        "must be a SHA-256 as 64 lower-case hexadecimal digits; zeros for none",
                    );
                }
            }
        }
        _ => {}
    }
}

fn check_erased(keys: Option<&Value>, wrong: &mut impl FnMut(&str, &str)) {
    let Some(keys) = keys.and_then(Value::as_array).filter(|keys| !keys.is_empty()) else {
        return wrong(
            "subject_key_ids",
            "must be an array of the UUIDs of the destroyed data keys",
        );
    };
    if keys.len() > MAX_ERASED_KEYS {
        return wrong(
            "subject_key_ids",
            "names more than 1000 keys; record several erasures",
        );
    }
    let texts: Vec<&str> = keys
        .iter()
        .filter_map(Value::as_str)
        .filter(|text| is_uuid(text))
        .collect();
    if texts.len() != keys.len() || texts.windows(2).any(|pair| pair[0] >= pair[1]) {
        wrong(
            "subject_key_ids",
            "must hold UUIDs as lower-case text, ascending, none twice",
        );
    }
}

fn check_pruned(named: Option<(u64, Vec<[u64; 2]>)>, wrong: &mut impl FnMut(&str, &str)) {
    let Some((shard, ranges)) = named else {
        return wrong(
            "pruned_ranges",
            "must be an array of pairs of indexes, first and last, beside pruned_shard, a number",
        );
    };
    if u32::try_from(shard).is_err() {
        wrong("pruned_shard", "must be below 4294967296");
    }
    let is_ordered = ranges
        .iter()
        .all(|[first, last]| first <= last && *last <= MOST_EXACT);
    let is_apart = ranges
        .windows(2)
        .all(|pair| pair[1][0] > pair[0][1].saturating_add(1));
    if !(1..=MAX_PRUNED_RANGES).contains(&ranges.len()) || !is_ordered || !is_apart {
        wrong(
            "pruned_ranges",
            "must hold 1 to 1000 ranges, ascending and not touching; record several prunes for more",
        );
    }
}

/// A decimal with at most 10 digits before and 18 behind the point: what the money columns hold exactly.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    is_digits(whole, 10) && is_digits(fraction, 18)
}
