//! The verdicts over the whole ledger, made in the background: the checks of `audit verify`, with this server's own
//! trust policy. A server that checks itself proves little to others; it finds what went wrong behind its back.

mod job;
mod read;
mod run;

use aal_control::TenantScope;
use aal_ledger::TrustPolicy;
use aal_service::Problem;
use futures_util::StreamExt;
use http::StatusCode;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::App;
use crate::call::{Call, json as answer, json_with};
use crate::ledger::check::check_record;
use crate::router::OFFICER;
use crate::scope::Scope;

use job::Job;
pub(crate) use job::Verifications;

/// Folder of finished verifications in the store of reports.
const FOLDER: &str = "verifications";
/// Verifications that are opened for one answer: those of other tenants are not shown.
const MOST_LOOKED_AT: usize = 500;
/// Verifications of one answer.
const MOST_LISTED: u32 = 50;
/// Kept verifications that are searched for a head.
const EARLIER_LOOKED_AT: usize = 20;
/// A kept verification is some dozen kilobytes; what is longer is none of ours.
const LONGEST_BYTES: u64 = 4 * 1024 * 1024;

/// A head kept from an earlier verification.
struct Earlier {
    verification: Uuid,
    epoch: u64,
    checkpoint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    event_id: Option<Uuid>,
    scope: Option<WantedScope>,
    tenant: Option<Uuid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WantedScope {
    Ledger,
}

/// `POST /api/v1/verify`: `{"event_id"}` checks one record at once, `{"scope": "ledger"}` begins to verify everything.
pub(crate) async fn verify(call: Call) -> Result<Response, Problem> {
    let wanted: Wanted = call.request.json()?;
    match wanted {
        Wanted {
            event_id: Some(event_id),
            scope: None,
            tenant: None,
        } => check_record(&call, event_id).await,
        Wanted {
            event_id: None,
            scope: Some(WantedScope::Ledger),
            tenant,
        } => begin(&call, tenant).await,
        _ => Err(Problem::validation("say what to verify, one thing at a time")
            .with_error("/event_id", "an event id alone checks that record")
            .with_error(
                "/scope",
                "\"ledger\", with or without tenant, verifies everything",
            )),
    }
}

async fn begin(call: &Call, tenant: Option<Uuid>) -> Result<Response, Problem> {
    call.scope.require(OFFICER)?;
    let scope = call.scope.narrowed(tenant)?;
    let app = &call.app;
    let Some(policy) = app.trust.clone() else {
        return Err(Problem::conflict(
            "no trust policy is configured (`trust.policy`), so nobody's signature could be checked",
        ));
    };
    let tenant = match scope.tenants {
        TenantScope::All => None,
        TenantScope::One(tenant) => Some(tenant),
    };
    let job = app.verifications.begin(Job::new(
        tenant,
        scope.user.id,
        policy.origin.clone(),
        app.trust_digest.clone(),
    ))?;
    let note = AccessNote {
        user: &call.scope.user,
        tenant: tenant.unwrap_or_default(),
        action: "verify",
        target: None,
        reason: None,
        detail: json!({"verification": job.id, "policy": app.trust_digest}),
    };
    if let Err(problem) = app.record_access(note).await {
        app.verifications.forget(job.id);
        return Err(problem);
    }
    tokio::spawn(run::run(
        std::sync::Arc::clone(app),
        scope,
        policy,
        std::sync::Arc::clone(&job),
    ));
    json_with(StatusCode::ACCEPTED, &job.to_json())
}

/// `GET /api/v1/verify/{id}`: how far it is, or what it found.
pub(crate) async fn get_verification(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&[])?;
    answer(&find(&call.app, &call.scope, call.request.path_uuid()?).await?)
}

/// `GET /api/v1/verify`: the newest verifications, newest first.
pub(crate) async fn list_verifications(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["limit"])?;
    let limit = query.limit(10, MOST_LISTED)? as usize;
    let mut ids = call.app.verifications.ids();
    ids.extend(kept_ids(&call.app).await?);
    // Ids are in order of time.
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.dedup();
    let mut items = Vec::new();
    for id in ids.into_iter().take(MOST_LOOKED_AT) {
        if items.len() >= limit {
            break;
        }
        if let Some(item) = lookup(&call.app, &call.scope, id).await? {
            items.push(item);
        }
    }
    answer(&json!({"items": items}))
}

