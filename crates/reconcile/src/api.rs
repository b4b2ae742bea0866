//! One result of a report, in the form of the provider's administration API.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::Totals;
use crate::export::BadExport;

/// Operations of the ledger that each usage report of OpenAI is about.
const OPENAI_REPORTS: [(&str, &[&str]); 6] = [
    (
        "completions",
        &["chat", "completions", "responses", "runs", "batch_results"],
    ),
    ("embeddings", &["embeddings"]),
    ("moderations", &["moderations"]),
    ("images", &["images"]),
    ("audio_speeches", &["speech"]),
    ("audio_transcriptions", &["transcriptions", "translations"]),
];

/// Operations that Anthropic's report of messages is about.
const ANTHROPIC_OPERATIONS: &[&str] = &["messages", "completions", "chat", "batch_results"];

/// A result that was read: model, totals, and the operations of the ledger whose calls it counts; none for costs,
/// which are of all.
pub(crate) type Counted = (String, Totals, &'static [&'static str]);

/// A result of `/v1/organization/usage/...` or `/v1/organization/costs`.
pub(crate) fn openai(result: &Value, at: &str) -> Result<Counted, BadExport> {
    let no_model = || BadExport::NoModel(at.to_owned());
    if let Some(cost) = result.get("amount") {
        in_dollars(text(cost, "currency"), at)?;
        // `gpt-4o-2024-08-06, input`
        let item = text(result, "line_item").ok_or_else(no_model)?;
        let model = item.split(',').next().unwrap_or(item).trim();
        let cost = Some(amount(cost.get("value").unwrap_or(&Value::Null), at)?);
        let totals = Totals {
            cost,
            ..Totals::default()
        };
        return Ok((model.to_owned(), totals, &[]));
    }
    let object = text(result, "object").unwrap_or("organization.usage.completions.result");
    let report = object.trim_start_matches("organization.usage.");
    let report = report.trim_end_matches(".result");
    let known = OPENAI_REPORTS.iter().find(|(name, _)| *name == report);
    let (_, operations) = known.ok_or_else(|| {
        BadExport::Form(
            format!("{at}.object"),
            "a report of completions, embeddings, moderations, images, audio_speeches, audio_transcriptions or costs",
        )
    })?;
    let requests = Some(count(result, "/num_model_requests", at)?);
    let counts_tokens = matches!(report, "completions" | "embeddings" | "moderations");
    let mut totals = Totals {
        requests,
        ..Totals::default()
    };
    if counts_tokens {
        // Text and audio are stated apart; both include what was read from the cache.
        let audio = count(result, "/input_audio_tokens", at)?;
        totals.input_tokens = Some(count(result, "/input_tokens", at)?.saturating_add(audio));
    }
    if report == "completions" {
        let audio = count(result, "/output_audio_tokens", at)?;
        totals.output_tokens = Some(count(result, "/output_tokens", at)?.saturating_add(audio));
        totals.cache_read_tokens = Some(count(result, "/input_cached_tokens", at)?);
    }
    Ok((
        text(result, "model").ok_or_else(no_model)?.to_owned(),
        totals,
        operations,
    ))
}

/// A result of `/v1/organizations/usage_report/messages` or `/v1/organizations/cost_report`; of the console's files,
/// which state US dollars instead of cents, too.
pub(crate) fn anthropic(result: &Value, at: &str) -> Result<Counted, BadExport> {
    // A search of the web belongs to no model; its description names it.
    let named = text(result, "model").or_else(|| text(result, "description"));
    let model = named.ok_or_else(|| BadExport::NoModel(at.to_owned()))?.to_owned();
    let cost = match (result.get("amount"), result.get("cost_usd")) {
        (Some(cents), _) => {
            in_dollars(text(result, "currency"), at)?;
            Some(amount(cents, at)? / Decimal::ONE_HUNDRED)
        }
        (None, dollars) => dollars.map(|dollars| amount(dollars, at)).transpose()?,
    };
    if cost.is_some() {
        let totals = Totals {
            cost,
            ..Totals::default()
        };
        return Ok((model, totals, &[]));
    }
    let uncached = count(result, "/uncached_input_tokens", at)?;
    let read = count(result, "/cache_read_input_tokens", at)?;
    let written = written(result, at)?;
    let totals = Totals {
        input_tokens: Some(uncached.saturating_add(read).saturating_add(written)),
        output_tokens: Some(count(result, "/output_tokens", at)?),
        cache_read_tokens: Some(read),
        cache_write_tokens: Some(written),
        web_searches: Some(count(result, "/server_tool_use/web_search_requests", at)?),
        ..Totals::default()
    };
    Ok((model, totals, ANTHROPIC_OPERATIONS))
}

/// Tokens written to the cache. The API nests them under `cache_creation`; tools that flatten it join the names.
fn written(result: &Value, at: &str) -> Result<u64, BadExport> {
    let places = if result.get("cache_creation").is_some_and(Value::is_object) {
        [
            "/cache_creation/ephemeral_5m_input_tokens",
            "/cache_creation/ephemeral_1h_input_tokens",
        ]
    } else {
        [
            "/cache_creation_5m_input_tokens",
            "/cache_creation_1h_input_tokens",
        ]
    };
    let mut sum = 0_u64;
    for place in places {
        sum = sum.saturating_add(count(result, place, at)?);
    }
    Ok(sum)
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
