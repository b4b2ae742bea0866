//! Usage read out of a provider's answer by rules that are data.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::clause::Clause;
use crate::unit::Unit;
use crate::usage::{Usage, decimal_of};

/// Usage and model as the provider's answer states them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// The model that answered, when the body names one.
    pub model: Option<String>,
    /// What was used; [`Usage::published`] is its published form.
    pub usage: Usage,
}

/// Why no usage could be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExtractError {
    /// The provider answers in other API flavours only.
    #[error("unknown_api_flavor:{0}")]
    UnknownFlavor(String),
    /// The body has no usage where the rules look for it.
    #[error("no_usage")]
    NoUsage,
    /// A field that must be there is missing or not a number.
    #[error("usage_field_missing:{0}")]
    MissingField(String),
    /// A field is not a non-negative number.
    #[error("usage_field_invalid:{0}")]
    InvalidField(String),
}

/// One step into a JSON document.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Step {
    Key(String),
    /// The first object of an array whose text field matches.
    Find {
        find: String,
        r#match: Clause,
    },
}

#[derive(Debug, Clone, Deserialize)]
struct Field {
    path: Vec<Step>,
    to: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    internal: bool,
}

/// How one API flavour of a provider reports usage.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Extractor {
    pub(crate) flavor: String,
    root: Vec<Step>,
    model: Vec<Step>,
    fields: Vec<Field>,
}

fn walk<'a>(mut value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    for step in path {
        value = match step {
            Step::Key(key) => value.as_object()?.get(key)?,
            Step::Find { find, r#match } => value.as_array()?.iter().find(|item| {
                let text = item.get(find).and_then(Value::as_str);
                text.is_some_and(|text| r#match.matches(&text.to_lowercase()))
            })?,
        };
    }
    Some(value)
}

fn dotted(path: &[Step]) -> String {
    let names = path.iter().map(|step| match step {
        Step::Key(key) => key.as_str(),
        Step::Find { find, .. } => find.as_str(),
    });
    names.collect::<Vec<_>>().join(".")
}

impl Extractor {
    /// Reads model and usage. Several fields may add up to one unit, which is how totals are made inclusive.
    pub(crate) fn extract(&self, body: &Value) -> Result<Extracted, ExtractError> {
        let root = walk(body, &self.root)
            .filter(|root| root.is_object())
            .ok_or(ExtractError::NoUsage)?;
        let mut usage = Usage::new();
        let mut found = false;
        for field in &self.fields {
            let number = match walk(root, &field.path) {
                Some(Value::Number(number)) => number,
                _ if field.required => {
                    return Err(ExtractError::MissingField(dotted(&field.path)));
                }
                _ => continue,
            };
            let amount = decimal_of(number)
                .filter(|amount| *amount >= Decimal::ZERO)
                .ok_or_else(|| ExtractError::InvalidField(dotted(&field.path)))?;
            found = true;
            // Loading refuses rules with unknown units, so every unit is known here.
            if let Some(unit) = Unit::from_key(&field.to) {
                usage.add(unit, amount);
                if field.internal {
                    usage.mark_internal(unit);
                }
            }
        }
        if !found {
            return Err(ExtractError::NoUsage);
        }
        let model = walk(body, &self.model).and_then(Value::as_str).map(str::to_owned);
        Ok(Extracted { model, usage })
    }

    /// A unit this rule names that does not exist.
    pub(crate) fn unknown_unit(&self) -> Option<&str> {
        let unknown = self
            .fields
            .iter()
            .find(|field| Unit::from_key(&field.to).is_none());
        unknown.map(|field| field.to.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn extractor() -> Extractor {
        serde_json::from_value(json!({
            "flavor": "default", "root": ["usage"], "model": ["model"], "fields": [
                {"path": ["input_tokens"], "to": "input_tokens", "required": true},
                {"path": ["cached"], "to": "input_tokens"},
                {"path": ["cached"], "to": "cache_read_tokens"},
                {"path": ["details", {"find": "modality", "match": {"equals": "text"}}, "count"], "to": "input_text_tokens"},
            ]
        }))
        .unwrap()
    }

    #[test]
    fn fields_of_one_unit_add_up() {
        let body = json!({"model": "m", "usage": {"input_tokens": 5, "cached": 7,
            "details": [{"modality": "AUDIO", "count": 1}, {"modality": "TEXT", "count": 4}]}});
        let extracted = extractor().extract(&body).unwrap();
        assert_eq!(extracted.model.as_deref(), Some("m"));
        let usage = serde_json::to_value(&extracted.usage).unwrap();
        assert_eq!(
            usage,
            json!({"input_tokens": 12, "cache_read_tokens": 7, "input_text_tokens": 4})
        );
    }

    #[test]
    fn missing_and_broken_fields_are_named() {
        let refuse = |body: Value| extractor().extract(&body).unwrap_err().to_string();
        assert_eq!(refuse(json!({"usage": null})), "no_usage");
        assert_eq!(
            refuse(json!({"usage": {"cached": 1}})),
            "usage_field_missing:input_tokens"
        );
        assert_eq!(
            refuse(json!({"usage": {"input_tokens": -1}})),
            "usage_field_invalid:input_tokens"
        );
    }
}
