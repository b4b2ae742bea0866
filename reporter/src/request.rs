//! What a job asks for, as the query API stored it.

use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::build::{FilterError, Filters};
use crate::model::{Instant, Parameter, Period};

/// Longest period of a report, in microseconds: 400 days.
const PERIOD_MAX_US: i64 = 400 * 86_400 * 1_000_000;

/// Why a request cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not the shape of a request.
    #[error("request cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// A needed field is missing.
    #[error("a report of type {kind:?} needs {field:?}")]
    Missing {
        /// The report's type.
        kind: String,
        /// The missing field.
        field: &'static str,
    },
    /// No such report.
    #[error("report type {0:?} is not known; use decision, range or bundle")]
    Kind(String),
    /// No such format.
    #[error("format {0:?} is not known; use pdf, csv, json or bundle")]
    Format(String),
    /// Not a moment.
    #[error("{field} is not an RFC 3339 time")]
    Time {
        /// `from` or `to`.
        field: &'static str,
        /// What was given.
        value: String,
    },
    /// An empty or too long period.
    #[error("the period must be longer than nothing and at most 400 days")]
    Period,
    /// A filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A filter that a bundle cannot follow.
    #[error("an evidence bundle cannot be made: {0}")]
    BundleFilter(#[from] aal_bundle::FilterError),
}

/// The file formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Pdf,
    Csv,
    Json,
    /// An evidence bundle.
    Bundle,
}

impl Format {
    /// Name in requests and extension of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Bundle => "bundle",
        }
    }

    /// Media type of the file.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Bundle => "application/x-tar",
        }
    }
}

/// A request that can be carried out.
#[derive(Debug, Clone)]
pub struct Request {
    /// What the report is about.
    pub subject: Subject,
    /// The files wanted; never empty.
    pub formats: Vec<Format>,
    /// Narrows a job that may read every tenant's records to one.
    pub tenant: Option<Uuid>,
    /// Everything that was asked, for print.
    pub parameters: Vec<Parameter>,
    /// What an evidence bundle hands over, when one is asked for.
    pub bundle: Option<BundleWish>,
}

/// What an evidence bundle is to hold.
#[derive(Debug, Clone)]
pub struct BundleWish {
    pub filter: aal_bundle::Filter,
    pub disclosure: aal_bundle::Disclosure,
}

/// What a report is about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// One decision.
    Decision(Uuid),
    /// The decisions of a period.
    Range(Period, Filters),
    /// An evidence bundle of a period and no report.
    Bundle(Period),
}

#[derive(Debug, Deserialize)]
struct Form {
    format: Option<Vec<String>>,
    tenant: Option<Uuid>,
    event_id: Option<Uuid>,
    from: Option<String>,
    to: Option<String>,
    #[serde(default)]
    filters: Map<String, Value>,
    /// Bundles: whether texts and ciphertexts of matching records are handed over.
    content: Option<bool>,
}

