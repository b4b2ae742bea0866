//! One line of `audit price`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::table::PriceTable;
use crate::usage::Usage;

/// A line that is not a pricing question.
#[derive(Debug, Error)]
pub enum BadLine {
    /// Not JSON of the form `{id, provider_id, api_flavor, model, at?, body}`.
    #[error("not a usage line: {0}")]
    Json(#[from] serde_json::Error),
    /// `at` is not RFC 3339.
    #[error("at is not an RFC 3339 time: {0:?}")]
    Time(String),
}

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    id: Value,
    provider_id: String,
    #[serde(default = "default_flavor")]
    api_flavor: String,
    model: Option<String>,
    at: Option<String>,
    body: Value,
}

fn default_flavor() -> String {
    "default".to_owned()
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(flatten)]
    result: Outcome<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome<'a> {
    Priced {
        input_price: String,
        output_price: String,
        total: String,
        currency: &'a str,
        price_version: &'a str,
        rule: String,
    },
    Unpriced {
        unpriced: String,
    },
}

/// Answers one line of `audit price` (INTERFACES.md, "Command line"); `now_us` stands in for an absent `at`.
///
/// An unpriced answer carries the usage too where the body has one.
///
/// # Errors
/// When the line is not a question at all; what cannot be priced is an answer, not an error.
pub fn price_line(json: &str, table: &PriceTable, now_us: i64) -> Result<String, BadLine> {
    let question: Question = serde_json::from_str(json)?;
    let at_us = question.at.as_deref().map_or(Ok(now_us), at_us)?;
    let (usage, result) = answer(&question, table, at_us);
    Ok(serde_json::to_string(&Answer {
        id: &question.id,
        usage,
        result,
    })?)
}

fn answer<'a>(question: &Question, table: &'a PriceTable, at_us: i64) -> (Option<Usage>, Outcome<'a>) {
    let unpriced = |reason: String| Outcome::Unpriced { unpriced: reason };
    let extracted = table.extract_usage(&question.provider_id, &question.api_flavor, &question.body);
    let extracted = match extracted {
        Ok(extracted) => extracted,
        Err(error) => return (None, unpriced(error.to_string())),
    };
    let usage = Some(extracted.usage.published());
    let Some(model) = question.model.as_ref().or(extracted.model.as_ref()) else {
        return (usage, unpriced("no_model".to_owned()));
    };
    match table.price(&question.provider_id, model, at_us, &extracted.usage) {
        Ok(price) => {
            let result = Outcome::Priced {
                input_price: price.input.to_string(),
                output_price: price.output.to_string(),
                total: price.total.to_string(),
                currency: price.currency,
                price_version: table.version(),
                rule: price.rule,
            };
            (usage, result)
        }
        Err(error) => (usage, unpriced(error.reason)),
    }
}

fn at_us(text: &str) -> Result<i64, BadLine> {
    let parsed = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
    let time = parsed.map_err(|_| BadLine::Time(text.to_owned()))?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000)).map_err(|_| BadLine::Time(text.to_owned()))
}
