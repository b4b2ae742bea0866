//! Report jobs: asked for here, made by the reporter, fetched here.

use aal_control::{Job, JobStatus, NewJob, TenantScope};
use aal_kafka::REPORT_REQUESTS;
use aal_service::Problem;
use aal_service::times::{now_us, parse_rfc3339_us, rfc3339_us};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt;
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::auth_routes::tenant_or_nil;
use crate::call::{Call, json, json_with, wrong};
use crate::logs::find_record;

/// What reports can be made as, with the media type of each.
const FORMATS: &[(&str, &str)] = &[
    ("pdf", "application/pdf"),
    ("csv", "text/csv; charset=utf-8"),
    ("json", "application/json"),
    (BUNDLE, "application/x-tar"),
];
/// The format of evidence bundles; made only when it is asked for.
const BUNDLE: &str = "bundle";
/// Filters a range report takes; their values are strings, as in the query of a list.
const FILTERS: &[&str] = &[
    "application",
    "environment",
    "decision_type",
    "provider",
    "model",
    "operation",
    "user_id",
    "session_id",
    "status",
    "flagged",
    "overridden",
    "has_pii",
    "min_cost",
    "subject_key",
];
/// Longest title, in bytes.
const MAX_TITLE_BYTES: usize = 200;
/// Longest period of one report: a leap year.
const MAX_RANGE_US: i64 = 366 * 24 * 3_600 * 1_000_000;

#[derive(Deserialize)]
struct Wanted {
    r#type: String,
    format: Option<Vec<String>>,
    event_id: Option<Uuid>,
    from: Option<String>,
    to: Option<String>,
    filters: Option<Map<String, Value>>,
    tenant: Option<Uuid>,
    title: Option<String>,
    /// Bundles: whether texts and ciphertexts of matching records are handed over; yes, when absent.
    content: Option<bool>,
}

pub(crate) async fn generate(call: Call) -> Result<Response, Problem> {
    let wanted: Wanted = call.request.json()?;
    let formats = match wanted.r#type.as_str() {
        BUNDLE => vec![BUNDLE.to_owned()],
        _ => formats_of(wanted.format.as_deref())?,
    };
    let has_bundle = formats.iter().any(|format| format == BUNDLE);
    if has_bundle {
        check_bundle_filters(&wanted)?;
    }
    let (tenant, mut request, title) = match wanted.r#type.as_str() {
        "decision" => decision(&call, &wanted).await?,
        "range" | BUNDLE => range(&call, &wanted)?,
        _ => {
            let message = "is not a report type; use decision, range or bundle";
            return Err(Problem::validation("the report cannot be made").with_error("/type", message));
        }
    };
    request["type"] = wanted.r#type.clone().into();
    request["format"] = json!(formats);
    if let Some(content) = wanted.content {
        request["content"] = content.into();
    }
    let title = wanted.title.unwrap_or(title);
    if title.is_empty() || title.len() > MAX_TITLE_BYTES || title.chars().any(char::is_control) {
        let message = format!("must have 1 to {MAX_TITLE_BYTES} bytes and no control characters");
        return Err(Problem::validation("the title cannot be used").with_error("/title", message));
    }
    let job = NewJob {
        id: Uuid::now_v7(),
        tenant,
        kind: wanted.r#type,
        title,
        request,
        created_by: call.scope.user.email.clone(),
    };
    let note = AccessNote {
        user: &call.scope.user,
        tenant: tenant_or_nil(tenant),
        // What is asked for is recorded before anything is read.
        action: if has_bundle { "export" } else { "report.generate" },
        target: wanted.event_id,
        reason: None,
        detail: json!({"report": job.id, "type": job.kind}),
    };
    call.app.record_access(note).await?;
    call.app
        .control
        .create_job(&job, now_us())
        .await
        .map_err(control_problem)?;
    let message = json!({"job_id": job.id}).to_string();
    let sent = call
        .app
        .producer
        .send(REPORT_REQUESTS, job.id.to_string().as_bytes(), message.as_bytes())
        .await;
    if let Err(error) = sent {
        // The job stands in the control store, where workers look for waiting ones too.
        tracing::warn!(%error, job = %job.id, "report request not announced");
    }
    let mut response = json_with(StatusCode::ACCEPTED, &json!({"id": job.id, "status": "queued"}))?;
    let location = HeaderValue::from_str(&format!("/api/v1/reports/{}", job.id));
    if let Ok(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

fn formats_of(wanted: Option<&[String]>) -> Result<Vec<String>, Problem> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
        let names = FORMATS.iter().map(|(name, _)| *name);
        return Ok(names.filter(|name| *name != BUNDLE).map(str::to_owned).collect());
    };
    let mut formats: Vec<String> = Vec::new();
    for (position, name) in wanted.iter().enumerate() {
        if !FORMATS.iter().any(|(known, _)| known == name) {
            return Err(Problem::validation("the report cannot be made")
                .with_error(format!("/format/{position}"), "must be pdf, csv, json or bundle"));
        }
        if !formats.contains(name) {
            formats.push(name.clone());
        }
    }
    Ok(formats)
}

