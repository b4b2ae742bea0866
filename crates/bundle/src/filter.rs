//! Which records match (docs/evidence-bundle.md section 2.2).

use std::collections::BTreeMap;

use aal_ledger::LeafView;
use aal_ledger::jcs::Members;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Members that are equal to a header member of the same name.
const HEADER_TEXTS: [&str; 7] = [
    "application",
    "environment",
    "decision_type",
    "provider",
    "operation",
    "model",
    "subject_key",
];
/// Members that are equal to a member of the attributes.
const ATTRIBUTES: [&str; 2] = ["user_id", "session_id"];
const MAX_VALUE: usize = 1_024;

/// A filter: all of its members must hold. Only filters that a verifier can follow exist here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Filter(BTreeMap<String, String>);

/// A filter that bundles do not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error(
        "filter {0:?} is not known to bundles; known are application, environment, decision_type, provider, operation, \
         model, subject_key, status, has_pii, event_id, user_id and session_id"
    )]
    Unknown(String),
    #[error("filter {name:?} has value {value:?}, expected {expected}")]
    Value {
        name: String,
        value: String,
        expected: &'static str,
    },
}

impl TryFrom<BTreeMap<String, String>> for Filter {
    type Error = FilterError;

    fn try_from(members: BTreeMap<String, String>) -> Result<Filter, FilterError> {
        for (name, value) in &members {
            check(name, value)?;
        }
        Ok(Filter(members))
    }
}

impl From<Filter> for BTreeMap<String, String> {
    fn from(filter: Filter) -> BTreeMap<String, String> {
        filter.0
    }
}

fn check(name: &str, value: &str) -> Result<(), FilterError> {
    let (is_known, is_right, expected) = match name {
        "status" => (true, parse_status(value).is_some(), "an HTTP status in decimal"),
        "has_pii" => (true, matches!(value, "true" | "false"), "true or false"),
        "event_id" | "subject_key" => (true, parse_uuid(value).is_some(), "a lower-case UUID"),
        _ => {
            let is_known = HEADER_TEXTS.contains(&name) || ATTRIBUTES.contains(&name);
            let is_right = !value.is_empty() && value.len() <= MAX_VALUE;
            (is_known, is_right, "a text of 1 to 1024 bytes")
        }
    };
    if !is_known {
        return Err(FilterError::Unknown(name.to_owned()));
    }
    if !is_right {
        return Err(FilterError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            expected,
        });
    }
    Ok(())
}

fn parse_uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then_some(id)
}

fn parse_status(text: &str) -> Option<u16> {
    let status: u16 = text.parse().ok()?;
    (status.to_string() == text).then_some(status)
}

/// The time of a record, µs: what its header says, else the leaf's edge time.
pub fn time_us(leaf: &LeafView<'_>, header: &Members<'_>) -> i64 {
    header
        .get("occurred_at_us")
        .and_then(|raw| raw.integer())
        .unwrap_or_else(|| leaf.t_edge_us())
}

/// Sum of a header's object of counts; 0 when there is none.
pub fn total(header: &Members<'_>, member: &str) -> u64 {
    let counts = header.get(member).and_then(|raw| raw.members());
    counts.map_or(0, |counts| {
        let values = counts.iter().filter_map(|(_, raw)| raw.unsigned());
        values.fold(0, u64::saturating_add)
    })
}

impl Filter {
    /// A filter of names and values.
    ///
    /// # Errors
    /// On a name or value that bundles do not know.
    pub fn new<K: Into<String>, V: Into<String>>(
        members: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Filter, FilterError> {
        let members = members
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        members.collect::<BTreeMap<String, String>>().try_into()
    }

    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a part of it is about attributes, which leaf and header do not show.
    pub fn needs_attributes(&self) -> bool {
        ATTRIBUTES.iter().any(|name| self.0.contains_key(*name))
    }

    /// Whether every member that leaf and header can show holds.
    pub fn accepts(&self, leaf: &LeafView<'_>, header: &Members<'_>) -> bool {
        self.0.iter().all(|(name, value)| match name.as_str() {
            "event_id" => leaf.event_id().to_string() == *value,
            "status" => header.get("status").is_some_and(|raw| raw.as_text() == value),
            "has_pii" => (total(header, "pii") > 0) == (value == "true"),
            name if ATTRIBUTES.contains(&name) => true,
            name => header.get(name).is_some_and(|raw| raw.is_string(value)),
        })
    }

    /// Whether every member about attributes holds; `attributes` is the text of template slot 3.
    pub fn accepts_attributes(&self, attributes: &[u8]) -> bool {
        if !self.needs_attributes() {
            return true;
        }
        let parsed = aal_ledger::jcs::parse_strict(attributes).ok();
        let wanted = ATTRIBUTES
            .iter()
            .filter_map(|name| Some((name, self.0.get(*name)?)));
        wanted.into_iter().all(|(name, value)| {
            let found = parsed.as_ref().and_then(|parsed| parsed.get(*name));
            found.and_then(|found| found.as_str()) == Some(value)
        })
    }

    /// The filter in words.
    pub fn in_words(&self) -> String {
        if self.is_empty() {
            return "every record of the period".to_owned();
        }
        let parts: Vec<String> = self
            .iter()
            .map(|(name, value)| format!("{name} is {value}"))
            .collect();
        parts.join(" and ")
    }
}
