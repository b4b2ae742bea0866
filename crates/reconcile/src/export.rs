//! Usage and cost reports of the administration APIs of OpenAI and Anthropic.

use rust_decimal::Decimal;
use serde_json::Value;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Days, Totals};

/// Largest report read, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// Whose report it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// `/v1/organization/usage/...` and `/v1/organization/costs`.
    OpenAi,
    /// `/v1/organizations/usage_report/messages` and `/v1/organizations/cost_report`.
    Anthropic,
}

/// A report that cannot be compared. Names the place and what to do.
#[derive(Debug, Error)]
pub enum BadExport {
    /// Longer than 64 MiB.
    #[error("the report is longer than 64 MiB; ask for fewer days")]
    TooLong,
    /// Not JSON.
    #[error("the report is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Not a page, or a list of pages.
    #[error("{0}: expected {1}")]
    Form(String, &'static str),
    /// The last page says that more follow; without them everything would look in excess.
    #[error(
        "has_more is true on the last page: the report is incomplete; fetch the remaining pages and give all as one JSON array"
    )]
    MorePages,
    /// The report is not split by model.
    #[error("{0}: no model; ask for the report with group_by model (for costs: line_item or description)")]
    NoModel(String),
    /// Another currency than US dollars.
    #[error("{0}: currency {1:?} is not usd")]
    Currency(String, String),
}

/// Reads a report: one page, or a JSON array of all its pages.
///
/// # Errors
/// When it is not of the form, is incomplete, or is not split by model.
pub fn read(provider: Provider, json: &str) -> Result<Days, BadExport> {
    if json.len() > MAX_BYTES {
        return Err(BadExport::TooLong);
    }
    let document: Value = serde_json::from_str(json)?;
    let pages = match &document {
        Value::Array(pages) => pages.as_slice(),
        page => std::slice::from_ref(page),
    };
    let more = |page: &Value| page.get("has_more").and_then(Value::as_bool) == Some(true);
    if pages.last().is_none_or(more) {
        return Err(BadExport::MorePages);
    }
    let mut days = Days::new();
    for (page_number, page) in pages.iter().enumerate() {
        let at = format!("page {page_number}");
        for (number, bucket) in list(page, "data", &at)?.iter().enumerate() {
            let at = format!("{at} data[{number}]");
            let day = day(provider, bucket, &at)?;
            for (number, result) in list(bucket, "results", &at)?.iter().enumerate() {
                let at = format!("{at}.results[{number}]");
                let (model, totals) = match provider {
                    Provider::OpenAi => openai(result, &at)?,
                    Provider::Anthropic => anthropic(result, &at)?,
                };
                add(days.entry((day.clone(), model)).or_default(), &totals);
            }
        }
    }
    Ok(days)
}

fn list<'a>(value: &'a Value, key: &str, at: &str) -> Result<&'a [Value], BadExport> {
    let found = value.get(key).and_then(Value::as_array);
    found
        .map(Vec::as_slice)
        .ok_or_else(|| BadExport::Form(format!("{at}.{key}"), "an array"))
}

fn day(provider: Provider, bucket: &Value, at: &str) -> Result<String, BadExport> {
    let start = match provider {
        Provider::OpenAi => {
            let seconds = bucket.get("start_time").and_then(Value::as_i64);
            seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        }
        Provider::Anthropic => {
            let text = bucket.get("starting_at").and_then(Value::as_str);
            text.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
        }
    };
    let start = start.ok_or_else(|| {
        BadExport::Form(
            at.to_owned(),
            "start_time in seconds (OpenAI) or starting_at in RFC 3339 (Anthropic)",
        )
    })?;
    Ok(start.to_offset(time::UtcOffset::UTC).date().to_string())
}

fn count(result: &Value, place: &str, at: &str) -> Result<u64, BadExport> {
    match result.pointer(place) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value
            .as_u64()
            .ok_or_else(|| BadExport::Form(format!("{at}{place}"), "a whole number that is not negative")),
    }
}

fn text<'a>(result: &'a Value, key: &str) -> Option<&'a str> {
    result
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// An amount as text or number, exact as written.
fn amount(value: &Value, at: &str) -> Result<Decimal, BadExport> {
    let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let exact = written
        .parse()
        .ok()
        .or_else(|| Decimal::from_scientific(&written).ok());
    exact.ok_or_else(|| BadExport::Form(format!("{at}.amount"), "a decimal"))
}

fn in_dollars(currency: Option<&str>, at: &str) -> Result<(), BadExport> {
    match currency {
        Some(name) if !name.eq_ignore_ascii_case("usd") => {
            Err(BadExport::Currency(at.to_owned(), name.to_owned()))
        }
        _ => Ok(()),
    }
}

fn openai(result: &Value, at: &str) -> Result<(String, Totals), BadExport> {
    let no_model = || BadExport::NoModel(at.to_owned());
    if let Some(cost) = result.get("amount") {
        in_dollars(text(cost, "currency"), at)?;
        // `gpt-4o-2024-08-06, input`
        let item = text(result, "line_item").ok_or_else(no_model)?;
        let model = item.split(',').next().unwrap_or(item).trim();
        let cost = amount(cost.get("value").unwrap_or(&Value::Null), at)?;
        return Ok((
            model.to_owned(),
            Totals {
                cost: Some(cost),
                ..Totals::default()
            },
        ));
    }
    let totals = Totals {
        requests: Some(count(result, "/num_model_requests", at)?),
        input_tokens: Some(count(result, "/input_tokens", at)?),
        output_tokens: Some(count(result, "/output_tokens", at)?),
        cost: None,
    };
    Ok((text(result, "model").ok_or_else(no_model)?.to_owned(), totals))
}

fn anthropic(result: &Value, at: &str) -> Result<(String, Totals), BadExport> {
    let model = text(result, "model").ok_or_else(|| BadExport::NoModel(at.to_owned()))?;
    if let Some(cents) = result.get("amount") {
        in_dollars(text(result, "currency"), at)?;
        // Stated in cents, with decimals.
        let cost = amount(cents, at)? / Decimal::ONE_HUNDRED;
        return Ok((
            model.to_owned(),
            Totals {
                cost: Some(cost),
                ..Totals::default()
            },
        ));
    }
    let places = [
        "/uncached_input_tokens",
        "/cache_read_input_tokens",
        "/cache_creation/ephemeral_5m_input_tokens",
        "/cache_creation/ephemeral_1h_input_tokens",
    ];
    let mut input = 0_u64;
    for place in places {
        input = input.saturating_add(count(result, place, at)?);
    }
    let totals = Totals {
        requests: None,
        input_tokens: Some(input),
        output_tokens: Some(count(result, "/output_tokens", at)?),
        cost: None,
    };
    Ok((model.to_owned(), totals))
}

fn add(to: &mut Totals, more: &Totals) {
    let sum = |left: Option<u64>, right: Option<u64>| match (left, right) {
        (Some(left), Some(right)) => Some(left.saturating_add(right)),
        (left, right) => left.or(right),
    };
    to.requests = sum(to.requests, more.requests);
    to.input_tokens = sum(to.input_tokens, more.input_tokens);
    to.output_tokens = sum(to.output_tokens, more.output_tokens);
    to.cost = match (to.cost, more.cost) {
        (Some(left), Some(right)) => Some(left.saturating_add(right)),
        (left, right) => left.or(right),
    };
}