/// Filters that a verifier of bundles can follow, and no others.
fn check_bundle_filters(wanted: &Wanted) -> Result<(), Problem> {
    for (name, value) in wanted.filters.iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if let Err(error) = aal_bundle::Filter::new([(name.as_str(), text)]) {
            return Err(Problem::validation("the evidence bundle cannot be made")
                .with_error(format!("/filters/{name}"), error.to_string()));
        }
    }
    Ok(())
}

async fn decision(call: &Call, wanted: &Wanted) -> Result<(TenantScope, Value, String), Problem> {
    let missing = || {
        Problem::validation("the report cannot be made").with_error("/event_id", "is required for a decision")
    };
    let event_id = wanted.event_id.ok_or_else(missing)?;
    let scope = call.scope.narrowed(wanted.tenant)?;
    let record = find_record(&call.app, &scope, event_id).await?;
    let record =
        record.ok_or_else(|| Problem::not_found("there is no such event among those you may see"))?;
    let request = json!({"event_id": event_id});
    Ok((
        TenantScope::One(record.tenant),
        request,
        format!("Decision {event_id}"),
    ))
}

fn range(call: &Call, wanted: &Wanted) -> Result<(TenantScope, Value, String), Problem> {
    let mut problem = Problem::validation("the report cannot be made");
    let mut time = |pointer: &str, text: &Option<String>| {
        let at_us = text.as_deref().and_then(parse_rfc3339_us);
        if at_us.is_none() {
            problem = problem.clone().with_error(
                pointer,
                "is required: an RFC 3339 time such as 2026-01-01T00:00:00Z",
            );
        }
        at_us.unwrap_or(0)
    };
    let (from_us, to_us) = (time("/from", &wanted.from), time("/to", &wanted.to));
    if problem.errors.is_empty() && from_us >= to_us {
        problem = problem.with_error("/to", "must be later than /from");
    }
    if problem.errors.is_empty() && to_us - from_us > MAX_RANGE_US {
        problem = problem.with_error("/to", "must be at most 366 days after /from");
    }
    let mut filters = Map::new();
    for (name, value) in wanted.filters.iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        if !FILTERS.contains(&name.as_str()) {
            let message = format!("is not a filter of reports; known are {}", FILTERS.join(", "));
            problem = problem.with_error(format!("/filters/{name}"), message);
        } else if text.is_empty() {
            problem = problem.with_error(
                format!("/filters/{name}"),
                "must be a text, a number or a boolean",
            );
        }
        filters.insert(name.clone(), text.into());
    }
    if !problem.errors.is_empty() {
        return Err(problem);
    }
    let tenant = call.scope.narrowed(wanted.tenant)?.tenants;
    let (from, to) = (rfc3339_us(from_us), rfc3339_us(to_us));
    let what = if wanted.r#type == BUNDLE {
        "Evidence bundle"
    } else {
        "Decisions"
    };
    let title = format!("{what} from {} to {}", &from[..10], &to[..10]);
    Ok((tenant, json!({"from": from, "to": to, "filters": filters}), title))
}

fn job_json(job: &Job) -> Value {
    let files: Vec<Value> = job
        .files
        .iter()
        .map(|file| json!({"format": file.format, "bytes": file.bytes, "sha256": file.sha256}))
        .collect();
    json!({
        "id": job.id, "type": job.kind, "title": job.title, "status": job.status, "tenant": job.tenant,
        "created_at": rfc3339_us(job.created_us), "created_by": job.created_by,
        "started_at": job.started_us.map(rfc3339_us), "finished_at": job.finished_us.map(rfc3339_us),
        "error": if job.error.is_empty() { Value::Null } else { job.error.clone().into() },
        "files": files, "request": job.request,
    })
}

