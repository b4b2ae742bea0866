//! `/api/v1/subjects/{id}/export`: everything about one person, for that person (GDPR articles 15 and 20).
//!
//! GET answers the machine-readable document. POST keeps it and has the reporter render it; its files are withdrawn
//! when the person is erased.

use aal_control::{NewJob, TenantScope};
use aal_kafka::REPORT_REQUESTS;
use aal_service::Problem;
use aal_service::times::{now_us, parse_rfc3339_us};
use http::StatusCode;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::call::{Call, json, json_with};
use crate::subjects::dossier::{Asked, dossier};
use crate::subjects::masking::{MAX_IDENTIFIER_BYTES, MAX_IDENTIFIERS};
use crate::subjects::notes::required;
use crate::subjects::person::resolve;

const KIND: &str = "subject_export";
/// Longest document, in bytes.
const MAX_DOCUMENT_BYTES: usize = 64 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: Option<String>,
    tenant: Option<Uuid>,
    /// How it was made sure that the person is who they say.
    identity_check: Option<String>,
    reason: Option<String>,
    /// The person's own e-mail addresses, account numbers, names: removed values equal to one are shown.
    #[serde(default)]
    identifiers: Vec<String>,
    from: Option<String>,
    to: Option<String>,
}

fn moment(pointer: &str, text: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let at_us = parse_rfc3339_us(text).ok_or_else(|| {
        Problem::validation("the export cannot be made")
            .with_error(pointer, "must be an RFC 3339 time such as 2026-01-31T00:00:00Z")
    })?;
    Ok(Some(at_us))
}

fn check_identifiers(identifiers: &[String]) -> Result<(), Problem> {
    let is_long = |text: &&String| text.len() > MAX_IDENTIFIER_BYTES;
    if identifiers.len() <= MAX_IDENTIFIERS && !identifiers.iter().any(|text| is_long(&text)) {
        return Ok(());
    }
    let message = format!("at most {MAX_IDENTIFIERS} texts of at most {MAX_IDENTIFIER_BYTES} bytes");
    Err(Problem::validation("the export cannot be made").with_error("/identifiers", message))
}

/// `GET /api/v1/subjects/{id}/export?reason=…`
pub(crate) async fn show(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["kind", "tenant", "reason", "from", "to"])?;
    let reason = required("?reason", query.text("reason"))?;
    let (from_us, to_us) = (query.time_us("from")?, query.time_us("to")?);
    let person = resolve(&call, query.text("kind"), query.uuid("tenant")?).await?;
    recorded(&call, person.tenant, &person.keys, reason).await?;
    let asked = Asked {
        person: &person,
        identifiers: &[],
        from_us,
        to_us,
    };
    json(&dossier(&call, &asked).await?)
}

/// `POST /api/v1/subjects/{id}/export`.
pub(crate) async fn make(call: Call) -> Result<Response, Problem> {
    let wanted: Wanted = call.request.json()?;
    let identity_check = required("/identity_check", wanted.identity_check.as_deref())?;
    let reason = required("/reason", wanted.reason.as_deref())?;
    check_identifiers(&wanted.identifiers)?;
    let asked_from = moment("/from", wanted.from.as_deref())?;
    let asked_to = moment("/to", wanted.to.as_deref())?;
    let person = resolve(&call, wanted.kind.as_deref(), wanted.tenant).await?;
    let stated = format!("{reason}; identity: {identity_check}");
    recorded(&call, person.tenant, &person.keys, stated).await?;
    let asked = Asked {
        person: &person,
        identifiers: &wanted.identifiers,
        from_us: asked_from,
        to_us: asked_to,
    };
    let document = dossier(&call, &asked).await?.to_string().into_bytes();
    if document.len() > MAX_DOCUMENT_BYTES {
        let problem = Problem::validation("the export would be longer than 64 MiB");
        return Err(problem.with_error("/from", "choose a shorter period and make several exports"));
    }
    let id = Uuid::now_v7();
    let key = Path::from_iter([
        "exports",
        &person.tenant.to_string(),
        &id.to_string(),
        "export.json",
    ]);
    call.app
        .reports
        .put(&key, document.into())
        .await
        .map_err(|error| {
            tracing::error!(%error, "export not stored");
            Problem::unavailable("the export cannot be stored; try again")
        })?;
    let job = NewJob {
        id,
        tenant: TenantScope::One(person.tenant),
        kind: KIND.to_owned(),
        // Nothing of the person stands in lists of reports.
        title: "Data-subject export".to_owned(),
        request: json!({"type": KIND, "format": ["pdf", "csv", "json"], "document": key.to_string(),
                        "subject_key_ids": person.keys}),
        created_by: call.scope.user.email.clone(),
    };
    call.app
        .control
        .create_job(&job, now_us())
        .await
        .map_err(control_problem)?;
    let message = json!({"job_id": id}).to_string();
    let sent = call
        .app
        .producer
        .send(REPORT_REQUESTS, id.to_string().as_bytes(), message.as_bytes())
        .await;
    if let Err(error) = sent {
        // Workers look for waiting jobs in the control store, too.
        tracing::warn!(%error, job = %id, "export not announced");
    }
    json_with(StatusCode::ACCEPTED, &json!({"id": id, "status": "queued"}))
}

/// Recorded before anything is read. The record names keys, not the person.
async fn recorded(call: &Call, tenant: Uuid, keys: &[Uuid], reason: String) -> Result<(), Problem> {
    let note = AccessNote {
        user: &call.scope.user,
        tenant,
        action: "subject.export",
        target: None,
        reason: Some(reason),
        detail: json!({ "subject_key_ids": keys }),
    };
    call.app.record_access(note).await
}
