//! One request as handlers see it, with strict reading of its query parameters.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use aal_service::Problem;
use aal_service::times::parse_rfc3339_us;
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::app::App;
use crate::scope::Scope;

/// A request of somebody who is signed in.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// What the caller may see and do; every query of the store needs it.
    pub(crate) scope: Scope,
    pub(crate) request: Request,
}

/// A request of anybody.
pub(crate) struct Request {
    /// Parts of the path that stand for `{name}` in the route, in order.
    pub(crate) path: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: SocketAddr,
}

impl Request {
    /// The body as JSON; 400 with pointers.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        aal_service::body::expect_content_type(&self.headers, &["application/json"])?;
        aal_service::body::parse_json(&self.body)
    }

    /// The first `{name}` of the path as a UUID.
    pub(crate) fn path_uuid(&self) -> Result<Uuid, Problem> {
        let text = self.path.first().map_or("", String::as_str);
        text.parse()
            .map_err(|_| Problem::bad_request("a part of the path is not a UUID"))
    }
}

/// The query parameters; each may be given once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(raw: &str) -> Self {
        let pairs = form_urlencoded::parse(raw.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            // Forms send every field; an empty one means that there is no such filter.
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Self { pairs }
    }

    /// Refuses what is not in `known` and what is given twice: a misspelt filter must not silently
    /// answer with everything.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        let mut problem = Problem::validation("the query has parameters that cannot be used");
        for (position, (name, _)) in self.pairs.iter().enumerate() {
            let shown = aal_event::shown_name(name);
            if !known.contains(&name.as_str()) {
                let message = format!("is not known here; known are {}", known.join(", "));
                problem = problem.with_error(format!("?{shown}"), message);
            } else if self.pairs[..position].iter().any(|(earlier, _)| earlier == name) {
                problem = problem.with_error(format!("?{shown}"), "is given twice");
            }
        }
        if problem.errors.is_empty() {
            Ok(())
        } else {
            Err(problem)
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// A value that `FromStr` reads; `shape` says what would be right.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str, shape: &str) -> Result<Option<T>, Problem> {
        self.text(name)
            .map(|text| text.parse().map_err(|_| wrong(name, shape)))
            .transpose()
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.parsed(name, "true or false")
    }

    pub(crate) fn uuid(&self, name: &str) -> Result<Option<Uuid>, Problem> {
        self.parsed(name, "a UUID")
    }

    /// A time in microseconds.
    pub(crate) fn time_us(&self, name: &str) -> Result<Option<i64>, Problem> {
        let shape = "an RFC 3339 time such as 2026-01-31T00:00:00Z";
        self.text(name)
            .map(|text| parse_rfc3339_us(text).ok_or_else(|| wrong(name, shape)))
            .transpose()
    }

    /// A page size from 1 to `most`.
    pub(crate) fn limit(&self, default: u32, most: u32) -> Result<u32, Problem> {
        let shape = format!("a number from 1 to {most}");
        match self.parsed("limit", &shape)? {
            None => Ok(default),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(wrong("limit", &shape)),
        }
    }
}

/// 400: a query parameter is not what it should be.
pub(crate) fn wrong(name: &str, shape: &str) -> Problem {
    Problem::validation(format!("the parameter {name} cannot be read"))
        .with_error(format!("?{name}"), format!("must be {shape}"))
}

/// 200 with JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<Response, Problem> {
    Ok(warp::reply::json(value).into_response())
}

/// Another status with JSON.
pub(crate) fn json_with<T: Serialize>(status: http::StatusCode, value: &T) -> Result<Response, Problem> {
    Ok(warp::reply::with_status(warp::reply::json(value), status).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_doubled_parameters_are_refused() {
        let query = Query::parse("limit=5&applicatoin=x&limit=6&empty=");
        let problem = query.only(&["limit", "application"]).unwrap_err();
        let pointers: Vec<_> = problem
            .errors
            .iter()
            .map(|error| error.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["?applicatoin", "?limit"]);
        assert_eq!(Query::parse("a=%20b+c").text("a"), Some(" b c"));
    }

    #[test]
    fn values_are_checked() {
        let query = Query::parse("limit=501&from=2026-01-01T00:00:00Z&to=soon&flagged=yes");
        assert!(query.limit(50, 500).is_err());
        assert_eq!(query.time_us("from").unwrap(), Some(1_767_225_600_000_000));
        assert!(query.time_us("to").is_err());
        assert!(query.boolean("flagged").is_err());
        assert_eq!(Query::parse("").limit(50, 500).unwrap(), 50);
    }
}
