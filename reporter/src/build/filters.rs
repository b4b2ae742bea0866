//! Which events of the period the report is about. Applied here and not in SQL, so that what is left out is counted.

use std::str::FromStr;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::Fact;

/// The filters of a request; an absent one accepts everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filters {
    texts: Vec<(TextFilter, String)>,
    status: Option<u16>,
    flagged: Option<bool>,
    overridden: Option<bool>,
    has_pii: Option<bool>,
    min_cost: Option<Decimal>,
    subject_key: Option<Uuid>,
}

/// Columns that are compared as text, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextFilter {
    Application,
    Environment,
    DecisionType,
    Provider,
    Model,
    Operation,
    UserId,
    SessionId,
}

const TEXT_FILTERS: [(&str, TextFilter); 8] = [
    ("application", TextFilter::Application),
    ("environment", TextFilter::Environment),
    ("decision_type", TextFilter::DecisionType),
    ("provider", TextFilter::Provider),
    ("model", TextFilter::Model),
    ("operation", TextFilter::Operation),
    ("user_id", TextFilter::UserId),
    ("session_id", TextFilter::SessionId),
];

/// A filter the report does not know, or a value it cannot read. Never ignored: a report about more than
/// was asked for would be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No such filter.
    #[error("filter {name:?} is not known to reports")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// The value is not of the filter's type.
    #[error("filter {name:?} has another value than expected: {expected}")]
    Value {
        /// Its name.
        name: String,
        /// The value given.
        value: String,
        /// What is accepted.
        expected: &'static str,
    },
}

impl Filters {
    /// Reads filters by the names of the HTTP interface.
    ///
    /// # Errors
    /// An unknown name or a value of the wrong type.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, FilterError> {
        let mut filters = Self::default();
        for (name, value) in pairs {
            if let Some((_, column)) = TEXT_FILTERS.iter().find(|(known, _)| *known == name) {
                filters.texts.push((*column, value.to_owned()));
                continue;
            }
            match name {
                "status" => filters.status = Some(read(name, value, "an HTTP status")?),
                "flagged" => filters.flagged = Some(read(name, value, "true or false")?),
                "overridden" => filters.overridden = Some(read(name, value, "true or false")?),
                "has_pii" => filters.has_pii = Some(read(name, value, "true or false")?),
                "min_cost" => filters.min_cost = Some(read(name, value, "a decimal number")?),
                "subject_key" => filters.subject_key = Some(read(name, value, "a UUID")?),
                _ => {
                    return Err(FilterError::Unknown {
                        name: name.to_owned(),
                    });
                }
            }
        }
        Ok(filters)
    }

    /// Whether `fact` is meant; `overridden` and `flagged` come from its outcome records.
    #[must_use]
    pub fn accept(&self, fact: &Fact, overridden: bool, flagged: bool) -> bool {
        let same_text = |(column, wanted): &(TextFilter, String)| {
            let found = match column {
                TextFilter::Application => &fact.application,
                TextFilter::Environment => &fact.environment,
                TextFilter::DecisionType => &fact.decision_type,
                TextFilter::Provider => &fact.provider,
                TextFilter::Model => &fact.model,
                TextFilter::Operation => &fact.operation,
                TextFilter::UserId => &fact.user_id,
                TextFilter::SessionId => &fact.session_id,
            };
            found == wanted
        };
        self.texts.iter().all(same_text)
            && self.status.is_none_or(|wanted| fact.status == wanted)
            && self.flagged.is_none_or(|wanted| flagged == wanted)
            && self.overridden.is_none_or(|wanted| overridden == wanted)
            && self.has_pii.is_none_or(|wanted| (fact.pii_total() > 0) == wanted)
            && self
                .min_cost
                .is_none_or(|least| fact.cost.is_some_and(|cost| cost >= least))
            && self.subject_key.is_none_or(|wanted| fact.subject_key == wanted)
    }
}

fn read<T: FromStr>(name: &str, value: &str, expected: &'static str) -> Result<T, FilterError> {
    value.parse().map_err(|_| FilterError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_filter_or_value_is_refused_by_name() {
        let unknown = Filters::parse([("aplication", "x")]).unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "filter \"aplication\" is not known to reports"
        );
        let value = Filters::parse([("flagged", "yes")]).unwrap_err();
        assert_eq!(
            value.to_string(),
            "filter \"flagged\" has another value than expected: true or false"
        );
    }

    #[test]
    fn every_filter_must_accept() {
        let fact = Fact {
            application: "triage".into(),
            status: 200,
            cost: None,
            ..Fact::default()
        };
        let accepts = |pairs: &[(&str, &str)]| {
            Filters::parse(pairs.iter().copied())
                .unwrap()
                .accept(&fact, false, true)
        };
        assert!(accepts(&[]));
        assert!(accepts(&[
            ("application", "triage"),
            ("status", "200"),
            ("flagged", "true")
        ]));
        assert!(!accepts(&[("application", "triage"), ("overridden", "true")]));
        assert!(!accepts(&[("min_cost", "0")]), "unpriced is not zero");
        assert!(!accepts(&[("application", "tri")]), "no prefixes");
    }
}
