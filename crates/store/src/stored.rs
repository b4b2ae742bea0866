//! Every stored column of a record, for verifiers. Texts are bytes: a damaged one need not be UTF-8.

use std::collections::BTreeMap;

use aal_verify::{StoredCiphertext, StoredRecord, StoredTemplate};
use clickhouse::Row;
use serde::Deserialize;
use serde_bytes::ByteBuf;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::project::money_text;

/// A slot number that no leaf can name, for what the table holds beyond its own list of slots.
const NO_SLOT: u16 = u16::MAX;

/// A row of the table `records` as it is; nothing in it is trusted.
#[derive(Debug, Row, Deserialize)]
pub struct StoredRow {
    pub shard: u32,
    pub block: u64,
    pub block_row: u32,
    block_month: u32,
    pub kafka_offset: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub tenant: Uuid,
    pub chain_index: u64,
    prev_leaf_hash: [u8; 32],
    leaf_hash: [u8; 32],
    leaf: ByteBuf,
    header: ByteBuf,
    kind: ByteBuf,
    #[serde(with = "clickhouse::serde::uuid")]
    pub event_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    target_event_id: Uuid,
    occurred_at: i64,
    edge_at: i64,
    application: ByteBuf,
    environment: ByteBuf,
    decision_type: ByteBuf,
    #[serde(with = "clickhouse::serde::uuid")]
    subject_key: Uuid,
    provider: ByteBuf,
    operation: ByteBuf,
    model: ByteBuf,
    model_requested: ByteBuf,
    status: u16,
    error_type: ByteBuf,
    is_error: bool,
    streamed: bool,
    interrupted: bool,
    finish_reasons: Vec<ByteBuf>,
    duration_us: Option<u64>,
    first_token_us: Option<u64>,
    usage_state: ByteBuf,
    usage: Vec<(ByteBuf, u64)>,
    input_tokens: u64,
    output_tokens: u64,
    input_cost: Option<i128>,
    output_cost: Option<i128>,
    cost: Option<i128>,
    currency: ByteBuf,
    price_version: ByteBuf,
    price_rule: ByteBuf,
    unpriced_reason: ByteBuf,
    pii: Vec<(ByteBuf, u32)>,
    pii_total: u32,
    phi: bool,
    outcome: ByteBuf,
    outcome_override: bool,
    outcome_flag: bool,
    user_id: ByteBuf,
    session_id: ByteBuf,
    request_body: ByteBuf,
    response_body: ByteBuf,
    search_text: ByteBuf,
    attributes: ByteBuf,
    template_slots: Vec<u16>,
    template_salts: Vec<[u8; 32]>,
    sealed_slots: Vec<u16>,
    sealed_values: Vec<ByteBuf>,
    #[serde(with = "clickhouse::serde::uuid")]
    source_id: Uuid,
    source_epoch: u64,
    source_seq: u64,
}

impl StoredRow {
    /// The statement's beginning, with the names of all columns.
    pub const SELECT: &'static str = "SELECT shard, block, block_row, block_month, kafka_offset, tenant, chain_index, prev_leaf_hash, \
        leaf_hash, leaf, header, kind, event_id, target_event_id, occurred_at, edge_at, application, \
        environment, decision_type, subject_key, provider, operation, model, model_requested, status, \
        error_type, is_error, streamed, interrupted, finish_reasons, duration_us, first_token_us, \
        usage_state, usage, input_tokens, output_tokens, input_cost, output_cost, cost, currency, \
        price_version, price_rule, unpriced_reason, pii, pii_total, phi, outcome, outcome_override, \
        outcome_flag, user_id, session_id, request_body, response_body, search_text, attributes, \
        template_slots, template_salts, sealed_slots, sealed_values, source_id, source_epoch, source_seq";

    /// The verifier's form of the row.
    pub fn into_stored(self) -> StoredRecord {
        StoredRecord {
            columns: self.columns(),
            templates: self.templates(),
            ciphertexts: self.ciphertexts(),
            shard: self.shard,
            block: self.block,
            row: self.block_row,
            offset: self.kafka_offset,
            tenant: self.tenant,
            chain_index: self.chain_index,
            kind: text_of(&self.kind),
            event_id: self.event_id,
            prev_leaf_hash: self.prev_leaf_hash.to_vec(),
            leaf_hash: self.leaf_hash.to_vec(),
            leaf: self.leaf.into_vec(),
            header: self.header.into_vec(),
        }
    }

    /// Each template that has a salt or a text, also where the lists of slots and of salts disagree.
    fn templates(&self) -> Vec<StoredTemplate> {
        let texts: [&[u8]; 4] = [
            &self.request_body,
            &self.response_body,
            &self.search_text,
            &self.attributes,
        ];
        let text_of = |slot: u16| texts.get(usize::from(slot)).copied().unwrap_or_default();
        let entries = self.template_slots.len().max(self.template_salts.len());
        let mut templates: Vec<StoredTemplate> = (0..entries)
            .map(|entry| {
                let slot = self.template_slots.get(entry).copied().unwrap_or(NO_SLOT);
                StoredTemplate {
                    slot,
                    text: text_of(slot).to_vec(),
                    salt: self.template_salts.get(entry).map(|salt| salt.to_vec()),
                }
            })
            .collect();
        for slot in aal_record::SLOT_REQUEST..=aal_record::SLOT_ATTRIBUTES {
            if !self.template_slots.contains(&slot) && !text_of(slot).is_empty() {
                templates.push(StoredTemplate {
                    slot,
                    text: text_of(slot).to_vec(),
                    salt: None,
                });
            }
        }
        templates
    }

