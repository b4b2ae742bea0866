//! Requests for erasure: made, looked at, cut short by two people, refused; and their certificates.

use aal_control::TenantScope;
use aal_erasure::{Ask, ChangeError, Erasure, LiveError, Notes, Stage, load, stored};
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::call::{Call, json, json_with, wrong};
use crate::subjects::notes::required;
use crate::subjects::person::resolve;

/// Open requests looked through for one person.
const MAX_OPEN: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `person` (default: as subject and as user), `subject`, `user` or `event`.
    kind: Option<String>,
    tenant: Option<Uuid>,
    identity_check: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasoned {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    outcome: String,
    reason: Option<String>,
}

/// `POST /api/v1/subjects/{id}/erasure`.
pub(crate) async fn ask(call: Call) -> Result<Response, Problem> {
    let wanted: Wanted = call.request.json()?;
    let notes = Notes {
        identity_check: required("/identity_check", wanted.identity_check.as_deref())?,
        reason: required("/reason", wanted.reason.as_deref())?,
    };
    let person = resolve(&call, wanted.kind.as_deref(), wanted.tenant).await?;
    let open = open_of(&call, person.tenant, &person.lookups).await?;
    if let Some(open) = open.first() {
        let detail = format!(
            "erasure {} of the same person is {}",
            open.id,
            open.stage.as_str()
        );
        return Err(Problem::conflict(detail));
    }
    let mut erasure = Erasure::new(Ask {
        id: Uuid::now_v7(),
        tenant: person.tenant,
        target: person.target,
        by: call.scope.user.id,
        at_us: now_us(),
        waiting_us: call.app.erasure_waiting_us,
        notes,
        lookups: person.lookups,
        keys: person.keys,
    });
    call.app
        .control
        .erasures()
        .create(&stored(&erasure))
        .await
        .map_err(control_problem)?;
    go_on(&call, &mut erasure).await?;
    let mut response = json_with(StatusCode::CREATED, &shown(&erasure))?;
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/erasures/{}", erasure.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `GET /api/v1/subjects/{id}/erasure`: the requests about this person that are not finished. Finished ones no longer
/// say whom they were about.
pub(crate) async fn of_person(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["kind", "tenant"])?;
    let person = resolve(&call, query.text("kind"), query.uuid("tenant")?).await?;
    let open = open_of(&call, person.tenant, &person.lookups).await?;
    json(&json!({"items": open.iter().map(shown).collect::<Vec<_>>()}))
}

async fn open_of(call: &Call, tenant: Uuid, lookups: &[[u8; 32]]) -> Result<Vec<Erasure>, Problem> {
    let rows = call
        .app
        .control
        .erasures()
        .open(None, MAX_OPEN)
        .await
        .map_err(control_problem)?;
    let rows = rows.into_iter().filter(|row| row.tenant == tenant);
    let erasures = rows.filter_map(|row| load(row).ok());
    Ok(erasures
        .filter(|erasure| {
            erasure
                .lookup_bytes()
                .iter()
                .any(|lookup| lookups.contains(lookup))
        })
        .collect())
}

/// `GET /api/v1/erasures`.
pub(crate) async fn list(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant", "before", "limit"])?;
    let scope = call.scope.narrowed(query.uuid("tenant")?)?;
    let limit = query.limit(50, 200)?;
    let before = match query.uuid("before")? {
        None => None,
        Some(id) => {
            let row = call.app.control.erasures().get(scope.tenants, id).await;
            let row = row
                .map_err(control_problem)?
                .ok_or_else(|| wrong("before", "the id of an erasure"))?;
            Some((row.requested_us, row.id))
        }
    };
    let rows = call
        .app
        .control
        .erasures()
        .page(scope.tenants, before, limit)
        .await;
    let rows = rows.map_err(control_problem)?;
    let next = rows
        .last()
        .filter(|_| rows.len() == limit as usize)
        .map(|row| row.id);
    let items: Vec<Value> = rows
        .into_iter()
        .filter_map(|row| load(row).ok())
        .map(|erasure| shown(&erasure))
        .collect();
    json(&json!({"items": items, "next_before": next}))
}

/// `GET /api/v1/erasures/{id}`.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&[])?;
    json(&shown(&one(&call).await?))
}

async fn one(call: &Call) -> Result<Erasure, Problem> {
    let id = call.request.path_uuid()?;
    let row = call.app.control.erasures().get(call.scope.tenants, id).await;
    let row = row
        .map_err(control_problem)?
        .ok_or_else(|| Problem::not_found("there is no such erasure"))?;
    load(row).map_err(|error| {
        tracing::error!(%error, "erasure not shown");
        Problem::internal("this erasure was written by another version of the program")
    })
}

/// `POST /api/v1/erasures/{id}/override`: consent to skip the waiting time; two different people are needed.
pub(crate) async fn override_waiting(call: Call) -> Result<Response, Problem> {
    let wanted: Reasoned = call.request.json()?;
    let reason = required("/reason", wanted.reason.as_deref())?;
    let user = call.scope.user.id;
    change(&call, |erasure| erasure.consent(user, now_us(), &reason)).await
}

