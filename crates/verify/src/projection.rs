//! The columns that repeat what header, leaf or attributes say, and what each must hold.

use aal_ledger::Leaf;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// One projected column and where its value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in [`crate::StoredRecord::columns`].
    pub name: &'static str,
    pub source: ColumnSource,
}

/// Where a column's value comes from; each names a member and says what stands for an absent one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnSource {
    /// Header text; absent: "".
    Text(&'static str),
    /// Header UUID in text; absent: the nil UUID.
    Uuid(&'static str),
    /// Header integer; absent: 0.
    Integer(&'static str),
    /// Header integer; absent: null.
    OptionalInteger(&'static str),
    /// Header boolean; absent: false.
    Bool(&'static str),
    /// Header decimal text, at most 18 decimals; the column a decimal text of the same value; absent: null.
    Money(&'static str),
    /// Header object of integers; absent: {}.
    Counts(&'static str),
    /// Sum of a header object of integers.
    Total(&'static str),
    /// Header array; absent: [].
    List(&'static str),
    /// Text member of the attributes (template slot 3); absent or erased: "".
    Attribute(&'static str),
    /// Header integer that says where the row was stored; absent in records of the first programmes: not bound.
    Place(&'static str),
    /// The leaf's own field of the source that numbered the event.
    Source(SourceField),
}

/// A field of the leaf about the event's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceField {
    Id,
    Epoch,
    Sequence,
}

const fn column(name: &'static str, source: ColumnSource) -> Column {
    Column { name, source }
}

/// All projected columns beside those that are fields of [`crate::StoredRecord`] itself. Times are integers (µs).
pub const COLUMNS: [Column; 44] = [
    column("target_event_id", ColumnSource::Uuid("target_event_id")),
    column("occurred_at", ColumnSource::Integer("occurred_at_us")),
    column("edge_at", ColumnSource::Integer("edge_at_us")),
    column("application", ColumnSource::Text("application")),
    column("environment", ColumnSource::Text("environment")),
    column("decision_type", ColumnSource::Text("decision_type")),
    column("subject_key", ColumnSource::Uuid("subject_key")),
    column("provider", ColumnSource::Text("provider")),
    column("operation", ColumnSource::Text("operation")),
    column("model", ColumnSource::Text("model")),
    column("model_requested", ColumnSource::Text("model_requested")),
    column("status", ColumnSource::Integer("status")),
    column("error_type", ColumnSource::Text("error_type")),
    column("is_error", ColumnSource::Bool("is_error")),
    column("streamed", ColumnSource::Bool("streamed")),
    column("interrupted", ColumnSource::Bool("interrupted")),
    column("finish_reasons", ColumnSource::List("finish_reasons")),
    column("duration_us", ColumnSource::OptionalInteger("duration_us")),
    column("first_token_us", ColumnSource::OptionalInteger("first_token_us")),
    column("usage_state", ColumnSource::Text("usage_state")),
    column("usage", ColumnSource::Counts("usage")),
    column("input_tokens", ColumnSource::Integer("input_tokens")),
    column("output_tokens", ColumnSource::Integer("output_tokens")),
    column("input_cost", ColumnSource::Money("input_cost")),
    column("output_cost", ColumnSource::Money("output_cost")),
    column("cost", ColumnSource::Money("cost")),
    column("currency", ColumnSource::Text("currency")),
    column("price_version", ColumnSource::Text("price_version")),
    column("price_rule", ColumnSource::Text("price_rule")),
    column("unpriced_reason", ColumnSource::Text("unpriced_reason")),
    column("pii", ColumnSource::Counts("pii")),
    column("pii_total", ColumnSource::Total("pii")),
    column("phi", ColumnSource::Bool("phi")),
    column("outcome", ColumnSource::Text("outcome")),
    column("outcome_override", ColumnSource::Bool("outcome_override")),
    column("outcome_flag", ColumnSource::Bool("outcome_flag")),
    column("user_id", ColumnSource::Attribute("user_id")),
    column("session_id", ColumnSource::Attribute("session_id")),
    column("block", ColumnSource::Place("block")),
    column("block_row", ColumnSource::Place("block_row")),
    column("block_month", ColumnSource::Place("block_month")),
    column("source_id", ColumnSource::Source(SourceField::Id)),
    column("source_epoch", ColumnSource::Source(SourceField::Epoch)),
    column("source_seq", ColumnSource::Source(SourceField::Sequence)),
];

impl Column {
    /// What the column must hold; `None` when the record does not bind it. `attributes` is the object in template
    /// slot 3, `None` when that is absent.
    pub fn expected(
        &self,
        leaf: &Leaf,
        header: &Map<String, Value>,
        attributes: Option<&Map<String, Value>>,
    ) -> Option<Value> {
        let or = |member: &str, absent: Value| header.get(member).cloned().unwrap_or(absent);
        let value = match self.source {
            ColumnSource::Text(member) => or(member, json!("")),
            ColumnSource::Uuid(member) => or(member, json!(Uuid::nil())),
            ColumnSource::Integer(member) => or(member, json!(0)),
            ColumnSource::OptionalInteger(member) | ColumnSource::Money(member) => or(member, Value::Null),
            ColumnSource::Bool(member) => or(member, json!(false)),
            ColumnSource::Counts(member) => or(member, json!({})),
            ColumnSource::List(member) => or(member, json!([])),
            ColumnSource::Total(member) => json!(total(header.get(member))),
            ColumnSource::Attribute(member) => {
                let value = attributes.and_then(|attributes| attributes.get(member));
                value.cloned().unwrap_or_else(|| json!(""))
            }
            ColumnSource::Place(member) => return header.get(member).cloned(),
            ColumnSource::Source(SourceField::Id) => json!(leaf.source_id),
            ColumnSource::Source(SourceField::Epoch) => json!(leaf.source_epoch),
            ColumnSource::Source(SourceField::Sequence) => json!(leaf.source_seq),
        };
        Some(value)
    }

    /// Whether the column holds what it has when nothing of the record is left but its place and its leaf.
    pub fn is_pruned(&self, leaf: &Leaf, found: &Value) -> bool {
        match self.source {
            ColumnSource::Place(_) => true,
            ColumnSource::Integer("edge_at_us") => *found == json!(leaf.t_edge_us),
            ColumnSource::Source(SourceField::Id) => *found == json!(leaf.source_id),
            ColumnSource::Source(SourceField::Epoch) => *found == json!(leaf.source_epoch),
            ColumnSource::Source(SourceField::Sequence) => *found == json!(leaf.source_seq),
            ColumnSource::Text(_) | ColumnSource::Attribute(_) => found == "",
            ColumnSource::Uuid(_) => *found == json!(Uuid::nil()),
            ColumnSource::Integer(_) | ColumnSource::Total(_) => *found == json!(0),
            ColumnSource::OptionalInteger(_) | ColumnSource::Money(_) => found.is_null(),
            ColumnSource::Bool(_) => *found == json!(false),
            ColumnSource::Counts(_) => *found == json!({}),
            ColumnSource::List(_) => *found == json!([]),
        }
    }

    /// Whether the column holds the expected value. Money is compared by value, everything else as JSON.
    pub fn holds(&self, expected: &Value, found: &Value) -> bool {
        if let (ColumnSource::Money(_), Some(expected), Some(found)) =
            (self.source, expected.as_str(), found.as_str())
        {
            let expected_units = money_units(expected);
            return expected_units.is_some() && expected_units == money_units(found);
        }
        expected == found
    }
}

fn total(counts: Option<&Value>) -> u64 {
    let counts = counts
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|counts| counts.values());
    counts.filter_map(Value::as_u64).fold(0, u64::saturating_add)
}

/// A decimal text times 10^18, exactly; `None` for any other text and beyond 38 digits.
pub(crate) fn money_units(text: &str) -> Option<i128> {
    const DECIMALS: usize = 18;
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let significant = fraction.trim_end_matches('0');
    if significant.len() > DECIMALS {
        return None;
    }
    let digits = format!("{whole}{significant}{}", "0".repeat(DECIMALS - significant.len()));
    let units: i128 = digits.parse().ok()?;
    Some(if negative { -units } else { units })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_compared_by_value() {
        let same = [
            ("1", "1.0"),
            ("0.000042", "0.000042000000000000"),
            ("-1.5", "-1.50"),
            ("0", "0.00"),
        ];
        for (left, right) in same {
            assert_eq!(
                money_units(left).unwrap(),
                money_units(right).unwrap(),
                "{left} {right}"
            );
        }
        assert_ne!(money_units("0.000042"), money_units("0.000043"));
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "1e3",
            "+1",
            " 1",
            "1.0000000000000000001",
            "0x1",
        ] {
            assert_eq!(money_units(bad), None, "{bad:?}");
        }
    }

    fn leaf() -> Leaf {
        Leaf {
            kind: aal_ledger::Kind::Event,
            tenant: Uuid::nil(),
            shard: 0,
            index: 0,
            prev_leaf_hash: [0; 32],
            event_id: Uuid::nil(),
            source_id: Uuid::from_u128(1),
            source_epoch: 0,
            source_seq: 7,
            topic_hash: [0; 32],
            partition: 0,
            offset: 0,
            t_source_us: 0,
            t_edge_us: 0,
            avro_schema_hash: [0; 32],
            pipeline_hash: [0; 32],
            header_hash: [0; 32],
            ingress_receipt_hash: [0; 32],
            slots: Vec::new(),
        }
    }

    #[test]
    fn absent_members_have_their_stated_value() {
        let header = json!({"pii": {"EMAIL_ADDRESS": 2, "PHONE": 3}, "cost": "0.10"});
        let header = header.as_object().unwrap();
        let leaf = leaf();
        let expected = |name: &str| {
            let column = COLUMNS.iter().find(|column| column.name == name).unwrap();
            column.expected(&leaf, header, None).unwrap()
        };
        assert_eq!(expected("pii_total"), json!(5));
        assert_eq!(expected("model"), json!(""));
        assert_eq!(expected("status"), json!(0));
        assert_eq!(expected("duration_us"), Value::Null);
        assert_eq!(expected("usage"), json!({}));
        assert_eq!(expected("user_id"), json!(""));
        assert_eq!(
            expected("target_event_id"),
            json!("00000000-0000-0000-0000-000000000000")
        );
        assert_eq!(expected("source_seq"), json!(7));
        let month = COLUMNS
            .iter()
            .find(|column| column.name == "block_month")
            .unwrap();
        assert_eq!(month.expected(&leaf, header, None), None);
    }
}
