//! What goes in and what comes out: one exchange with a provider.

use aal_pricing::{Price, PriceBook, PriceTable, Unit, Unpriced, Usage};
use serde::Serialize;

use crate::details::Details;
use crate::money::{PricedCall, Prices};

/// The request as it was sent to the provider, without credentials.
#[derive(Debug, Clone, Copy)]
pub struct RequestPart<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Absolute URL; it tells provider, operation and often the model.
    pub url: &'a str,
    /// Body bytes as sent.
    pub body: &'a [u8],
}

/// The response as it was received; a stream is its raw bytes.
#[derive(Debug, Clone, Copy)]
pub struct ResponsePart<'a> {
    /// HTTP status.
    pub status: u16,
    /// Value of `Content-Type`, empty when absent.
    pub content_type: &'a str,
    /// Body bytes as received.
    pub body: &'a [u8],
}

/// One exchange as captured.
#[derive(Debug, Clone, Copy)]
pub struct ExchangeInput<'a> {
    /// The provider as the source names it; the URL's host is believed first.
    pub provider: &'a str,
    /// The operation as the source names it; the URL's path is believed first.
    pub operation: Option<&'a str>,
    /// Absent when only a response was captured.
    pub request: Option<RequestPart<'a>>,
    /// Absent when the provider never answered.
    pub response: Option<ResponsePart<'a>>,
    /// The source saw the answer break off.
    pub interrupted: bool,
    /// What the answer's HTTP headers state, where the source kept them.
    pub header_counts: Option<HeaderCounts>,
}

/// Token counts of Bedrock's headers `x-amzn-bedrock-input-token-count`, `...-output-token-count`,
/// `...-cache-read-input-token-count` and `...-cache-write-input-token-count`. The input does not include the cached
/// tokens, as in Bedrock's bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeaderCounts {
    /// Tokens sent.
    pub input: u64,
    /// Tokens answered.
    pub output: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Tokens written to the cache.
    pub cache_write: u64,
}

impl HeaderCounts {
    /// Names of the headers, in the order of the fields.
    pub const NAMES: [&str; 4] = [
        "x-amzn-bedrock-input-token-count",
        "x-amzn-bedrock-output-token-count",
        "x-amzn-bedrock-cache-read-input-token-count",
        "x-amzn-bedrock-cache-write-input-token-count",
    ];

    /// The counts of an answer by its headers; None unless input and output are both stated.
    pub fn of(header: impl Fn(&str) -> Option<u64>) -> Option<HeaderCounts> {
        let [input, output, cache_read, cache_write] = HeaderCounts::NAMES.map(header);
        Some(HeaderCounts {
            input: input?,
            output: output?,
            cache_read: cache_read.unwrap_or(0),
            cache_write: cache_write.unwrap_or(0),
        })
    }
}

/// How complete the reported usage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum UsageState {
    /// The provider stated it in full.
    #[serde(rename = "usage_reported")]
    Reported,
    /// The call used something, and the answer does not say what.
    #[serde(rename = "usage_missing")]
    Missing,
    /// The answer does not say, and a tokeniser counted the texts instead.
    #[serde(rename = "usage_estimated")]
    Estimated,
    /// The answer broke off before the final count.
    #[serde(rename = "usage_incomplete")]
    Incomplete,
    /// A failed call or one that is not counted.
    #[serde(rename = "not_applicable")]
    NotApplicable,
}

impl UsageState {
    /// The stored and published name.
    pub fn as_str(self) -> &'static str {
        match self {
            UsageState::Reported => "usage_reported",
            UsageState::Missing => "usage_missing",
            UsageState::Estimated => "usage_estimated",
            UsageState::Incomplete => "usage_incomplete",
            UsageState::NotApplicable => "not_applicable",
        }
    }
}

/// A tool or function the model asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolCall {
    /// The provider's id of the call, where it gives one.
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// The arguments as JSON text, as the model wrote them where the provider passes them on as text.
    pub arguments: String,
}

