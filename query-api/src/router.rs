//! From a request to its handler, by one table.
//!
//! A table of our own instead of a tree of filters: it can be listed (the OpenAPI document is tested
//! against it), it tells 404 from 405, and it signs the caller in before a handler runs, so that a
//! handler cannot be reached without a scope.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use aal_control::Role;
use aal_service::Problem;
use aal_service::times::now_us;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use warp::reply::{Reply, Response};

use crate::app::{App, control_problem};
use crate::call::{Call, Query, Request};
use crate::scope::Scope;

type Answering = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;

/// Who may call, and what answers.
pub(crate) enum Handler {
    /// Anybody.
    Public(fn(Arc<App>, Request) -> Answering),
    /// Signed-in users with one of the roles.
    Signed(&'static [Role], fn(Call) -> Answering),
}

/// One call of the API.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// `/api/v1/users/{id}`; a last `{resource}` stands for the whole rest of the path.
    pub(crate) path: &'static str,
    pub(crate) handler: Handler,
}

/// Every role.
pub(crate) const ANY: &[Role] = &[Role::Admin, Role::ComplianceOfficer, Role::Viewer];
/// Roles that see more than their own.
pub(crate) const OFFICER: &[Role] = &[Role::Admin, Role::ComplianceOfficer];
/// Legal holds: not for those who administrate the system.
pub(crate) const COMPLIANCE: &[Role] = &[Role::ComplianceOfficer];
/// Administration.
pub(crate) const ADMIN: &[Role] = &[Role::Admin];

/// What arrived.
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, Problem>,
    pub(crate) peer: SocketAddr,
}

/// Answers one request of the API.
pub(crate) async fn answer(app: Arc<App>, routes: &'static [Route], arrived: Arrived) -> Response {
    let mut response = match dispatch(app, routes, arrived).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    secure(response.headers_mut());
    response
}

fn secure(headers: &mut HeaderMap) {
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

async fn dispatch(app: Arc<App>, routes: &'static [Route], arrived: Arrived) -> Result<Response, Problem> {
    let (route, path) = find(routes, &arrived.method, &arrived.path)?;
    let query = Query::parse(&arrived.query);
    let request = |body| Request {
        path,
        query,
        headers: arrived.headers.clone(),
        body,
        peer: arrived.peer,
    };
    match &route.handler {
        Handler::Public(handler) => handler(app, request(arrived.body?)).await,
        Handler::Signed(roles, handler) => {
            let scope = sign_in(&app, bearer(&arrived.headers)?).await?;
            scope.require(roles)?;
            let request = request(arrived.body?);
            handler(Call { app, scope, request }).await
        }
    }
}

/// The route and the values of its `{names}`.
fn find<'r>(routes: &'r [Route], method: &Method, path: &str) -> Result<(&'r Route, Vec<String>), Problem> {
    let mut allowed: Vec<&str> = Vec::new();
    // HEAD is GET without a body; hyper leaves the body out.
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    for route in routes {
        let Some(values) = matches(route.path, path) else {
            continue;
        };
        if route.method == *method {
            return Ok((route, values));
        }
        allowed.push(route.method.as_str());
    }
    if allowed.is_empty() {
        return Err(Problem::not_found(
            "there is nothing at this address; see /openapi.json",
        ));
    }
    Err(Problem::method_not_allowed(format!(
        "this address takes {}",
        allowed.join(", ")
    )))
}

/// The name in a template that takes the rest of the path, slashes and all and as it was sent.
const REST: &str = "{resource}";

fn with_rest<'p>(mut values: Vec<String>, part: &str, found: impl Iterator<Item = &'p str>) -> Vec<String> {
    let mut rest = part.to_owned();
    for part in found {
        rest.push('/');
        rest.push_str(part);
    }
    values.push(rest);
    values
}

fn matches(template: &str, path: &str) -> Option<Vec<String>> {
    let mut wanted = template.split('/');
    let mut found = path.split('/');
    let mut values = Vec::new();
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return Some(values),
            (Some(REST), Some(part)) => return Some(with_rest(values, part, found)),
            (Some(name), Some(part)) if name.starts_with('{') && !part.is_empty() => {
                values.push(decode(part)?);
            }
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return None,
        }
    }
}

/// Percent-decoding of one path segment.
fn decode(segment: &str) -> Option<String> {
    // '+' is itself in a path; form decoding would make it a space.
    let pair = format!("v={}", segment.replace('+', "%2B").replace('&', "%26"));
    let decoded = form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())?;
    (!decoded.contains('\u{fffd}')).then_some(decoded)
}

/// The bearer token of a request.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || {
        Problem::unauthorized("send the header authorization: Bearer with a token from /api/v1/auth/login")
    };
    let value = headers
        .get(AUTHORIZATION)
        .ok_or_else(missing)?
        .to_str()
        .map_err(|_| missing())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(missing())
    }
}

/// The scope of a token whose user still exists, is enabled and has not been changed since.
pub(crate) async fn sign_in(app: &App, token: &str) -> Result<Scope, Problem> {
    let claims = app
        .tokens
        .verify(token, now_us())
        .map_err(|error| Problem::unauthorized(error.to_string()))?;
    let user = app.control.user(claims.sub).await.map_err(control_problem)?;
    let user = user.filter(|user| !user.disabled && user.session_epoch == claims.epoch);
    let user = user.ok_or_else(|| Problem::unauthorized("this sign-in has ended; sign in again"))?;
    Scope::of(app, user).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_match_whole_segments() {
        assert_eq!(
            matches("/a/{id}/b", "/a/x%20y+z/b"),
            Some(vec!["x y+z".to_owned()])
        );
        assert_eq!(matches("/a/{id}", "/a/"), None);
        assert_eq!(matches("/a/{id}", "/a/x/y"), None);
        assert_eq!(matches("/a", "/a"), Some(vec![]));
        assert_eq!(
            matches("/a/{id}/{resource}", "/a/x%20y/b/%2e/c"),
            Some(vec!["x y".to_owned(), "b/%2e/c".to_owned()])
        );
        assert_eq!(matches("/a/{resource}", "/a"), None);
        assert_eq!(matches("/a/{id}", "/a/%ff"), None);
    }

    #[test]
    fn every_route_is_listed_once() {
        let routes = crate::routes::routes();
        let mut seen = std::collections::HashSet::new();
        for route in routes {
            assert!(
                seen.insert((route.method.as_str(), route.path)),
                "{} {}",
                route.method,
                route.path
            );
        }
    }
}