    fn ciphertexts(&self) -> Vec<StoredCiphertext> {
        let entries = self.sealed_slots.len().max(self.sealed_values.len());
        (0..entries)
            .map(|entry| StoredCiphertext {
                slot: self.sealed_slots.get(entry).copied().unwrap_or(NO_SLOT),
                ciphertext: self
                    .sealed_values
                    .get(entry)
                    .map(|value| value.to_vec())
                    .unwrap_or_default(),
            })
            .collect()
    }

    /// The projected columns, named as `aal_verify::COLUMNS` names them.
    fn columns(&self) -> Map<String, Value> {
        let text = |bytes: &ByteBuf| Value::String(text_of(bytes));
        let money = |scaled: Option<i128>| scaled.map(money_text);
        let finish_reasons: Vec<String> = self.finish_reasons.iter().map(text_of).collect();
        let value = json!({
            "block": self.block, "block_row": self.block_row, "block_month": self.block_month,
            "target_event_id": self.target_event_id, "occurred_at": self.occurred_at, "edge_at": self.edge_at,
            "application": text(&self.application), "environment": text(&self.environment),
            "decision_type": text(&self.decision_type), "subject_key": self.subject_key,
            "provider": text(&self.provider), "operation": text(&self.operation), "model": text(&self.model),
            "model_requested": text(&self.model_requested), "status": self.status,
            "error_type": text(&self.error_type), "is_error": self.is_error, "streamed": self.streamed,
            "interrupted": self.interrupted, "finish_reasons": finish_reasons,
            "duration_us": self.duration_us, "first_token_us": self.first_token_us,
            "usage_state": text(&self.usage_state), "usage": counts(&self.usage),
            "input_tokens": self.input_tokens, "output_tokens": self.output_tokens,
        });
        let rest = json!({
            "input_cost": money(self.input_cost), "output_cost": money(self.output_cost),
            "cost": money(self.cost), "currency": text(&self.currency),
            "price_version": text(&self.price_version), "price_rule": text(&self.price_rule),
            "unpriced_reason": text(&self.unpriced_reason), "pii": counts(&self.pii),
            "pii_total": self.pii_total, "phi": self.phi, "outcome": text(&self.outcome),
            "outcome_override": self.outcome_override, "outcome_flag": self.outcome_flag,
            "user_id": text(&self.user_id), "session_id": text(&self.session_id),
            "source_id": self.source_id, "source_epoch": self.source_epoch, "source_seq": self.source_seq,
        });
        let members = |value: Value| match value {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let mut columns = members(value);
        columns.extend(members(rest));
        columns
    }
}

/// Bytes that are no UTF-8 become another text, which then differs from what the header says.
fn text_of(bytes: &ByteBuf) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A `Map` column as a JSON object, by name. A name that occurs twice, which no header can say, gets a mark, so that
/// the column differs from the header whatever its counts are.
fn counts<N: Copy + Into<Value>>(pairs: &[(ByteBuf, N)]) -> Value {
    let mut sorted: BTreeMap<String, Value> = BTreeMap::new();
    for (name, count) in pairs {
        let name = text_of(name);
        let name = if sorted.contains_key(&name) {
            format!("{name} (again)")
        } else {
            name
        };
        sorted.insert(name, (*count).into());
    }
    Value::Object(sorted.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{MIGRATIONS, RecordRow};

    /// Columns that the verifier compares as fields of [`StoredRecord`] itself, or slot by slot.
    const COMPARED_APART: [&str; 18] = [
        "shard",
        "kafka_offset",
        "tenant",
        "chain_index",
        "prev_leaf_hash",
        "leaf_hash",
        "leaf",
        "header",
        "kind",
        "event_id",
        "request_body",
        "response_body",
        "search_text",
        "attributes",
        "template_slots",
        "template_salts",
        "sealed_slots",
        "sealed_values",
    ];

    /// Names of the columns that the migrations give the table `records`.
    fn migrated_columns() -> BTreeSet<String> {
        let mut columns = BTreeSet::new();
        for migration in MIGRATIONS {
            let mut in_table = false;
            for line in migration.sql.lines().map(str::trim) {
                in_table |= line.starts_with("CREATE TABLE IF NOT EXISTS records");
                in_table &= !line.starts_with("INDEX") && !line.starts_with("ENGINE");
                let column = match line.strip_prefix("ADD COLUMN IF NOT EXISTS ") {
                    Some(added) => added,
                    None if in_table && !line.starts_with("--") && !line.starts_with("CREATE") => line,
                    None => continue,
                };
                let name = column.split_whitespace().next().unwrap_or_default();
                if name.len() > 1 {
                    columns.insert(name.to_owned());
                }
            }
        }
        columns
    }

    fn set<'n>(names: impl IntoIterator<Item = &'n &'static str>) -> BTreeSet<String> {
        names.into_iter().map(|name| (*name).to_owned()).collect()
    }

    /// A column that is added and that no verifier compares would be a place to lie in.
    #[test]
    fn every_column_of_the_table_is_read_and_compared() {
        let table = migrated_columns();
        assert!(table.len() > 60, "{table:?}");
        assert_eq!(set(RecordRow::COLUMN_NAMES), table, "written");
        assert_eq!(set(StoredRow::COLUMN_NAMES), table, "read back");
        let select = format!("SELECT {}", StoredRow::COLUMN_NAMES.join(", "));
        assert_eq!(StoredRow::SELECT, select);
        let mut compared: BTreeSet<String> = set(&COMPARED_APART);
        compared.extend(aal_verify::COLUMNS.iter().map(|column| column.name.to_owned()));
        assert_eq!(compared, table, "compared by aal_verify");
    }
}