impl Request {
    /// Reads the request of a job of type `kind`. Fields it does not know are left to the query API.
    ///
    /// # Errors
    /// See [`RequestError`]; none of them goes away by trying again.
    pub fn parse(kind: &str, request: &Value) -> Result<Self, RequestError> {
        let form = Form::deserialize(request)?;
        let formats = match kind {
            "bundle" => vec![Format::Bundle],
            _ => formats(form.format.as_deref().unwrap_or_default())?,
        };
        let mut bundle_filter = aal_bundle::Filter::default();
        let missing = |field| RequestError::Missing {
            kind: kind.to_owned(),
            field,
        };
        let mut parameters = vec![parameter("type", kind)];
        let subject = match kind {
            "decision" => {
                let event_id = form.event_id.ok_or_else(|| missing("event_id"))?;
                parameters.push(parameter("event_id", &event_id.to_string()));
                bundle_filter = aal_bundle::Filter::new([("event_id", event_id.to_string())])?;
                Subject::Decision(event_id)
            }
            "range" | "bundle" => {
                let from = moment("from", form.from.as_deref().ok_or_else(|| missing("from"))?)?;
                let to = moment("to", form.to.as_deref().ok_or_else(|| missing("to"))?)?;
                if to <= from || to.0.saturating_sub(from.0) > PERIOD_MAX_US {
                    return Err(RequestError::Period);
                }
                parameters.push(parameter("from", &from.to_string()));
                parameters.push(parameter("to", &to.to_string()));
                let pairs: Vec<(String, String)> = form
                    .filters
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, plain(value)?)))
                    .collect();
                parameters.extend(pairs.iter().map(|(name, value)| parameter(name, value)));
                if formats.contains(&Format::Bundle) {
                    bundle_filter = aal_bundle::Filter::new(pairs.iter().cloned())?;
                }
                let period = Period { from, to };
                if kind == "bundle" {
                    Subject::Bundle(period)
                } else {
                    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                    Subject::Range(period, Filters::parse(pairs)?)
                }
            }
            other => return Err(RequestError::Kind(other.to_owned())),
        };
        let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
        if let Some(tenant) = form.tenant {
            parameters.push(parameter("tenant", &tenant.to_string()));
        }
        parameters.push(parameter("format", &names.join(", ")));
        let is_disclosed = form.content.unwrap_or(true);
        let bundle = formats.contains(&Format::Bundle).then_some(BundleWish {
            filter: bundle_filter,
            disclosure: aal_bundle::Disclosure {
                ciphertexts: is_disclosed,
                templates: is_disclosed,
            },
        });
        Ok(Self {
            bundle,
            subject,
            formats,
            tenant: form.tenant,
            parameters,
        })
    }
}

fn formats(names: &[String]) -> Result<Vec<Format>, RequestError> {
    let all = [Format::Pdf, Format::Csv, Format::Json, Format::Bundle];
    if names.is_empty() {
        return Ok(all[..3].to_vec());
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| all.iter().all(|format| format.name() != *name))
    {
        return Err(RequestError::Format(unknown.clone()));
    }
    Ok(all
        .into_iter()
        .filter(|format| names.iter().any(|name| name == format.name()))
        .collect())
}

/// A filter's value as text; null is no filter.
fn plain(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn parameter(name: &str, value: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn moment(field: &'static str, text: &str) -> Result<Instant, RequestError> {
    let wrong = || RequestError::Time {
        field,
        value: text.to_owned(),
    };
    let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    i64::try_from(moment.unix_timestamp_nanos().div_euclid(1000))
        .map(Instant)
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(kind: &str, request: Value) -> String {
        Request::parse(kind, &request).unwrap_err().to_string()
    }

    #[test]
    fn a_month_is_read() {
        let request = json!({"from": "2026-02-01T00:00:00Z", "to": "2026-03-01T01:00:00+01:00", "format": ["pdf"],
            "filters": {"application": "triage", "flagged": true, "model": null}});
        let request = Request::parse("range", &request).unwrap();
        assert_eq!(request.formats, [Format::Pdf]);
        let printed: Vec<_> = request
            .parameters
            .iter()
            .map(|p| format!("{}={}", p.name, p.value))
            .collect();
        assert_eq!(
            printed,
            [
                "type=range",
                "from=2026-02-01T00:00:00.000000Z",
                "to=2026-03-01T00:00:00.000000Z",
                "application=triage",
                "flagged=true",
                "format=pdf"
            ]
        );
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        assert_eq!(
            error("decision", json!({})),
            "a report of type \"decision\" needs \"event_id\""
        );
        assert_eq!(
            error("monthly", json!({})),
            "report type \"monthly\" is not known; use decision, range or bundle"
        );
        let format = json!({"event_id": Uuid::nil(), "format": ["docx"]});
        assert_eq!(
            error("decision", format),
            "format \"docx\" is not known; use pdf, csv, json or bundle"
        );
        let time = json!({"from": "yesterday", "to": "2026-03-01T00:00:00Z"});
        assert_eq!(error("range", time), "from is not an RFC 3339 time");
        let empty = json!({"from": "2026-03-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"});
        assert_eq!(
            error("range", empty),
            "the period must be longer than nothing and at most 400 days"
        );
        let filter =
            json!({"from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z", "filters": {"colour": 1}});
        assert_eq!(
            error("range", filter),
            "filter \"colour\" is not known to reports"
        );
    }
}
