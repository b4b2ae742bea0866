//! Legal holds: placed and released by compliance officers, with a reason, each a leaf of the ledger.

use aal_control::{LegalHold, Release};
use aal_event::Kind;
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::app::control_problem;
use crate::call::{Call, json, json_with};
use crate::subjects::notes::{required, tell};

/// Longest name of an application, in bytes; that of events.
const MAX_NAME_BYTES: usize = 128;
/// Longest id of a person, in bytes.
const MAX_ID_BYTES: usize = 512;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tenant: Option<Uuid>,
    /// Records of this application only.
    application: Option<String>,
    /// Records of this person only.
    subject: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasoned {
    reason: Option<String>,
}

fn shown(hold: &LegalHold) -> Value {
    let released = hold.released.as_ref();
    json!({
        "id": hold.id, "tenant": hold.tenant,
        "application": (!hold.application.is_empty()).then_some(&hold.application),
        "scope": scope_name(hold), "reason": hold.reason, "placed_at": rfc3339_us(hold.placed_us),
        "placed_by": hold.placed_by, "active": released.is_none(),
        "released_at": released.map(|release| rfc3339_us(release.at_us)),
        "released_by": released.map(|release| release.by),
        "release_reason": released.map(|release| &release.reason),
    })
}

fn scope_name(hold: &LegalHold) -> &'static str {
    match (hold.lookups.is_empty(), hold.application.is_empty()) {
        (false, _) => "person",
        (true, false) => "application",
        (true, true) => "tenant",
    }
}

/// `GET /api/v1/legal-holds`.
pub(crate) async fn list_holds(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant", "released"])?;
    let scope = call.scope.narrowed(query.uuid("tenant")?)?;
    let released = query.boolean("released")?.unwrap_or(false);
    let holds = call.app.control.holds(scope.tenants, released).await;
    let items: Vec<Value> = holds.map_err(control_problem)?.iter().map(shown).collect();
    json(&json!({ "items": items }))
}

/// `POST /api/v1/legal-holds`.
pub(crate) async fn place(call: Call) -> Result<Response, Problem> {
    let wanted: Wanted = call.request.json()?;
    let reason = required("/reason", wanted.reason.as_deref())?;
    let tenant = call.scope.one_tenant(wanted.tenant)?;
    let application = name("/application", wanted.application, MAX_NAME_BYTES)?;
    let subject = name("/subject", wanted.subject, MAX_ID_BYTES)?;
    let index = call.app.ring.tenant_index_key(tenant);
    let lookups = match subject.as_str() {
        "" => Vec::new(),
        // Whatever the person is in a record.
        id => vec![index.lookup("subject", id), index.lookup("user", id)],
    };
    let hold = LegalHold {
        id: Uuid::now_v7(),
        tenant,
        application,
        lookups,
        reason,
        placed_us: now_us(),
        placed_by: call.scope.user.id,
        released: None,
    };
    told(&call, &hold, "place", hold.placed_us, &hold.reason).await?;
    call.app
        .control
        .place_hold(&hold)
        .await
        .map_err(control_problem)?;
    json_with(StatusCode::CREATED, &shown(&hold))
}

fn name(pointer: &str, text: Option<String>, most: usize) -> Result<String, Problem> {
    let Some(text) = text else {
        return Ok(String::new());
    };
    if (1..=most).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    let message = format!("must have 1 to {most} bytes and no control characters; leave it out for all");
    Err(Problem::validation("the hold cannot be placed").with_error(pointer, message))
}

/// `POST /api/v1/legal-holds/{id}/release`.
pub(crate) async fn release(call: Call) -> Result<Response, Problem> {
    let id = call.request.path_uuid()?;
    let wanted: Reasoned = call.request.json()?;
    let reason = required("/reason", wanted.reason.as_deref())?;
    let hold = call.app.control.hold(call.scope.tenants, id).await;
    let mut hold = hold
        .map_err(control_problem)?
        .ok_or_else(|| Problem::not_found("there is no such hold"))?;
    if hold.released.is_some() {
        return Err(Problem::conflict("the hold was released already"));
    }
    let release = Release {
        at_us: now_us(),
        by: call.scope.user.id,
        reason,
    };
    told(&call, &hold, "release", release.at_us, &release.reason).await?;
    let done = call
        .app
        .control
        .release_hold(call.scope.tenants, id, &release)
        .await;
    if !done.map_err(control_problem)? {
        return Err(Problem::conflict("somebody else released the hold just now"));
    }
    hold.released = Some(release);
    json(&shown(&hold))
}

/// Nothing is placed or released that the ledger has not heard of.
async fn told(call: &Call, hold: &LegalHold, action: &str, at_us: i64, reason: &str) -> Result<(), Problem> {
    let mut facts = Map::new();
    facts.insert("hold".to_owned(), hold.id.to_string().into());
    facts.insert("scope".to_owned(), scope_name(hold).into());
    if !hold.application.is_empty() {
        facts.insert("application".to_owned(), hold.application.clone().into());
    }
    let id = hold.id.to_string();
    let note = json!({ "reason": reason });
    tell(
        call,
        Kind::LegalHold,
        hold.tenant,
        &[&id, action],
        at_us,
        facts,
        note,
    )
    .await
}
