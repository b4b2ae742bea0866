//! The facts of a record from its header (the sealed truth) and its attributes (clear text with placeholders).

use std::collections::BTreeMap;

use aal_record::Header;
use rust_decimal::Decimal;
use serde_json::Value;

use super::Fact;

/// A header's amount cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("amount {0:?} is no exact decimal")]
pub struct AmountError(pub String);

/// The facts of `header`. `attributes` is canonical JSON, or empty when nothing was recorded or it was erased.
///
/// # Errors
/// An amount is not an exact decimal.
pub fn fact_of(header: &Header, attributes: &str) -> Result<Fact, AmountError> {
    let amount = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Decimal::from_str_exact(text)
            .map(Some)
            .map_err(|_| AmountError(text.clone())),
    };
    let attributes: Value = serde_json::from_str(attributes).unwrap_or(Value::Null);
    Ok(Fact {
        kind: header.kind.clone(),
        target_event_id: header.target_event_id.unwrap_or_default(),
        occurred_at_us: header.occurred_at_us,
        edge_at_us: header.edge_at_us,
        application: header.application.clone(),
        environment: header.environment.clone(),
        decision_type: header.decision_type.clone(),
        // Who read audit data stands in the attributes of an access record.
        user_id: text_at(&attributes, "/access/actor"),
        subject_key: header.subject_key.unwrap_or_default(),
        provider: header.provider.clone(),
        operation: header.operation.clone(),
        model: header.model.clone(),
        model_requested: header.model_requested.clone(),
        status: header.status,
        error_type: header.error_type.clone(),
        is_error: header.is_error,
        streamed: header.streamed,
        interrupted: header.interrupted,
        finish_reasons: header.finish_reasons.clone(),
        duration_us: header.duration_us,
        first_token_us: header.first_token_us,
        usage_state: header.usage_state.clone(),
        usage: header.usage.clone(),
        input_tokens: header.input_tokens,
        output_tokens: header.output_tokens,
        input_cost: amount(&header.input_cost)?,
        output_cost: amount(&header.output_cost)?,
        cost: amount(&header.cost)?,
        currency: header.currency.clone(),
        price_version: header.price_version.clone(),
        price_rule: header.price_rule.clone(),
        unpriced_reason: header.unpriced_reason.clone(),
        pii: header
            .pii
            .iter()
            .map(|(entity, count)| (entity.clone(), u64::from(*count)))
            .collect::<BTreeMap<_, _>>(),
        phi: header.phi,
        outcome: header.outcome.clone(),
        outcome_override: header.outcome_override,
        outcome_flag: header.outcome_flag,
        detail: detail(header, &attributes),
        ..Fact::default()
    })
}

/// What a record that is no event says, in one line.
fn detail(header: &Header, attributes: &Value) -> String {
    let first_lost = header
        .first_offset
        .map(|offset| format!("first lost offset {offset}"));
    let reason = text_at(attributes, "/access/reason");
    let parts = match header.kind.as_str() {
        "access" => vec![header.action.clone()],
        "admin" => vec![
            header.action.clone(),
            text_at(attributes, "/access/actor"),
            reason,
        ],
        "conflict" => vec!["same event id with other content".to_owned()],
        _ => vec![
            header.action.clone(),
            header.reason.clone(),
            first_lost.unwrap_or_default(),
        ],
    };
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

/// Text at a JSON pointer; empty when there is none.
pub(super) fn text_at(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