/// `DELETE /api/v1/verify/{id}`: ends it without a verdict.
pub(crate) async fn cancel_verification(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&[])?;
    let id = call.request.path_uuid()?;
    let found = find(&call.app, &call.scope, id).await?;
    if !call.app.verifications.cancel(id) {
        let state = found["state"].as_str().unwrap_or_default();
        return Err(Problem::conflict(format!(
            "this verification does not run any more; it is {state}"
        )));
    }
    let note = AccessNote {
        user: &call.scope.user,
        tenant: Uuid::nil(),
        action: "verify.cancel",
        target: None,
        reason: None,
        detail: json!({"verification": id}),
    };
    call.app.record_access(note).await?;
    json_with(StatusCode::ACCEPTED, &find(&call.app, &call.scope, id).await?)
}

async fn find(app: &App, scope: &Scope, id: Uuid) -> Result<Value, Problem> {
    let unknown = "there is no such verification; one that ran when the service stopped is gone";
    lookup(app, scope, id)
        .await?
        .ok_or_else(|| Problem::not_found(unknown))
}

/// One that the caller may see, running or kept.
async fn lookup(app: &App, scope: &Scope, id: Uuid) -> Result<Option<Value>, Problem> {
    let found = match app.verifications.get(id) {
        Some(job) => Some(job.to_json()),
        None => kept(app, id).await?,
    };
    Ok(found.filter(|found| may_see(scope, found)))
}

/// Verifications of everything tell of every tenant's chains.
fn may_see(scope: &Scope, found: &Value) -> bool {
    match found["tenant"].as_str() {
        None => scope.tenants == TenantScope::All,
        Some(tenant) => tenant.parse().is_ok_and(|tenant| scope.tenants.contains(tenant)),
    }
}

fn object(id: Uuid) -> Path {
    Path::from(format!("{FOLDER}/{id}.json"))
}

fn store_down(error: &object_store::Error) -> Problem {
    tracing::warn!(%error, "store of reports failed");
    Problem::unavailable("the store of kept verifications does not answer; try again").with_retry_after(5)
}

async fn kept(app: &App, id: Uuid) -> Result<Option<Value>, Problem> {
    let found = match app.reports.get(&object(id)).await {
        Ok(found) if found.meta.size <= LONGEST_BYTES => found,
        Ok(_) | Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(store_down(&error)),
    };
    let bytes = found.bytes().await.map_err(|error| store_down(&error))?;
    Ok(serde_json::from_slice(&bytes).ok())
}

async fn keep(app: &App, job: &Job) -> Result<(), object_store::Error> {
    let bytes = job.to_json().to_string().into_bytes();
    app.reports.put(&object(job.id), bytes.into()).await.map(|_| ())
}

/// The newest head that an earlier verification of every tenant or of this one was made against, if the pinned keys
/// signed it: a log that was put back to an older state since does not lead to it.
async fn earlier_head(app: &App, scope: &Scope, policy: &TrustPolicy) -> Result<Option<Earlier>, Problem> {
    let mut ids = kept_ids(app).await?;
    ids.sort_unstable_by(|a, b| b.cmp(a));
    for id in ids.into_iter().take(EARLIER_LOOKED_AT) {
        let found = kept(app, id).await?.filter(|found| may_see(scope, found));
        let Some(head) = found.map(|mut found| found["known_head"].take()) else {
            continue;
        };
        if let (Some(epoch), Some(note)) = (head["epoch"].as_u64(), head["checkpoint"].as_str())
            && aal_ledger::proof::open_checkpoint(note.as_bytes(), policy).is_ok()
        {
            return Ok(Some(Earlier {
                verification: id,
                epoch,
                checkpoint: note.to_owned(),
            }));
        }
    }
    Ok(None)
}

/// Ids of all that are kept.
async fn kept_ids(app: &App) -> Result<Vec<Uuid>, Problem> {
    let folder = Path::from(FOLDER);
    let mut listed = app.reports.list(Some(&folder));
    let mut ids = Vec::new();
    while let Some(found) = listed.next().await {
        let found = found.map_err(|error| store_down(&error))?;
        let name = found.location.filename().unwrap_or_default();
        ids.extend(name.strip_suffix(".json").and_then(|id| id.parse::<Uuid>().ok()));
    }
    Ok(ids)
}
