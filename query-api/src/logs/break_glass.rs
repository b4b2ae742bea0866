//! Breaking the glass: in an emergency somebody sees a record at once, answers for it in the ledger, and somebody else
//! looks at it afterwards.

use std::collections::HashMap;

use aal_control::{BreakGlass, BreakGlassReview, Role, TenantScope};
use aal_policy::is_purpose;
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::call::{Call, json};
use crate::logs::detail::{access_detail, find_record, policy_of, show};
use crate::logs::disclosure::{Disclosure, Grant, role_of};
use crate::logs::reveal::reveal;
use crate::sql::Sql;

/// Shortest reason, in characters: "x" is none.
const SHORTEST_REASON: usize = 10;
/// Emergency reveals that are listed.
const MAX_LISTED: i64 = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Emergency {
    reason: String,
    #[serde(default = "emergency")]
    purpose: String,
}

fn emergency() -> String {
    "emergency".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Review {
    verdict: String,
    note: String,
}

/// `POST /api/v1/audit/logs/{event_id}/break-glass`.
pub(crate) async fn break_glass(call: Call) -> Result<Response, Problem> {
    let event_id = call.request.path_uuid()?;
    let asked: Emergency = call.request.json()?;
    checked_reason("/reason", &asked.reason)?;
    if !is_purpose(&asked.purpose) {
        let known = aal_policy::PURPOSES.join(", ");
        return Err(Problem::validation("the purpose is not known")
            .with_error("/purpose", format!("must be one of {known}")));
    }
    // Whom the policy lets break the glass needs it for what they ordinarily do not see.
    let scope = call.scope.without_user_limit();
    let unknown = || Problem::not_found("there is no such event among those you may see");
    let record = find_record(&call.app, &scope, event_id)
        .await?
        .ok_or_else(unknown)?;
    let policy = policy_of(&call.app, &record).await?;
    if !policy.may_break_glass(role_of(&call.scope)) {
        let is_blind = call.scope.has_role(&[Role::Viewer]);
        return Err(if is_blind {
            unknown()
        } else {
            Problem::forbidden("the application's policy does not let your role break the glass")
        });
    }
    let disclosure = Disclosure::plan(&record, Grant::of_emergency(), None)?;
    let made = BreakGlass {
        id: Uuid::now_v7(),
        tenant: record.tenant,
        event_id,
        user_id: call.scope.user.id,
        purpose: asked.purpose,
        created_us: now_us(),
        review: None,
    };
    // In the ledger and on the list first: what cannot be answered for is not shown.
    let note = AccessNote {
        user: &call.scope.user,
        tenant: record.tenant,
        action: "break_glass",
        target: Some(event_id),
        reason: Some(asked.reason),
        detail: access_detail(Some(&made.purpose), Some(&disclosure)),
    };
    call.app.record_access_as(made.id, note).await?;
    let added = call.app.control.add_break_glass(&made).await;
    added.map_err(control_problem)?;
    tracing::warn!(id = %made.id, %event_id, user = %made.user_id, "the glass was broken; it waits for review");
    let mut shown = show(&call.app, &scope, &record).await?;
    shown["revealed"] = reveal(&call.app, &record, &disclosure).await?;
    shown["not_revealed"] = disclosure.refused.clone().into();
    shown["break_glass"] = json!({"id": made.id});
    json(&shown)
}

fn checked_reason(pointer: &str, reason: &str) -> Result<(), Problem> {
    if reason.trim().chars().count() >= SHORTEST_REASON {
        return Ok(());
    }
    let message = format!("must say why, in {SHORTEST_REASON} characters or more");
    Err(Problem::validation("a reason is needed").with_error(pointer, message))
}

#[derive(Row, Deserialize)]
struct Told {
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
    attributes: String,
}

/// `GET /api/v1/break-glass`: those without a review first.
pub(crate) async fn list_break_glass(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&["tenant"])?;
    let scope = call.scope.narrowed(call.request.query.uuid("tenant")?)?;
    let control = &call.app.control;
    let made = control.break_glass(scope.tenants, MAX_LISTED).await;
    let made = made.map_err(control_problem)?;
    let users = control.users(TenantScope::All).await.map_err(control_problem)?;
    let addresses: HashMap<Uuid, String> = users.into_iter().map(|user| (user.id, user.email)).collect();
    // The reasons stand in the ledger alone, redacted.
    let mut reasons: HashMap<Uuid, Value> = HashMap::new();
    if !made.is_empty() {
        let ids: Vec<Uuid> = made.iter().map(|made| made.id).collect();
        let mut sql = Sql::new("SELECT event_id, attributes");
        sql.records(&scope)
            .push(" AND kind = 'access' AND event_id IN ? LIMIT 1000")
            .bind_uuids(&ids);
        for told in call.app.rows::<Told>(sql).await? {
            let attributes: Value = serde_json::from_str(&told.attributes).unwrap_or_default();
            reasons.insert(told.event_id, attributes["access"]["reason"].clone());
        }
    }
    let items: Vec<Value> = made
        .iter()
        .map(|made| {
            let review = made.review.as_ref().map(|review| {
                json!({"user_id": review.user_id, "user_email": addresses.get(&review.user_id),
                       "at": rfc3339_us(review.at_us), "verdict": review.verdict})
            });
            json!({"id": made.id, "tenant": made.tenant, "event_id": made.event_id, "user_id": made.user_id,
                   "user_email": addresses.get(&made.user_id), "purpose": made.purpose,
                   "at": rfc3339_us(made.created_us), "reason": reasons.get(&made.id), "review": review,
                   "may_review": made.review.is_none() && made.user_id != call.scope.user.id})
        })
        .collect();
    let open = made.iter().filter(|made| made.review.is_none()).count();
    json(&json!({"items": items, "open": open}))
}

/// `POST /api/v1/break-glass/{id}/review`: signed off by somebody else than who did it.
pub(crate) async fn review_break_glass(call: Call) -> Result<Response, Problem> {
    let id = call.request.path_uuid()?;
    let said: Review = call.request.json()?;
    if !["justified", "unjustified"].contains(&said.verdict.as_str()) {
        return Err(Problem::validation("the verdict is not known")
            .with_error("/verdict", "must be justified or unjustified"));
    }
    checked_reason("/note", &said.note)?;
    let control = &call.app.control;
    let made = control.one_break_glass(call.scope.tenants, id).await;
    let made = made
        .map_err(control_problem)?
        .ok_or_else(|| Problem::not_found("there is no such emergency reveal"))?;
    if made.user_id == call.scope.user.id {
        return Err(Problem::forbidden(
            "you broke the glass yourself; somebody else has to sign it off",
        ));
    }
    if made.review.is_some() {
        return Err(Problem::conflict("it was signed off already"));
    }
    let note = AccessNote {
        user: &call.scope.user,
        tenant: made.tenant,
        action: "break_glass.review",
        target: Some(made.event_id),
        reason: Some(said.note),
        detail: json!({"break_glass": id, "verdict": said.verdict}),
    };
    call.app.record_admin(note).await?;
    let review = BreakGlassReview {
        user_id: call.scope.user.id,
        at_us: now_us(),
        verdict: said.verdict,
    };
    let is_first = control.review_break_glass(&made, &review).await;
    if !is_first.map_err(control_problem)? {
        return Err(Problem::conflict("it was signed off already"));
    }
    json(
        &json!({"id": id, "review": {"user_id": review.user_id, "at": rfc3339_us(review.at_us),
                                      "verdict": review.verdict}}),
    )
}
