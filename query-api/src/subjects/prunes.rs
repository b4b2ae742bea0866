//! Prunes: records whose retention is over lose everything but their leaf, when two people agree.

use aal_prune::{ChangeError, LiveError, Prune, load, stored};
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::call::{Call, json, json_with, wrong};
use crate::subjects::notes::required;

/// Open prunes looked through for one tenant.
const MAX_OPEN: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tenant: Option<Uuid>,
    reason: Option<String>,
    /// Only say what would go.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasoned {
    reason: Option<String>,
}

/// `POST /api/v1/prunes`.
pub(crate) async fn ask_prune(call: Call) -> Result<Response, Problem> {
    let wanted: Wanted = call.request.json()?;
    let tenant = call.scope.one_tenant(wanted.tenant)?;
    let reason = match (wanted.dry_run, wanted.reason.as_deref()) {
        (true, None) => String::new(),
        (_, reason) => required("/reason", reason)?,
    };
    let mut prune = Prune::new(Uuid::now_v7(), tenant, call.scope.user.id, now_us(), reason);
    let planned = call.app.prunes.plan(tenant, prune.requested_us).await;
    (prune.plan, prune.holds) = planned.map_err(problem)?;
    if wanted.dry_run {
        return json(&shown(&prune));
    }
    if prune.plan.records == 0 {
        let detail = format!(
            "there is nothing to prune: no record is past its retention and free of legal holds ({} are held)",
            prune.plan.held
        );
        return Err(Problem::conflict(detail));
    }
    let open = call.app.control.prunes().open(None, MAX_OPEN).await;
    let open = open.map_err(control_problem)?;
    if let Some(open) = open.iter().find(|open| open.tenant == tenant) {
        let detail = format!("prune {} of the same tenant is {}", open.id, open.stage);
        return Err(Problem::conflict(detail));
    }
    note(&call, &prune, "prune.request", &prune.reason).await?;
    let created = call.app.control.prunes().create(&stored(&prune)).await;
    created.map_err(control_problem)?;
    json_with(StatusCode::CREATED, &shown(&prune))
}

/// `GET /api/v1/prunes`.
pub(crate) async fn list_prunes(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant", "before", "limit"])?;
    let scope = call.scope.narrowed(query.uuid("tenant")?)?;
    let limit = query.limit(50, 200)?;
    let prunes = call.app.control.prunes();
    let before = match query.uuid("before")? {
        None => None,
        Some(id) => {
            let row = prunes.get(scope.tenants, id).await.map_err(control_problem)?;
            let row = row.ok_or_else(|| wrong("before", "the id of a prune"))?;
            Some((row.requested_us, row.id))
        }
    };
    let rows = prunes.page(scope.tenants, before, limit).await;
    let rows = rows.map_err(control_problem)?;
    let next = rows
        .last()
        .filter(|_| rows.len() == limit as usize)
        .map(|row| row.id);
    let items: Vec<Value> = rows
        .into_iter()
        .filter_map(|row| load(row).ok())
        .map(|prune| shown(&prune))
        .collect();
    json(&json!({"items": items, "next_before": next}))
}

/// `GET /api/v1/prunes/{id}`.
pub(crate) async fn get_prune(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&[])?;
    json(&shown(&one(&call).await?))
}

/// `POST /api/v1/prunes/{id}/approve`: by another person than the one who asked.
pub(crate) async fn approve_prune(call: Call) -> Result<Response, Problem> {
    let user = call.scope.user.id;
    change(&call, "prune.approve", |prune| prune.approve(user, now_us())).await
}

/// `POST /api/v1/prunes/{id}/cancel`.
pub(crate) async fn cancel_prune(call: Call) -> Result<Response, Problem> {
    change(&call, "prune.cancel", |prune| prune.cancel(now_us())).await
}

