//! What became of decisions: appended as records of their own.

use std::collections::HashMap;

use aal_event::{Event, Kind, Outcome};
use aal_service::Problem;
use aal_service::times::now_us;
use clickhouse::Row;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;
use warp::reply::Response;

use crate::app::App;
use crate::call::{Call, json_with};
use crate::logs::detail::find_record;
use crate::logs::filters::tenant_wide;
use crate::logs::summary::Verdict;
use crate::scope::Scope;
use crate::sql::Sql;

#[derive(Deserialize)]
struct NewOutcome {
    outcome: String,
    reviewer: Option<String>,
    #[serde(default)]
    r#override: bool,
    #[serde(default)]
    flag: bool,
    note: Option<String>,
}

#[derive(Row, Deserialize)]
struct VerdictRow {
    #[serde(with = "clickhouse::serde::uuid")]
    target: Uuid,
    flagged: bool,
    overridden: bool,
}

/// What outcomes say of each of these events; events without outcomes are left out.
pub(crate) async fn verdicts_of(
    app: &App,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Verdict>, Problem> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = Sql::new(
        "SELECT target_event_id AS target, max(outcome_flag) AS flagged, max(outcome_override) AS overridden",
    );
    sql.records(&tenant_wide(scope))
        .push(" AND kind = 'outcome' AND target_event_id IN ? GROUP BY target_event_id LIMIT 100000")
        .bind_uuids(ids);
    let rows: Vec<VerdictRow> = app.rows(sql).await?;
    let verdict = |row: &VerdictRow| Verdict {
        flagged: row.flagged,
        overridden: row.overridden,
    };
    Ok(rows.iter().map(|row| (row.target, verdict(row))).collect())
}

/// `POST /api/v1/audit/logs/{event_id}/outcomes`.
pub(crate) async fn post_outcome(call: Call) -> Result<Response, Problem> {
    let target = call.request.path_uuid()?;
    let wanted: NewOutcome = call.request.json()?;
    let record = find_record(&call.app, &call.scope, target)
        .await?
        .ok_or_else(|| Problem::not_found("there is no such event among those you may see"))?;
    let at_us = now_us();
    let event = Event {
        kind: Kind::Outcome,
        event_id: Uuid::now_v7(),
        tenant: record.tenant,
        application: record.application.clone(),
        environment: Some(record.environment.clone()).filter(|environment| !environment.is_empty()),
        occurred_at_us: Some(at_us),
        edge_at_us: Some(at_us),
        session_id: Some(record.session_id.clone()).filter(|session| !session.is_empty()),
        outcome: Some(Outcome {
            target_event_id: target,
            outcome: wanted.outcome,
            reviewer: Some(wanted.reviewer.unwrap_or_else(|| call.scope.user.id.to_string())),
            r#override: wanted.r#override,
            flag: wanted.flag,
            note: wanted.note,
        }),
        ..Event::default()
    };
    call.app.send_event(&event).await?;
    json_with(StatusCode::CREATED, &json!({"event_id": event.event_id}))
}
