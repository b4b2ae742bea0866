//! Puts what the provider exchange says, and what it cost, into the header.

use aal_event::Event;
use aal_exchange::{Exchange, ExchangeInput, RequestPart, ResponsePart, UsageState};
use aal_pricing::PriceTable;

use crate::Header;

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
        header_counts: None,
    })
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
    let Some(usage) = &exchange.usage else {
        if exchange.usage_state != UsageState::NotApplicable {
            header.unpriced_reason = exchange.usage_state.as_str().to_owned();
        }
        return;
    };
    header.input_tokens = usage.input_tokens();
    header.output_tokens = usage.output_tokens();
    match usage.buckets() {
        Ok(buckets) => {
            header.usage = buckets
                .into_iter()
                .map(|(bucket, count)| (bucket.as_str().to_owned(), count))
                .collect();
        }
        Err(_) => {
            header.unpriced_reason = "usage_inconsistent".to_owned();
            return;
        }
    }
    let at_us = event
        .timing
        .as_ref()
        .and_then(|timing| timing.started_at_us)
        .unwrap_or(header.occurred_at_us);
    match exchange.price(prices, at_us) {
        Ok(price) => {
            header.input_cost = Some(price.input.to_string());
            header.output_cost = Some(price.output.to_string());
            header.cost = Some(price.total.to_string());
            header.currency = price.currency.to_owned();
            header.price_version = price.price_version;
            header.price_rule = price.rule;
        }
        Err(unpriced) => {
            header.price_version = prices.version().to_owned();
            header.unpriced_reason = unpriced.reason;
        }
    }
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