/// `POST /api/v1/erasures/{id}/decision`: an officer refuses the request or takes it back.
pub(crate) async fn decide(call: Call) -> Result<Response, Problem> {
    let wanted: Decided = call.request.json()?;
    let stage = match wanted.outcome.as_str() {
        "refused" => Stage::Refused,
        "cancelled" => Stage::Cancelled,
        other => {
            let message = format!("{other:?} is not a decision; use refused or cancelled");
            return Err(Problem::validation("the decision cannot be taken").with_error("/outcome", message));
        }
    };
    let reason = required("/reason", wanted.reason.as_deref())?;
    let user = call.scope.user.id;
    change(&call, |erasure| erasure.end(stage, user, now_us(), &reason)).await
}

async fn change(
    call: &Call,
    change: impl FnOnce(&mut Erasure) -> Result<(), ChangeError>,
) -> Result<Response, Problem> {
    let mut erasure = one(call).await?;
    change(&mut erasure).map_err(|error| Problem::conflict(error.to_string()))?;
    let saved = call.app.control.erasures().save(&stored(&erasure)).await;
    if !saved.map_err(control_problem)? {
        return Err(overtaken());
    }
    erasure.version += 1;
    go_on(call, &mut erasure).await?;
    json(&shown(&erasure))
}

fn overtaken() -> Problem {
    Problem::conflict("the erasure went on at the same moment; look at it and try again").with_retry_after(1)
}

/// Tells the ledger and goes on at once. The request stands whatever happens here: the eraser goes on with it.
async fn go_on(call: &Call, erasure: &mut Erasure) -> Result<(), Problem> {
    match call.app.erasure.go_on(erasure).await {
        Ok(_) => {}
        Err(LiveError::Overtaken) => {
            let row = call
                .app
                .control
                .erasures()
                .get(TenantScope::All, erasure.id)
                .await;
            if let Some(fresh) = row.map_err(control_problem)?.and_then(|row| load(row).ok()) {
                *erasure = fresh;
            }
        }
        Err(error) => tracing::warn!(%error, erasure = %erasure.id, "erasure goes on later"),
    }
    Ok(())
}

/// A request as officers see it. Whom it is about is not in it.
fn shown(erasure: &Erasure) -> Value {
    let decisions: Vec<Value> = erasure
        .decisions
        .iter()
        .map(|decision| {
            json!({"at": rfc3339_us(decision.at_us), "outcome": decision.outcome,
                   "legal_holds": decision.holds, "by": decision.by})
        })
        .collect();
    let consents: Vec<Value> = erasure
        .consents
        .iter()
        .map(|consent| json!({"at": rfc3339_us(consent.at_us), "by": consent.by}))
        .collect();
    let steps: Vec<Value> = erasure
        .left
        .iter()
        .map(|(stage, at_us)| json!({"stage": stage, "left_at": rfc3339_us(*at_us)}))
        .collect();
    let certificate = erasure.certified.as_ref().map(|certified| {
        json!({"issued_at": rfc3339_us(certified.at_us), "sha256": certified.sha256, "report": certified.job})
    });
    json!({
        "id": erasure.id, "tenant": erasure.tenant, "target": erasure.target, "stage": erasure.stage,
        "open": !erasure.stage.is_end(), "requested_at": rfc3339_us(erasure.requested_us),
        "requested_by": erasure.requested_by, "not_before": rfc3339_us(erasure.not_before_us),
        "identity_check": erasure.notes.identity_check, "reason": erasure.notes.reason,
        "overridden": erasure.is_overridden(), "consents": consents, "decisions": decisions,
        "subject_key_ids": erasure.keys, "records": erasure.found.rows,
        "keys_destroyed_at": (erasure.destroyed_us != 0).then(|| rfc3339_us(erasure.destroyed_us)),
        "reports_withdrawn": erasure.withdrawn, "steps": steps,
        "trouble": (!erasure.trouble.is_empty()).then_some(&erasure.trouble),
        "ledger_records": erasure.leaves, "certificate": certificate,
    })
}

/// `GET /api/v1/erasures/{id}/certificate?format=json|note`.
pub(crate) async fn certificate(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["format"])?;
    let (suffix, media_type) = match query.text("format").unwrap_or("json") {
        "json" => ("json", "application/json"),
        "note" => ("note", "text/plain; charset=utf-8"),
        _ => {
            return Err(wrong(
                "format",
                "json or note; the PDF is the report named in the erasure",
            ));
        }
    };
    let erasure = one(&call).await?;
    let certified = erasure
        .certified
        .as_ref()
        .ok_or_else(|| Problem::conflict("the erasure is not finished, so there is no certificate"))?;
    let note = AccessNote {
        user: &call.scope.user,
        tenant: erasure.tenant,
        action: "certificate.download",
        target: None,
        reason: None,
        detail: json!({"erasure": erasure.id, "sha256": certified.sha256}),
    };
    call.app.record_access(note).await?;
    let key = certified
        .key
        .replace("certificate.json", &format!("certificate.{suffix}"));
    let found = call.app.reports.get(&Path::from(key.as_str())).await;
    let bytes = match found {
        Ok(found) => found.bytes().await,
        Err(error) => Err(error),
    };
    let bytes = bytes.map_err(|error| {
        tracing::error!(%error, key, "certificate cannot be read");
        Problem::unavailable("the certificate cannot be read; try again")
    })?;
    let mut response = bytes.to_vec().into_response();
    let name = format!("attachment; filename=\"erasure-{}.{suffix}\"", erasure.id);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
