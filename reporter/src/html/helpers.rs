//! How values are written for people. Each helper *returns* a value, which handlebars then escapes like any other.

use std::str::FromStr;

use handlebars::{Handlebars, handlebars_helper};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::CLIP_CHARACTERS;

/// Gaps printed of one source.
const GAPS_SHOWN: usize = 5;
/// Printed where a number does not exist.
const NONE: &str = "\u{2013}";

handlebars_helper!(known: |value: Json| !value.is_null() && value.as_str() != Some(""));
handlebars_helper!(whole: |value: Json| whole_text(value));
handlebars_helper!(index: |value: Json| value.as_u64().map_or(NONE.to_owned(), grouped));
handlebars_helper!(ms: |value: Json| value.as_u64().map_or(NONE.to_owned(), milliseconds));
handlebars_helper!(when: |value: str| spelled(value));
handlebars_helper!(second: |value: str| value.get(..19).unwrap_or(value).replacen('T', " ", 1));
handlebars_helper!(chunks: |list: Json, length: u64| chunks_of(list, length));
handlebars_helper!(lists_note: |most: u64| format!("Each list shows at most {most} entries, newest first; the figures above count all of them."));
handlebars_helper!(gap_list: |gaps: Json| gaps_text(gaps));
handlebars_helper!(more_than: |one: u64, other: u64| one > other);
handlebars_helper!(day: |value: str| value.get(..10).unwrap_or(value).to_owned());
handlebars_helper!(share: |part: u64, all: u64| share_text(part, all));
handlebars_helper!(money: |amounts: Json| money_text(amounts, false));
handlebars_helper!(money_short: |amounts: Json| money_text(amounts, true));
handlebars_helper!(yes_no: |value: bool| if value { "yes" } else { "no" });
handlebars_helper!(count: |list: Json| list.as_array().map_or(0, Vec::len));
handlebars_helper!(largest: |list: Json, field: str| largest_of(list, field));
handlebars_helper!(width: |part: u64, all: u64| (part * 100).checked_div(all).unwrap_or(0));
handlebars_helper!(all_hold: |checks: Json| all_checks_hold(checks));
handlebars_helper!(any_failed: |verdicts: Json| has_failed(verdicts));
handlebars_helper!(clip: |text: str| text.chars().take(CLIP_CHARACTERS).collect::<String>());
handlebars_helper!(clipped: |text: str| text.chars().nth(CLIP_CHARACTERS).is_some());
handlebars_helper!(clip_length: |*_arguments| CLIP_CHARACTERS);

/// Makes the helpers known to `registry`.
pub(super) fn register(registry: &mut Handlebars<'_>) {
    registry.register_helper("known", Box::new(known));
    registry.register_helper("whole", Box::new(whole));
    registry.register_helper("index", Box::new(index));
    registry.register_helper("ms", Box::new(ms));
    registry.register_helper("when", Box::new(when));
    registry.register_helper("second", Box::new(second));
    registry.register_helper("chunks", Box::new(chunks));
    registry.register_helper("lists_note", Box::new(lists_note));
    registry.register_helper("gap_list", Box::new(gap_list));
    registry.register_helper("more_than", Box::new(more_than));
    registry.register_helper("day", Box::new(day));
    registry.register_helper("share", Box::new(share));
    registry.register_helper("money", Box::new(money));
    registry.register_helper("money_short", Box::new(money_short));
    registry.register_helper("yes_no", Box::new(yes_no));
    registry.register_helper("count", Box::new(count));
    registry.register_helper("largest", Box::new(largest));
    registry.register_helper("width", Box::new(width));
    registry.register_helper("all_hold", Box::new(all_hold));
    registry.register_helper("any_failed", Box::new(any_failed));
    registry.register_helper("clip", Box::new(clip));
    registry.register_helper("clipped", Box::new(clipped));
    registry.register_helper("clip_length", Box::new(clip_length));
}

