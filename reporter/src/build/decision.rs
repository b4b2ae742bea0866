//! One decision from its record and the records that name it.

use std::collections::BTreeMap;

use aal_exchange::{ExchangeInput, RequestPart, ResponsePart};
use serde_json::Value;

use super::Fact;
use super::header::text_at;
use crate::model::{
    AccessEntry, Attribute, Content, CostDetail, Decision, Digest, EventFacts, Instant, LedgerPosition,
    OutcomeEntry, Redaction, Related, SourceFacts, TimelineEntry, sha256,
};

/// Everything that was read for one decision.
#[derive(Debug, Clone, Default)]
pub struct DecisionParts {
    /// The decision's own record.
    pub fact: Fact,
    /// Its stored header.
    pub header: String,
    /// Its attributes, canonical JSON; empty when erased.
    pub attributes: String,
    /// Templates of the bodies; empty when absent or erased.
    pub request_body: String,
    pub response_body: String,
    pub prev_leaf_hash: [u8; 32],
    pub next_leaf_hash: Option<[u8; 32]>,
    /// Whether the newest signed checkpoint covers the record; `None` when there is no checkpoint of its chain.
    pub sealed: Option<bool>,
    pub kafka_offset: u64,
    pub block: u64,
    /// Why the content was withheld; empty for an ordinary event.
    pub withheld: String,
    /// Records that name the decision, with their attributes.
    pub named_by: Vec<(Fact, String)>,
}

/// Puts the parts in order.
#[must_use]
pub fn build_decision(parts: DecisionParts) -> Decision {
    let fact = &parts.fact;
    let attributes: Value = serde_json::from_str(&parts.attributes).unwrap_or(Value::Null);
    let mut named_by = parts.named_by.clone();
    named_by.sort_by_key(|(other, _)| (other.occurred_at_us, other.shard, other.index));
    let outcomes: Vec<OutcomeEntry> = named_by
        .iter()
        .filter(|(other, _)| other.kind == "outcome")
        .map(|(other, more)| outcome(other, more))
        .collect();
    let access = named_by
        .iter()
        .filter(|(other, _)| other.kind == "access")
        .map(|(other, more)| access(other, more))
        .collect();
    let related = named_by
        .iter()
        .filter(|(other, _)| !matches!(other.kind.as_str(), "outcome" | "access"))
        .map(|(other, _)| related(other))
        .collect();
    let (input, output) = texts(&parts, &attributes);
    Decision {
        event: event(fact, &attributes),
        timeline: timeline(fact, &outcomes),
        parameters: settings(&parts.request_body),
        input: content(input, &parts),
        output: content(output, &parts),
        request_body: content(parts.request_body.clone(), &parts),
        response_body: content(parts.response_body.clone(), &parts),
        redactions: redactions(&attributes),
        pii: fact.pii.clone(),
        cost: cost(fact),
        outcomes,
        access,
        related,
        attributes: extras(&attributes),
        ledger: LedgerPosition {
            shard: fact.shard,
            index: fact.index,
            leaf_hash: Digest(fact.leaf_hash),
            prev_leaf_hash: Digest(parts.prev_leaf_hash),
            next_leaf_hash: parts.next_leaf_hash.map(Digest),
            sealed: parts.sealed,
            kafka_offset: parts.kafka_offset,
            block: parts.block,
            header_hash: sha256(parts.header.as_bytes()),
            header: parts.header.clone(),
        },
    }
}

fn event(fact: &Fact, attributes: &Value) -> EventFacts {
    let text = |pointer: &str| some(&text_at(attributes, pointer));
    let number = |pointer: &str| attributes.pointer(pointer).and_then(Value::as_u64);
    EventFacts {
        event_id: fact.event_id,
        kind: fact.kind.clone(),
        occurred_at: Instant(fact.occurred_at_us),
        edge_at: Instant(fact.edge_at_us),
        application: fact.application.clone(),
        environment: some(&fact.environment),
        decision_type: some(&fact.decision_type),
        user_id: some(&fact.user_id),
        session_id: some(&fact.session_id),
        subject_key: Some(fact.subject_key).filter(|key| !key.is_nil()),
        provider: fact.provider.clone(),
        operation: some(&fact.operation),
        model: some(&fact.model),
        model_requested: some(&fact.model_requested),
        status: Some(fact.status).filter(|status| *status != 0),
        error_type: some(&fact.error_type),
        error_message: text("/error/message"),
        streamed: fact.streamed,
        interrupted: fact.interrupted,
        finish_reasons: fact.finish_reasons.clone(),
        duration_us: fact.duration_us,
        first_token_us: fact.first_token_us,
        phi: fact.phi,
        request_method: text("/request/method"),
        request_url: text("/request/url"),
        trace_id: text("/trace/trace_id"),
        source: SourceFacts {
            sdk: text("/source/sdk"),
            version: text("/source/version"),
            instance: text("/source/instance"),
            epoch: number("/source/epoch"),
            sequence: number("/source/sequence"),
        },
    }
}

