//! Problem documents (RFC 9457): the one shape in which every service says no.

use std::convert::Infallible;

use ::http::StatusCode;
use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use warp::Rejection;
use warp::reply::{Reply, Response};

/// One thing wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// RFC 6901 pointer into the body (`/request/url`), or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// An RFC 9457 problem document, with the headers that belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `/problems/<slug>`: stable, for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This occurrence: what happened and how to fix it.
    pub detail: String,
    /// Every fault that was found; empty when the fault is not in a field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

impl warp::reject::Reject for Problem {}

macro_rules! problem_kinds {
    ($($(#[$doc:meta])* $name:ident => $slug:literal, $title:literal, $status:ident;)+) => {
        impl Problem {
            $($(#[$doc])*
            pub fn $name(detail: impl Into<String>) -> Self {
                Self::new($slug, $title, StatusCode::$status, detail)
            })+
        }
    };
}

problem_kinds! {
    /// 400: the request cannot be read at all.
    bad_request => "validation", "The request cannot be read", BAD_REQUEST;
    /// 400: the request was read and breaks a rule; add each fault with `with_error`.
    validation => "validation", "The request breaks a rule", BAD_REQUEST;
    /// 401: no credentials, or not valid ones.
    unauthorized => "unauthorized", "Sign-in or API key required", UNAUTHORIZED;
    /// 403: known, but not allowed.
    forbidden => "forbidden", "Not allowed", FORBIDDEN;
    /// 404.
    not_found => "not-found", "Not found", NOT_FOUND;
    /// 405.
    method_not_allowed => "method-not-allowed", "Method not allowed", METHOD_NOT_ALLOWED;
    /// 406: none of the representations asked for exists.
    not_acceptable => "not-acceptable", "Not available in that form", NOT_ACCEPTABLE;
    /// 408: the body came too slowly.
    timeout => "timeout", "The request took too long", REQUEST_TIMEOUT;
    /// 409: the request contradicts the present state.
    conflict => "conflict", "Conflict", CONFLICT;
    /// 413: name the limit in the detail.
    too_large => "too-large", "Too large", PAYLOAD_TOO_LARGE;
    /// 415.
    unsupported_media_type => "unsupported-media-type", "Unsupported media type", UNSUPPORTED_MEDIA_TYPE;
    /// 429.
    rate_limited => "rate-limited", "Too many requests", TOO_MANY_REQUESTS;
    /// 500: our fault; the detail must not leak internals.
    internal => "internal", "Internal error", INTERNAL_SERVER_ERROR;
    /// 503: a component is down; the request may be repeated later.
    unavailable => "unavailable", "Temporarily unavailable", SERVICE_UNAVAILABLE;
}

impl Problem {
    /// A problem of any kind; `slug` becomes `/problems/<slug>`.
    pub fn new(slug: &str, title: &str, status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{slug}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    /// Adds one fault.
    #[must_use]
    pub fn with_error(mut self, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            message: message.into(),
        });
        self
    }

    /// Says after how many seconds a repetition makes sense (`Retry-After`).
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The status as a type.
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}: {}", self.status, self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

impl Reply for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_else(|_| b"{}".to_vec());
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status_code();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Turns what a handler returns into a response, so that a refusal never falls through to other routes.
pub fn respond<T: Reply>(result: Result<T, Problem>) -> Response {
    match result {
        Ok(reply) => reply.into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// Turns warp's rejections into problems; use as `routes.recover(problem::recover)`.
///
/// # Errors
/// Never; the signature is what warp asks for.
pub async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(from_rejection(&rejection).into_response())
}

fn from_rejection(rejection: &Rejection) -> Problem {
    use warp::reject::{InvalidHeader, InvalidQuery, MethodNotAllowed, MissingHeader};
    if let Some(problem) = rejection.find::<Problem>() {
        return problem.clone();
    }
    if let Some(error) = rejection.find::<InvalidQuery>() {
        return Problem::bad_request(format!("the query string cannot be read: {error}"));
    }
    if let Some(error) = rejection.find::<MissingHeader>() {
        return Problem::bad_request(format!("the header {} is missing", error.name()));
    }
    if let Some(error) = rejection.find::<InvalidHeader>() {
        return Problem::bad_request(format!("the header {} cannot be read", error.name()));
    }
    if rejection.find::<MethodNotAllowed>().is_some() {
        return Problem::method_not_allowed("this address does not take that method; see /openapi.json");
    }
    if rejection.is_not_found() {
        return Problem::not_found("there is nothing at this address; see /openapi.json");
    }
    tracing::error!(?rejection, "unexpected rejection");
    Problem::internal("the request could not be handled")
}

#[cfg(test)]
mod tests {
    use super::*;
    use warp::Filter;

    #[test]
    fn a_problem_has_the_members_of_rfc_9457() {
        let problem = Problem::validation("2 faults").with_error("/provider", "is missing");
        let value = serde_json::to_value(&problem).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "type": "/problems/validation", "title": "The request breaks a rule", "status": 400,
                "detail": "2 faults", "errors": [{"pointer": "/provider", "message": "is missing"}]
            })
        );
        let response = Problem::unavailable("log down")
            .with_retry_after(3)
            .into_response();
        assert_eq!(response.headers()["retry-after"], "3");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }

    #[tokio::test]
    async fn rejections_become_problems() {
        use hyper_util::service::TowerToHyperService;
        let routes = warp::path!("a").and(warp::get()).map(|| "a").recover(recover);
        let service = TowerToHyperService::new(warp::service(routes));
        for (method, path, status) in [("GET", "/a", 200), ("POST", "/a", 405), ("GET", "/b", 404)] {
            let request = ::http::Request::builder()
                .method(method)
                .uri(path)
                .body(String::new())
                .unwrap();
            let response = hyper::service::Service::call(&service, request).await.unwrap();
            assert_eq!(response.status(), status, "{method} {path}");
        }
    }
}