pub(crate) async fn list(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant", "cursor", "limit"])?;
    let scope = call.scope.narrowed(query.uuid("tenant")?)?;
    let limit = query.limit(50, 200)?;
    let before = query.text("cursor").map(cursor_of).transpose()?;
    let mut jobs = call
        .app
        .control
        .jobs(scope.tenants, before, limit + 1)
        .await
        .map_err(control_problem)?;
    let has_more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let next_cursor = jobs
        .last()
        .filter(|_| has_more)
        .map(|job| URL_SAFE_NO_PAD.encode(json!([job.created_us, job.id]).to_string()));
    json(&json!({"items": jobs.iter().map(job_json).collect::<Vec<_>>(), "next_cursor": next_cursor}))
}

fn cursor_of(text: &str) -> Result<(i64, Uuid), Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let key = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    key.ok_or_else(|| wrong("cursor", "a next_cursor of this call, unchanged"))
}

/// The job, or with `?format=` or a matching `Accept` its file.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["format"])?;
    let id = call.request.path_uuid()?;
    let job = call
        .app
        .control
        .job(call.scope.tenants, id)
        .await
        .map_err(control_problem)?;
    let job = job.ok_or_else(|| Problem::not_found("there is no such report"))?;
    let format = match query.text("format") {
        Some(format) => Some(format.to_owned()),
        None => accepted(&call),
    };
    match format {
        None => json(&job_json(&job)),
        Some(format) => download(&call, &job, &format).await,
    }
}

/// The format that `Accept` asks for; JSON and anything mean the job itself.
fn accepted(call: &Call) -> Option<String> {
    let accept = call.request.headers.get(ACCEPT)?.to_str().ok()?;
    [
        ("application/pdf", "pdf"),
        ("text/csv", "csv"),
        ("application/x-tar", BUNDLE),
    ]
    .into_iter()
    .find(|(media_type, _)| accept.contains(media_type))
    .map(|(_, format)| format.to_owned())
}

async fn download(call: &Call, job: &Job, format: &str) -> Result<Response, Problem> {
    let known = FORMATS.iter().find(|(name, _)| *name == format);
    let (_, media_type) = known.ok_or_else(|| wrong("format", "pdf, csv, json or bundle"))?;
    match job.status {
        JobStatus::Done => {}
        JobStatus::Failed => {
            return Err(Problem::conflict(format!(
                "the report failed: {}; ask for it again",
                job.error
            )));
        }
        JobStatus::Queued | JobStatus::Running => {
            let detail = format!("the report is {}; try again", job.status.as_str());
            return Err(Problem::conflict(detail).with_retry_after(2));
        }
    }
    let file = job.files.iter().find(|file| file.format == format);
    let file = file.ok_or_else(|| Problem::not_found(format!("the report was not made as {format}")))?;
    let note = AccessNote {
        user: &call.scope.user,
        tenant: tenant_or_nil(job.tenant),
        action: "report.download",
        target: None,
        reason: None,
        detail: json!({"report": job.id, "format": format, "sha256": file.sha256}),
    };
    call.app.record_access(note).await?;
    let found = call
        .app
        .reports
        .get(&Path::from(file.key.as_str()))
        .await
        .map_err(|error| {
            tracing::error!(%error, key = file.key, "report file cannot be read");
            Problem::unavailable("the report's file cannot be read; try again")
        })?;
    let (sender, mut chunks) = mpsc::channel(8);
    let mut stream = found.into_stream();
    tokio::spawn(async move {
        while let Some(chunk) = stream.next().await {
            if sender.send(chunk).await.is_err() {
                return;
            }
        }
    });
    let body = futures_util::stream::poll_fn(move |context| chunks.poll_recv(context));
    let mut response = warp::reply::stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    let name = match format {
        BUNDLE => format!("attachment; filename=\"evidence-{}.audit.tar\"", job.id),
        _ => format!("attachment; filename=\"report-{}.{format}\"", job.id),
    };
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    if let Ok(digest) = HeaderValue::from_str(&file.sha256) {
        headers.insert("x-content-sha256", digest);
    }
    Ok(response)
}
