//! The row of a record: a projection of leaf, header and templates, and nothing else.

use aal_record::Record;
use rust_decimal::Decimal;

use crate::RecordRow;

/// How many decimal places the money columns have.
pub const MONEY_SCALE: u32 = 18;

/// A header's money text does not fit the column.
#[derive(Debug, thiserror::Error)]
#[error("the amount {0:?} does not fit Decimal(38, 18)")]
pub struct MoneyError(pub String);

fn scaled(amount: Option<&String>) -> Result<Option<i128>, MoneyError> {
    let Some(text) = amount else { return Ok(None) };
    let wrong = || MoneyError(text.clone());
    let decimal = Decimal::from_str_exact(text).map_err(|_| wrong())?;
    let missing_places = MONEY_SCALE.checked_sub(decimal.scale()).ok_or_else(wrong)?;
    let scaled = decimal
        .mantissa()
        .checked_mul(10_i128.pow(missing_places))
        .ok_or_else(wrong)?;
    Ok(Some(scaled))
}

/// The decimal of a money column, without trailing zeros.
pub fn money_text(scaled: i128) -> String {
    let sign = if scaled < 0 { "-" } else { "" };
    let one = 10_u128.pow(MONEY_SCALE);
    let amount = scaled.unsigned_abs();
    let fraction = format!("{:018}", amount % one);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", amount / one)
}

impl RecordRow {
    /// Projects a record into its row.
    pub fn project(record: Record) -> Result<RecordRow, MoneyError> {
        let Record {
            place,
            tenant,
            event_id,
            leaf,
            leaf_hash,
            header,
            header_text,
            templates,
            ciphertexts,
            source: (source_id, source_epoch, source_seq),
        } = record;
        let pii_total = header.pii_total();
        let (template_slots, template_salts) = templates.salts.into_iter().unzip();
        let (sealed_slots, sealed_values) = ciphertexts
            .into_iter()
            .map(|(slot, value)| (slot, serde_bytes::ByteBuf::from(value)))
            .unzip();
        Ok(RecordRow {
            shard: place.shard,
            block: place.block,
            block_row: place.block_row,
            block_month: place.block_month,
            kafka_offset: place.offset,
            tenant,
            chain_index: place.chain_index,
            prev_leaf_hash: place.prev_leaf_hash,
            leaf_hash,
            leaf,
            header: header_text,
            kind: header.kind,
            event_id,
            target_event_id: header.target_event_id.unwrap_or_default(),
            occurred_at_us: header.occurred_at_us,
            edge_at_us: header.edge_at_us,
            application: header.application,
            environment: header.environment,
            decision_type: header.decision_type,
            subject_key: header.subject_key.unwrap_or_default(),
            provider: header.provider,
            operation: header.operation,
            model: header.model,
            model_requested: header.model_requested,
            status: header.status,
            error_type: header.error_type,
            is_error: header.is_error,
            streamed: header.streamed,
            interrupted: header.interrupted,
            finish_reasons: header.finish_reasons,
            duration_us: header.duration_us,
            first_token_us: header.first_token_us,
            usage_state: header.usage_state,
            usage: header.usage.into_iter().collect(),
            input_tokens: header.input_tokens,
            output_tokens: header.output_tokens,
            input_cost: scaled(header.input_cost.as_ref())?,
            output_cost: scaled(header.output_cost.as_ref())?,
            cost: scaled(header.cost.as_ref())?,
            currency: header.currency,
            price_version: header.price_version,
            price_rule: header.price_rule,
            unpriced_reason: header.unpriced_reason,
            pii: header.pii.into_iter().collect(),
            pii_total,
            phi: header.phi,
            outcome: header.outcome,
            outcome_override: header.outcome_override,
            outcome_flag: header.outcome_flag,
            user_id: templates.user_id,
            session_id: templates.session_id,
            request_body: templates.request_body,
            response_body: templates.response_body,
            search_text: templates.search_text,
            attributes: templates.attributes,
            template_slots,
            template_salts,
            sealed_slots,
            sealed_values,
            source_id,
            source_epoch,
            source_seq,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_scaled_exactly() {
        let scaled = |text: &str| scaled(Some(&text.to_owned()));
        assert_eq!(scaled("0.000042").unwrap(), Some(42_000_000_000_000));
        assert_eq!(scaled("1").unwrap(), Some(1_000_000_000_000_000_000));
        assert_eq!(scaled("0.000000000000000001").unwrap(), Some(1));
        assert!(scaled("0.0000000000000000001").is_err());
        assert!(scaled("one").is_err());
    }
}
