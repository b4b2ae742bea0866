//! CSV (RFC 4180) of the same model.
//!
//! A period gives one line per listed decision, or its figures in long form when the listing was left out; a
//! decision gives its facts in long form. Amounts are exact; an empty cost is unpriced, not zero. Text that a
//! spreadsheet would take for a formula gets a leading apostrophe.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{Body, ListedRecord, Report};

/// Columns of the listing.
const COLUMNS: [&str; 42] = [
    "tenant",
    "event_id",
    "occurred_at",
    "edge_at",
    "application",
    "environment",
    "decision_type",
    "user_id",
    "session_id",
    "subject_key",
    "provider",
    "operation",
    "model",
    "model_requested",
    "status",
    "error_type",
    "streamed",
    "interrupted",
    "duration_us",
    "first_token_us",
    "usage_state",
    "usage",
    "input_tokens",
    "output_tokens",
    "input_cost",
    "output_cost",
    "cost",
    "currency",
    "price_version",
    "price_rule",
    "unpriced_reason",
    "pii",
    "phi",
    "outcome",
    "overridden",
    "flagged",
    "shard",
    "index",
    "leaf_hash",
    "source_id",
    "source_epoch",
    "source_seq",
];

/// The report as CSV with CRLF line ends.
///
/// # Errors
/// None in practice: every part of the model is JSON-shaped.
pub fn to_csv(report: &Report) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = String::new();
    match &report.body {
        Body::Range(range) => match &range.records {
            Some(records) => {
                line(&mut out, COLUMNS.into_iter().map(str::to_owned));
                for record in records {
                    line(&mut out, listed(record));
                }
            }
            None => facts(&mut out, &serde_json::to_value(report)?),
        },
        Body::Decision(_) => facts(&mut out, &serde_json::to_value(report)?),
    }
    Ok(out.into_bytes())
}

/// Any JSON document in long form: one line for each value, with its path.
pub(crate) fn long_form(document: &Value) -> Vec<u8> {
    let mut out = String::new();
    facts(&mut out, document);
    out.into_bytes()
}

fn listed(record: &ListedRecord) -> [String; 42] {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let amount =
        |value: Option<rust_decimal::Decimal>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        record.tenant.to_string(),
        record.event_id.to_string(),
        record.occurred_at.to_string(),
        record.edge_at.to_string(),
        text(&record.application),
        text(&record.environment),
        text(&record.decision_type),
        text(&record.user_id),
        text(&record.session_id),
        record.subject_key.map(|key| key.to_string()).unwrap_or_default(),
        text(&record.provider),
        text(&record.operation),
        text(&record.model),
        text(&record.model_requested),
        record.status.to_string(),
        text(&record.error_type),
        record.streamed.to_string(),
        record.interrupted.to_string(),
        number(record.duration_us),
        number(record.first_token_us),
        text(&record.usage_state),
        counts(&record.usage),
        record.input_tokens.to_string(),
        record.output_tokens.to_string(),
        amount(record.input_cost),
        amount(record.output_cost),
        amount(record.cost),
        text(&record.currency),
        text(&record.price_version),
        text(&record.price_rule),
        text(&record.unpriced_reason),
        counts(&record.pii),
        record.phi.to_string(),
        text(&record.outcome),
        record.overridden.to_string(),
        record.flagged.to_string(),
        record.shard.to_string(),
        record.index.to_string(),
        record.leaf_hash.to_string(),
        record.source_id.map(|id| id.to_string()).unwrap_or_default(),
        number(record.source_epoch),
        number(record.source_seq),
    ]
}

/// `name=count` pairs, by name.
fn counts(map: &BTreeMap<String, u64>) -> String {
    text(
        &map.iter()
            .map(|(name, count)| format!("{name}={count}"))
            .collect::<Vec<_>>()
            .join(" "),
    )
}

/// Every value of the model with its path, like `/body/decision/event/model`.
fn facts(out: &mut String, report: &Value) {
    line(out, ["path", "value"].map(str::to_owned));
    walk(out, String::new(), report);
}

fn walk(out: &mut String, path: String, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(out, format!("{path}/{name}"), member);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                walk(out, format!("{path}/{position}"), item);
            }
        }
        Value::Null => line(out, [text(&path), String::new()]),
        Value::String(string) => line(out, [text(&path), text(string)]),
        Value::Bool(_) | Value::Number(_) => line(out, [text(&path), value.to_string()]),
    }
}

/// Text from outside: never a formula (OWASP, "CSV Injection").
fn text(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{value}")
    } else {
        value.to_owned()
    }
}

fn line(out: &mut String, cells: impl IntoIterator<Item = String>) {
    for (position, cell) in cells.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        let mut out = String::new();
        line(
            &mut out,
            [
                "a,b".to_owned(),
                "say \"x\"".to_owned(),
                "two\nlines".to_owned(),
                text("=1+1"),
            ],
        );
        assert_eq!(out, "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",'=1+1\r\n");
    }
}