fn timeline(fact: &Fact, outcomes: &[OutcomeEntry]) -> Vec<TimelineEntry> {
    let entry = |at_us: i64, clock: &str, what: String| TimelineEntry {
        at: Instant(at_us),
        clock: clock.to_owned(),
        what,
    };
    let after = |duration_us: u64| fact.occurred_at_us.saturating_add_unsigned(duration_us);
    let mut entries = vec![entry(
        fact.occurred_at_us,
        "source",
        "decision requested".to_owned(),
    )];
    if let Some(duration_us) = fact.first_token_us {
        entries.push(entry(
            after(duration_us),
            "source",
            "first part of the answer".to_owned(),
        ));
    }
    if let Some(duration_us) = fact.duration_us {
        let what = if fact.interrupted {
            "answer broke off"
        } else {
            "answer ended"
        };
        entries.push(entry(after(duration_us), "source", what.to_owned()));
    }
    entries.push(entry(fact.edge_at_us, "edge", "event accepted".to_owned()));
    for outcome in outcomes {
        let name = outcome.outcome.as_deref().unwrap_or("without a name");
        entries.push(entry(outcome.at.0, "source", format!("outcome recorded: {name}")));
    }
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// The readable texts of both sides; bodies of no known form stand for themselves.
fn texts(parts: &DecisionParts, attributes: &Value) -> (String, String) {
    let (method, url) = (
        text_at(attributes, "/request/method"),
        text_at(attributes, "/request/url"),
    );
    let content_type = text_at(attributes, "/response/content_type");
    let request = RequestPart {
        method: &method,
        url: &url,
        body: parts.request_body.as_bytes(),
    };
    let response = ResponsePart {
        status: parts.fact.status,
        content_type: &content_type,
        body: parts.response_body.as_bytes(),
    };
    let input = ExchangeInput {
        provider: &parts.fact.provider,
        operation: some_str(&parts.fact.operation),
        request: (!parts.request_body.is_empty()).then_some(request),
        response: (!parts.response_body.is_empty()).then_some(response),
        interrupted: parts.fact.interrupted,
        header_counts: None,
    };
    let exchange = aal_exchange::parse(&input);
    let or_body = |text: String, body: &str| if text.is_empty() { body.to_owned() } else { text };
    (
        or_body(exchange.input_text, &parts.request_body),
        or_body(exchange.output_text, &parts.response_body),
    )
}

fn content(text: String, parts: &DecisionParts) -> Content {
    if !text.is_empty() {
        return Content {
            bytes: text.len() as u64,
            text: Some(text),
            absent_because: None,
        };
    }
    let because = if parts.withheld.is_empty() {
        None
    } else {
        Some(format!("withheld: {}", parts.withheld))
    };
    Content {
        text: None,
        absent_because: because,
        bytes: 0,
    }
}

/// Settings of the call: members of the request that are neither texts nor lists.
fn settings(request_body: &str) -> Vec<Attribute> {
    let body: Value = serde_json::from_str(request_body).unwrap_or(Value::Null);
    let scalar = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::String(text) if text.len() <= 100 => text.clone(),
            _ => return None,
        };
        Some(Attribute {
            name: name.clone(),
            value,
        })
    };
    body.as_object()
        .into_iter()
        .flatten()
        .filter_map(scalar)
        .collect()
}

/// One line for each placeholder and field.
fn redactions(attributes: &Value) -> Vec<Redaction> {
    let mut lines: BTreeMap<(String, String), Redaction> = BTreeMap::new();
    for span in attributes
        .pointer("/redactions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let (field, token) = (text_at(span, "/field"), text_at(span, "/token"));
        let fresh = || Redaction {
            token: token.clone(),
            entity: text_at(span, "/entity"),
            band: text_at(span, "/band"),
            rule: text_at(span, "/rule"),
            field: field.clone(),
            occurrences: 0,
        };
        lines
            .entry((field.clone(), token.clone()))
            .or_insert_with(fresh)
            .occurrences += 1;
    }
    lines.into_values().collect()
}

fn cost(fact: &Fact) -> CostDetail {
    CostDetail {
        usage_state: fact.usage_state.clone(),
        usage: fact.usage.clone(),
        input_tokens: fact.input_tokens,
        output_tokens: fact.output_tokens,
        input: fact.input_cost.map(|amount| amount.normalize()),
        output: fact.output_cost.map(|amount| amount.normalize()),
        total: fact.cost.map(|amount| amount.normalize()),
        currency: some(&fact.currency),
        price_version: some(&fact.price_version),
        rule: some(&fact.price_rule),
        unpriced_reason: some(&fact.unpriced_reason),
    }
}

fn outcome(fact: &Fact, attributes: &str) -> OutcomeEntry {
    let attributes: Value = serde_json::from_str(attributes).unwrap_or(Value::Null);
    OutcomeEntry {
        event_id: fact.event_id,
        at: Instant(fact.occurred_at_us),
        outcome: some(&fact.outcome),
        reviewer: some(&text_at(&attributes, "/outcome/reviewer")),
        overridden: fact.outcome_override,
        flagged: fact.outcome_flag,
        note: some(&text_at(&attributes, "/outcome/note")),
    }
}

fn access(fact: &Fact, attributes: &str) -> AccessEntry {
    let attributes: Value = serde_json::from_str(attributes).unwrap_or(Value::Null);
    AccessEntry {
        at: Instant(fact.occurred_at_us),
        actor: some(&text_at(&attributes, "/access/actor")),
        action: some(&fact.detail),
        reason: some(&text_at(&attributes, "/access/reason")),
    }
}

fn related(fact: &Fact) -> Related {
    Related {
        kind: fact.kind.clone(),
        event_id: fact.event_id,
        at: Instant(fact.occurred_at_us),
        shard: fact.shard,
        index: fact.index,
    }
}

/// Tags and metadata, one line each.
fn extras(attributes: &Value) -> Vec<Attribute> {
    let members = |pointer: &str, prefix: &'static str| {
        let object = attributes
            .pointer(pointer)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        object.into_iter().map(move |(name, value)| Attribute {
            name: format!("{prefix} {name}"),
            value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        })
    };
    members("/tags", "tag")
        .chain(members("/metadata", "metadata"))
        .collect()
}

fn some(text: &str) -> Option<String> {
    some_str(text).map(str::to_owned)
}

fn some_str(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