async fn one(call: &Call) -> Result<Prune, Problem> {
    let id = call.request.path_uuid()?;
    let row = call.app.control.prunes().get(call.scope.tenants, id).await;
    let row = row
        .map_err(control_problem)?
        .ok_or_else(|| Problem::not_found("there is no such prune"))?;
    load(row).map_err(|error| {
        tracing::error!(%error, "prune not shown");
        Problem::internal("this prune was written by another version of the program")
    })
}

async fn change(
    call: &Call,
    action: &'static str,
    change: impl FnOnce(&mut Prune) -> Result<(), ChangeError>,
) -> Result<Response, Problem> {
    let wanted: Reasoned = call.request.json()?;
    let reason = required("/reason", wanted.reason.as_deref())?;
    let mut prune = one(call).await?;
    change(&mut prune).map_err(|error| Problem::conflict(error.to_string()))?;
    // Recorded before it holds: what is carried out was always agreed to on record.
    note(call, &prune, action, &reason).await?;
    let saved = call.app.control.prunes().save(&stored(&prune)).await;
    if !saved.map_err(control_problem)? {
        let detail = "the prune went on at the same moment; look at it and try again";
        return Err(Problem::conflict(detail).with_retry_after(1));
    }
    prune.version += 1;
    match call.app.prunes.go_on(&mut prune, now_us()).await {
        Ok(()) => {}
        Err(LiveError::Overtaken) => prune = one(call).await?,
        Err(error) => tracing::warn!(%error, prune = %prune.id, "prune goes on later"),
    }
    json(&shown(&prune))
}

async fn note(call: &Call, prune: &Prune, action: &'static str, reason: &str) -> Result<(), Problem> {
    let note = AccessNote {
        user: &call.scope.user,
        tenant: prune.tenant,
        action,
        target: None,
        reason: Some(reason.to_owned()),
        detail: json!({"prune": prune.id, "records": prune.plan.records}),
    };
    call.app.record_admin(note).await
}

fn problem(error: LiveError) -> Problem {
    tracing::warn!(%error, "a prune cannot be planned");
    Problem::unavailable("what may be pruned cannot be read now; try again").with_retry_after(5)
}

fn shown(prune: &Prune) -> Value {
    let plan = &prune.plan;
    let shares: Vec<Value> = plan
        .shares
        .iter()
        .map(|share| {
            json!({"application": share.application, "class": share.class, "records": share.records,
                   "before": rfc3339_us(share.before_us)})
        })
        .collect();
    let chains: Vec<Value> = plan
        .chains
        .iter()
        .map(|chain| {
            json!({"shard": chain.shard, "ranges": chain.ranges.len(),
                            "first_index": chain.ranges.first().map(|range| range.0),
                            "last_index": chain.ranges.last().map(|range| range.1)})
        })
        .collect();
    let steps: Vec<Value> = prune
        .left
        .iter()
        .map(|(stage, at_us)| json!({"stage": stage, "left_at": rfc3339_us(*at_us)}))
        .collect();
    let leaves: Vec<Uuid> = prune.leaves().into_iter().map(|(id, _)| id).collect();
    let is_any = plan.records > 0;
    json!({
        "id": prune.id, "tenant": prune.tenant, "stage": prune.stage, "open": !prune.stage.is_end(),
        "requested_at": rfc3339_us(prune.requested_us), "requested_by": prune.requested_by, "reason": prune.reason,
        "approved_at": prune.approval.as_ref().map(|approval| rfc3339_us(approval.at_us)),
        "approved_by": prune.approval.as_ref().map(|approval| approval.by),
        "records": plan.records, "held": plan.held, "more": plan.is_cut,
        "oldest": is_any.then(|| rfc3339_us(plan.oldest_us)), "youngest": is_any.then(|| rfc3339_us(plan.youngest_us)),
        "shares": shares, "chains": chains, "legal_holds": prune.holds, "steps": steps,
        "ledger_records": leaves, "trouble": (!prune.trouble.is_empty()).then_some(&prune.trouble),
    })
}
