//! One line of `audit normalise`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aal_pricing::{PriceTable, Usage};
use base64::Engine;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::model::{Exchange, ExchangeInput, HeaderCounts, RequestPart, ResponsePart, ToolCall, UsageState};
use crate::parse::parse;

/// A line that is not a recorded exchange.
#[derive(Debug, Error)]
pub enum BadLine {
    /// Not JSON of the form `{id, provider, request{method,url,body}, response{status,content_type,body}}`.
    #[error("not a recorded exchange: {0}")]
    Json(#[from] serde_json::Error),
    /// `body_base64` is not base64.
    #[error("body_base64 is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
}

/// One recorded exchange, a line of `recordings/*.jsonl`. Unknown keys are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct Recording {
    /// Any JSON value, given back as it came.
    #[serde(default)]
    pub id: Value,
    /// The provider as recorded.
    #[serde(default)]
    pub provider: String,
    /// The operation, where recorded.
    pub operation: Option<String>,
    /// The request as sent.
    pub request: Option<RecordedRequest>,
    /// The response as received.
    pub response: Option<RecordedResponse>,
    /// The answer broke off.
    #[serde(default)]
    pub interrupted: bool,
}

/// The request of a recording.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedRequest {
    /// HTTP method.
    #[serde(default)]
    pub method: String,
    /// Absolute URL.
    #[serde(default)]
    pub url: String,
    /// Body as text, or as JSON.
    #[serde(default)]
    pub body: Value,
    /// Body bytes in base64, where they are no text.
    pub body_base64: Option<String>,
}

/// The response of a recording.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedResponse {
    /// HTTP status.
    pub status: u16,
    /// Content type, where there was one.
    pub content_type: Option<String>,
    /// Body as text, or as JSON.
    #[serde(default)]
    pub body: Value,
    /// Body bytes in base64, where they are no text.
    pub body_base64: Option<String>,
    /// Headers by name, where they were recorded.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
}

impl RecordedResponse {
    fn header_counts(&self) -> Option<HeaderCounts> {
        HeaderCounts::of(|wanted| {
            let found = self
                .headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            let (_, value) = found?;
            value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
        })
    }
}

#[derive(Serialize)]
struct Normalised<'a> {
    id: &'a Value,
    provider: &'a str,
    operation: &'a str,
    model_requested: Option<&'a str>,
    model: Option<&'a str>,
    streamed: bool,
    status: Option<u16>,
    interrupted: bool,
    finish_reasons: &'a [String],
    usage: Option<Usage>,
    usage_state: UsageState,
    cost: Option<String>,
    /// Only where the provider stated no usage; `usage` and `cost` are exact or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate<'a>>,
    output_text: &'a str,
    tool_calls: &'a [ToolCall],
}

#[derive(Serialize)]
struct Estimate<'a> {
    method: &'a str,
    usage: Option<Usage>,
    cost: Option<String>,
}

fn bytes<'a>(text: &'a Value, base64: Option<&str>) -> Result<Cow<'a, [u8]>, BadLine> {
    if let Some(encoded) = base64 {
        return Ok(Cow::Owned(
            base64::engine::general_purpose::STANDARD.decode(encoded)?,
        ));
    }
    match text {
        Value::Null => Ok(Cow::Borrowed(&[])),
        Value::String(text) => Ok(Cow::Borrowed(text.as_bytes())),
        json => Ok(Cow::Owned(serde_json::to_vec(json)?)),
    }
}

impl Recording {
    /// Reads the recorded exchange.
    ///
    /// # Errors
    /// When a body is given in base64 that is none.
    pub fn exchange(&self) -> Result<Exchange, BadLine> {
        let request = self.request.as_ref();
        let request_body = request
            .map(|part| bytes(&part.body, part.body_base64.as_deref()))
            .transpose()?;
        let response = self.response.as_ref();
        let response_body = response
            .map(|part| bytes(&part.body, part.body_base64.as_deref()))
            .transpose()?;
        let request = request.zip(request_body.as_ref());
        let response = response.zip(response_body.as_ref());
        Ok(parse(&ExchangeInput {
            provider: &self.provider,
            operation: self.operation.as_deref(),
            request: request.map(|(part, body)| RequestPart {
                method: &part.method,
                url: &part.url,
                body,
            }),
            response: response.map(|(part, body)| ResponsePart {
                status: part.status,
                content_type: part.content_type.as_deref().unwrap_or_default(),
                body,
            }),
            interrupted: self.interrupted,
            header_counts: self.response.as_ref().and_then(RecordedResponse::header_counts),
        }))
    }
}

/// Answers one line of `audit normalise` (INTERFACES.md, "Command line"); costs are those of `now_us`.
///
/// # Errors
/// When the line is no recorded exchange; an exchange that is not understood is an answer, not an error.
pub fn normalise_line(json: &str, table: &PriceTable, now_us: i64) -> Result<String, BadLine> {
    normalise_line_with(json, table, now_us, |_| {})
}

/// Like [`normalise_line`], with a hand on the exchange before it is priced, for estimates of missing usage.
///
/// # Errors
/// As [`normalise_line`].
pub fn normalise_line_with(
    json: &str,
    table: &PriceTable,
    now_us: i64,
    complete: impl Fn(&mut Exchange),
) -> Result<String, BadLine> {
    let recording: Recording = serde_json::from_str(json)?;
    let mut exchange = recording.exchange()?;
    complete(&mut exchange);
    let usage = exchange.usage.as_ref().map(Usage::published);
    let cost = exchange
        .price(table, now_us)
        .ok()
        .map(|price| price.total.to_string());
    let (usage, cost, estimate) = match exchange.usage_method.as_deref() {
        Some(method) => (None, None, Some(Estimate { method, usage, cost })),
        None => (usage, cost, None),
    };
    Ok(serde_json::to_string(&Normalised {
        id: &recording.id,
        provider: &exchange.provider,
        operation: &exchange.operation,
        model_requested: exchange.model_requested.as_deref(),
        model: exchange.model.as_deref(),
        streamed: exchange.streamed,
        status: exchange.status,
        interrupted: exchange.interrupted,
        finish_reasons: &exchange.finish_reasons,
        usage,
        usage_state: exchange.usage_state,
        cost,
        estimate,
        output_text: &exchange.output_text,
        tool_calls: &exchange.tool_calls,
    })?)
}
