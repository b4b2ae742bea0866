//! Puts what the provider exchange says, and what it cost, into the header.

use std::collections::BTreeMap;

use aal_event::Event;
use aal_exchange::{Exchange, ExchangeInput, HeaderCounts, RequestPart, ResponsePart, UsageState};
use aal_pricing::{Price, PriceBook, PriceTable, Unpriced, Usage};

use crate::{Estimate, Header};

/// Tag by which the gateway passes on a count of Bedrock's headers; the header's name follows.
const HEADER_TAG: &str = "aal.header.";

/// Parses the exchange of an event, given its two bodies: the original ones for usage, the templates for text.
pub(crate) fn parse(event: &Event, request_body: &[u8], response_body: &[u8]) -> Exchange {
    let request = event.request.as_ref().map(|request| RequestPart {
        method: request.method.as_deref().unwrap_or("POST"),
        url: request.url.as_deref().unwrap_or_default(),
        body: request_body,
    });
    let response = event.response.as_ref().map(|response| ResponsePart {
        status: response
            .status
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(0),
        content_type: response.content_type.as_deref().unwrap_or_default(),
        body: response_body,
    });
    aal_exchange::parse(&ExchangeInput {
        provider: event.provider.as_deref().unwrap_or_default(),
        operation: event.operation.as_deref(),
        request,
        response,
        interrupted: event.interrupted,
        header_counts: header_counts(event),
    })
}

/// Parses the exchange of an event as it was sent, and estimates its usage where that is missing.
pub(crate) fn parse_original(event: &Event) -> Exchange {
    let request = event.request.as_ref().map_or(&[][..], |request| &request.body);
    let response = event.response.as_ref().map_or(&[][..], |response| &response.body);
    let mut exchange = parse(event, request, response);
    // An intent has no answer yet: nothing is missing.
    if event.kind == aal_event::Kind::Event {
        aal_estimate::complete(&mut exchange);
    }
    exchange
}

fn header_counts(event: &Event) -> Option<HeaderCounts> {
    HeaderCounts::of(|name| event.tags.get(&format!("{HEADER_TAG}{name}"))?.parse().ok())
}

/// Fills usage, cost and what else the exchange tells into the header.
pub(crate) fn fill(header: &mut Header, event: &Event, exchange: &Exchange, prices: &PriceTable) {
    header.provider = exchange.provider.clone();
    header.operation = exchange.operation.clone();
    header.model = exchange
        .model
        .clone()
        .or_else(|| exchange.model_requested.clone())
        .unwrap_or_default();
    header.model_requested = exchange.model_requested.clone().unwrap_or_default();
    header.status = exchange.status.unwrap_or(0);
    header.is_error = event.error.is_some() || header.status >= 400;
    header.streamed = exchange.streamed;
    header.interrupted = exchange.interrupted;
    header.finish_reasons = exchange.finish_reasons.clone();
    header.usage_state = exchange.usage_state.as_str().to_owned();
    header.price_terms = exchange
        .circumstances
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    fill_money(
        header,
        event,
        exchange,
        Prices {
            table: prices,
            book: None,
        },
    );
}

/// The list, and what the tenant agreed on instead.
#[derive(Clone, Copy)]
pub(crate) struct Prices<'a> {
    pub(crate) table: &'a PriceTable,
    pub(crate) book: Option<&'a PriceBook>,
}

impl Prices<'_> {
    fn of(self, exchange: &Exchange, at_us: i64) -> Result<Price, Unpriced> {
        match self.book {
            Some(book) => exchange.price_with(self.table, book, at_us),
            None => exchange.price(self.table, at_us),
        }
    }
}

/// When the call was made: what its price is looked up for.
fn called_at_us(header: &Header, event: &Event) -> i64 {
    let started = event.timing.as_ref().and_then(|timing| timing.started_at_us);
    started.unwrap_or(header.occurred_at_us)
}

fn bucket_counts(usage: &Usage) -> Option<BTreeMap<String, u64>> {
    let buckets = usage.buckets().ok()?.into_iter();
    Some(
        buckets
            .map(|(bucket, count)| (bucket.as_str().to_owned(), count))
            .collect(),
    )
}

/// Fills usage and cost, exact or estimated, and nothing else.
pub(crate) fn fill_money(header: &mut Header, event: &Event, exchange: &Exchange, prices: Prices<'_>) {
    let Some(usage) = &exchange.usage else {
        if exchange.usage_state != UsageState::NotApplicable {
            header.unpriced_reason = exchange.usage_state.as_str().to_owned();
        }
        return;
    };
    let price = prices.of(exchange, called_at_us(header, event));
    if let Some(method) = &exchange.usage_method {
        header.unpriced_reason = exchange.usage_state.as_str().to_owned();
        header.estimate = Some(estimate(method, usage, price));
        return;
    }
    header.input_tokens = usage.input_tokens();
    header.output_tokens = usage.output_tokens();
    let Some(counts) = bucket_counts(usage) else {
        header.unpriced_reason = "usage_inconsistent".to_owned();
        return;
    };
    header.usage = counts;
    match price {
        Ok(price) => {
            header.input_cost = Some(price.input.to_string());
            header.output_cost = Some(price.output.to_string());
            header.cost = Some(price.total.to_string());
            header.currency = price.currency.to_owned();
            header.price_version = price.price_version;
            header.price_rule = price.rule;
            header.unpriced_reason = String::new();
        }
        Err(unpriced) => {
            let version = prices.book.map_or(prices.table.version(), PriceBook::version);
            header.price_version = version.to_owned();
            header.unpriced_reason = unpriced.reason;
        }
    }
}

fn estimate(method: &str, usage: &Usage, price: Result<Price, Unpriced>) -> Estimate {
    let mut estimate = Estimate {
        method: method.to_owned(),
        usage: bucket_counts(usage).unwrap_or_default(),
        input_tokens: usage.input_tokens(),
        output_tokens: usage.output_tokens(),
        ..Estimate::default()
    };
    if let Ok(price) = price {
        estimate.cost = Some(price.total.to_string());
        estimate.currency = price.currency.to_owned();
        estimate.price_version = price.price_version;
        estimate.price_rule = price.rule;
    }
    estimate
}

/// The text that full-text search reads: input, a line break, output.
pub(crate) fn search_text(event: &Event, request_template: &str, response_template: &str) -> String {
    if !event.kind.is_exchange() {
        return String::new();
    }
    let exchange = parse(event, request_template.as_bytes(), response_template.as_bytes());
    if exchange.input_text.is_empty() && exchange.output_text.is_empty() {
        return String::new();
    }
    format!("{}\n{}", exchange.input_text, exchange.output_text)
}