fn whole_text(value: &Value) -> String {
    value.as_u64().map_or_else(|| value.to_string(), grouped)
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds as milliseconds with one decimal, rounded half up.
fn milliseconds(us: u64) -> String {
    let tenths = us.saturating_add(50) / 100;
    format!("{}.{} ms", grouped(tenths / 10), tenths % 10)
}

/// `2026-02-01T09:30:00.123456Z` as `2026-02-01 09:30:00.123456 UTC`.
fn spelled(rfc3339: &str) -> String {
    rfc3339.replacen('T', " ", 1).replacen('Z', " UTC", 1)
}

/// Per cent with one decimal, rounded half up; nothing of nothing has no share.
fn share_text(part: u64, all: u64) -> String {
    let scaled = u128::from(part) * 2000 + u128::from(all);
    match scaled.checked_div(u128::from(all) * 2) {
        Some(tenths) => format!("{}.{} %", tenths / 10, tenths % 10),
        None => NONE.to_owned(),
    }
}

/// `USD 12.34`; several currencies are separated by a semicolon. `short` rounds for display.
fn money_text(amounts: &Value, short: bool) -> String {
    let Some(amounts) = amounts.as_object().filter(|amounts| !amounts.is_empty()) else {
        return NONE.to_owned();
    };
    let one = |(currency, amount): (&String, &Value)| {
        let text = amount.as_str().unwrap_or_default();
        let shown = if short { rounded(text) } else { text.to_owned() };
        format!("{currency} {shown}").trim_start().to_owned()
    };
    amounts.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn rounded(text: &str) -> String {
    let places = |amount: Decimal| if amount.abs() < Decimal::ONE { 4 } else { 2 };
    Decimal::from_str(text).map_or_else(
        |_| text.to_owned(),
        |amount| {
            let rounded =
                amount.round_dp_with_strategy(places(amount), RoundingStrategy::MidpointAwayFromZero);
            format!("{rounded:.*}", places(amount) as usize)
        },
    )
}

fn largest_of(list: &Value, field: &str) -> u64 {
    let numbers = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.get(field)?.as_u64());
    numbers.max().unwrap_or(0)
}

/// Rows in groups that fit on a page: the renderer cuts through rows of a longer table and does not repeat its head.
fn chunks_of(list: &Value, length: u64) -> Vec<Vec<Value>> {
    let length = usize::try_from(length).unwrap_or(usize::MAX).max(1);
    list.as_array()
        .map(|rows| rows.chunks(length).map(<[Value]>::to_vec).collect())
        .unwrap_or_default()
}

/// `2, 5\u{2013}6 and 3 more`; a report's page shows the first, its JSON more of them.
fn gaps_text(gaps: &Value) -> String {
    let gaps = gaps.as_array().map_or(&[][..], Vec::as_slice);
    if gaps.is_empty() {
        return NONE.to_owned();
    }
    let one = |gap: &Value| {
        let end = |name: &str| {
            gap.get(name)
                .and_then(Value::as_u64)
                .map_or(NONE.to_owned(), grouped)
        };
        let (first, last) = (end("first"), end("last"));
        if first == last {
            first
        } else {
            format!("{first}\u{2013}{last}")
        }
    };
    let shown: Vec<String> = gaps.iter().take(GAPS_SHOWN).map(one).collect();
    match gaps.len() - shown.len() {
        0 => shown.join(", "),
        hidden => format!("{} and {hidden} more", shown.join(", ")),
    }
}

fn all_checks_hold(checks: &Value) -> bool {
    let holds = |check: &Value| check.get("holds").and_then(Value::as_bool).unwrap_or(false);
    checks.as_array().is_some_and(|checks| checks.iter().all(holds))
}

fn has_failed(verdicts: &Value) -> bool {
    let failed = |verdict: &Value| verdict.get("state").and_then(Value::as_str) == Some("fail");
    verdicts
        .as_array()
        .is_some_and(|verdicts| verdicts.iter().any(failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(milliseconds(1_234_549), "1,234.5 ms");
        assert_eq!(milliseconds(49), "0.0 ms");
        assert_eq!(milliseconds(50), "0.1 ms");
        assert_eq!(share_text(1, 3), "33.3 %");
        assert_eq!(share_text(2, 3), "66.7 %");
        assert_eq!(share_text(0, 0), NONE);
        assert_eq!(
            spelled("2026-02-01T09:30:00.123456Z"),
            "2026-02-01 09:30:00.123456 UTC"
        );
    }

    #[test]
    fn gaps_are_ranges() {
        let gap = |first: u64, last: u64| serde_json::json!({"first": first, "last": last});
        let gaps: Vec<Value> = (0..7)
            .map(|number| gap(number * 1_000, number * 1_000 + number % 2))
            .collect();
        assert_eq!(
            gaps_text(&gaps.into()),
            "0, 1,000\u{2013}1,001, 2,000, 3,000\u{2013}3,001, 4,000 and 2 more"
        );
        assert_eq!(gaps_text(&serde_json::json!([])), NONE);
    }

    #[test]
    fn money_is_exact_and_rounded_only_when_short() {
        let amounts = serde_json::json!({"EUR": "0.00012345", "USD": "1234.565"});
        assert_eq!(money_text(&amounts, false), "EUR 0.00012345; USD 1234.565");
        assert_eq!(money_text(&amounts, true), "EUR 0.0001; USD 1234.57");
        assert_eq!(money_text(&serde_json::json!({}), false), NONE);
    }
}
