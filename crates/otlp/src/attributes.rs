//! A span's attributes while they are read: what is taken is gone, what remains is kept verbatim.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::span::Pairs;
use crate::tree::Tree;

#[derive(Debug, Default)]
pub(crate) struct Attributes(BTreeMap<String, Value>);

impl Attributes {
    /// Of a name that occurs twice the last value counts, as in the collectors of OpenTelemetry. What by its name
    /// holds a credential is left out: no event may.
    pub(crate) fn new(pairs: &Pairs) -> Self {
        let harmless = pairs.iter().filter(|(name, _)| !is_credential(name));
        Attributes(harmless.cloned().collect())
    }

    /// Adds those that are not there.
    pub(crate) fn add_missing(&mut self, pairs: &Pairs) {
        for (name, value) in pairs.iter().filter(|(name, _)| !is_credential(name)) {
            self.0.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// Takes the first of the names that is there and not null.
    pub(crate) fn value(&mut self, names: &[&str]) -> Option<Value> {
        let name = names
            .iter()
            .find(|name| self.0.get(**name).is_some_and(|value| !value.is_null()))?;
        self.0.remove(*name)
    }

    /// Takes the first of the names that holds a text which is not empty.
    pub(crate) fn text(&mut self, names: &[&str]) -> Option<String> {
        let name = names.iter().find(|name| self.peek(name).is_some())?;
        match self.0.remove(*name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Takes the first of the names that holds a whole number, not negative; `12.0` and `"12"` are taken as 12.
    pub(crate) fn count(&mut self, names: &[&str]) -> Option<(String, u64)> {
        let (name, count) = names
            .iter()
            .find_map(|name| Some((*name, whole(self.0.get(*name)?)?)))?;
        self.0.remove(name);
        Some((name.to_owned(), count))
    }

    /// Takes seconds as microseconds.
    pub(crate) fn seconds(&mut self, names: &[&str]) -> Option<i64> {
        const MOST_S: f64 = 1e9;
        let in_range = |value: &Value| value.as_f64().filter(|seconds| (0.0..=MOST_S).contains(seconds));
        let (name, seconds) = names
            .iter()
            .find_map(|name| Some((*name, in_range(self.0.get(*name)?)?)))?;
        self.0.remove(name);
        Some((seconds * 1e6).round() as i64)
    }

    pub(crate) fn flag(&mut self, names: &[&str]) -> Option<bool> {
        let (name, flag) = names
            .iter()
            .find_map(|name| Some((*name, self.0.get(*name)?.as_bool()?)))?;
        self.0.remove(name);
        Some(flag)
    }

    /// Takes the first of the names that holds texts: an array, JSON of one, or a single text.
    pub(crate) fn texts(&mut self, names: &[&str]) -> Vec<String> {
        match self.value(names).map(parsed) {
            Some(Value::Array(items)) => items
                .into_iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
            Some(Value::String(text)) if !text.is_empty() => vec![text],
            _ => Vec::new(),
        }
    }

    /// Takes every attribute `prefix.N...` as one array; `prefix` ends without a dot.
    pub(crate) fn indexed(&mut self, prefix: &str) -> Option<Value> {
        let is_indexed = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
        self.below(prefix, is_indexed)
    }

    /// Takes every attribute `prefix.name...` as one object.
    pub(crate) fn nested(&mut self, prefix: &str) -> Option<Value> {
        self.below(prefix, |_| true)
    }

    fn below(&mut self, prefix: &str, wanted: impl Fn(&str) -> bool) -> Option<Value> {
        let start = format!("{prefix}.");
        let of_prefix = self
            .0
            .range(start.clone()..)
            .take_while(|(name, _)| name.starts_with(&start));
        let names: Vec<String> = of_prefix
            .filter(|(name, _)| wanted(&name[start.len()..]))
            .map(|(name, _)| name.clone())
            .collect();
        let mut tree = Tree::default();
        let mut found = false;
        for name in names {
            let Some(value) = self.0.remove(&name) else {
                continue;
            };
            match tree.insert(&name[start.len()..], value) {
                Ok(()) => found = true,
                Err(value) => {
                    self.0.insert(name, value);
                }
            }
        }
        found.then(|| tree.into_value())
    }

    /// What nobody took.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.0.into_iter().collect()
    }
}

/// Recorded request headers (`llm.headers` of OpenLLMetry, `http.request.header.authorization`, ...) and keys.
fn is_credential(name: &str) -> bool {
    const PARTS: [&str; 7] = [
        "authorization",
        "api_key",
        "api-key",
        "apikey",
        "cookie",
        "llm.headers",
        "password",
    ];
    let name = name.to_lowercase();
    PARTS.iter().any(|part| name.contains(part))
}

/// Some instrumentations write whole numbers as text or as `12.0`.
fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            // Exact below 2^53, the range in which a float holds every whole number.
            let exact = float.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&float);
            exact.then_some(float as u64)
        }),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// JSON in a text as the array or object it stands for; anything else stays as it is.
pub(crate) fn parsed(value: Value) -> Value {
    match &value {
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            serde_json::from_str(text).unwrap_or(value)
        }
        _ => value,
    }
}