/// One exchange in the normalised form.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// OpenTelemetry GenAI name where one exists: `openai`, `anthropic`, `azure`, `aws.bedrock`, `gcp.gemini`, ...
    pub provider: String,
    /// `chat`, `responses`, `embeddings`, `completions`, `images`, `messages`, ..., or `generic`.
    pub operation: String,
    /// The model asked for, by body or URL (on Azure the deployment).
    pub model_requested: Option<String>,
    /// The model that answered, else the one asked for.
    pub model: Option<String>,
    /// The answer was a stream of events.
    pub streamed: bool,
    /// HTTP status, absent when the provider never answered.
    pub status: Option<u16>,
    /// The answer broke off: the source said so, or its final event is missing.
    pub interrupted: bool,
    /// In the provider's words, one per choice.
    pub finish_reasons: Vec<String>,
    /// What was used, as far as known.
    pub usage: Option<Usage>,
    /// The usage of each call, where the exchange is of several (the results of a batch); else empty.
    pub calls: Vec<Usage>,
    /// Whether `usage` can be relied on.
    pub usage_state: UsageState,
    /// How an estimate was made: tables, tokeniser, version; None for what a provider stated.
    pub usage_method: Option<String>,
    /// The provider's id in the price table.
    pub provider_id_for_pricing: String,
    /// The form usage was reported in, as the price table names it.
    pub api_flavor: String,
    /// `default`, `flex`, `priority`, ... where the answer states one.
    pub service_tier: Option<String>,
    /// What the answer states that changes its price, as the price table names it: `("service_tier", "flex")`.
    pub circumstances: Vec<(&'static str, String)>,
    /// All human-readable text sent, in order, joined by newlines.
    pub input_text: String,
    /// All human-readable text answered, in order, joined by newlines.
    pub output_text: String,
    /// Visible reasoning, joined by newlines.
    pub reasoning_text: String,
    /// Tools the model asked for, in order.
    pub tool_calls: Vec<ToolCall>,
    /// The provider's fingerprint of the serving system.
    pub system_fingerprint: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// Media, tools, vectors and what else is neither text nor usage.
    pub details: Details,
    /// False when the exchange is of no known form; then texts are empty.
    pub understood: bool,
}

impl Exchange {
    /// The price of this exchange at a time (microseconds since the epoch).
    ///
    /// # Errors
    /// [`Unpriced`] when usage is missing or incomplete, or the table has no price; never zero instead.
    pub fn price(&self, table: &PriceTable, at_us: i64) -> Result<Price, Unpriced> {
        self.price_by(Prices { table, book: None }, at_us)
    }

    /// Like [`Exchange::price`], by a tenant's own prices where its book has some for the call.
    ///
    /// # Errors
    /// As [`Exchange::price`].
    pub fn price_with(&self, table: &PriceTable, book: &PriceBook, at_us: i64) -> Result<Price, Unpriced> {
        let book = Some(book);
        self.price_by(Prices { table, book }, at_us)
    }

    fn price_by(&self, prices: Prices<'_>, at_us: i64) -> Result<Price, Unpriced> {
        let unpriced = |reason: &str| Unpriced {
            reason: reason.to_owned(),
        };
        if !matches!(self.usage_state, UsageState::Reported | UsageState::Estimated) {
            return Err(unpriced(self.usage_state.as_str()));
        }
        let usage = self.usage.as_ref().ok_or_else(|| unpriced("no_usage"))?;
        if !self.calls.is_empty() {
            return self.price_calls(prices, at_us);
        }
        self.price_of(prices, at_us, usage)
    }

    /// Several calls are priced one by one: a threshold is one call's.
    fn price_calls(&self, prices: Prices<'_>, at_us: i64) -> Result<Price, Unpriced> {
        let mut sum: Option<Price> = None;
        for usage in &self.calls {
            let price = self.price_of(prices, at_us, usage)?;
            sum = Some(match sum {
                Some(so_far) => so_far.plus(price)?,
                None => price,
            });
        }
        sum.ok_or_else(|| Unpriced {
            reason: "no_usage".to_owned(),
        })
    }

    fn price_of(&self, prices: Prices<'_>, at_us: i64, usage: &Usage) -> Result<Price, Unpriced> {
        let circumstances: Vec<(&str, &str)> = self
            .circumstances
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let call = PricedCall {
            provider: &self.provider,
            model_requested: self.model_requested.as_deref(),
            model: self.model.as_deref(),
            circumstances: &circumstances,
            at_us,
        };
        call.price_by(prices, usage)
    }

    /// Input tokens including all parts, where known.
    pub fn input_tokens(&self) -> Option<u64> {
        self.usage.as_ref().map(|usage| usage.count(Unit::InputTokens))
    }

    /// Output tokens including all parts, where known.
    pub fn output_tokens(&self) -> Option<u64> {
        self.usage.as_ref().map(|usage| usage.count(Unit::OutputTokens))
    }
}
