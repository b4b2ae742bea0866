//! How long records are kept at least, by application and class of records.

use aal_control::{RetentionClass, RetentionRule};
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::call::{Call, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tenant: Option<Uuid>,
    /// Absent: all applications without a rule of their own.
    application: Option<String>,
    class: String,
    days: u32,
}

fn shown(rule: &RetentionRule) -> Value {
    json!({
        "tenant": rule.tenant, "class": rule.class, "days": rule.days,
        "application": (!rule.application.is_empty()).then_some(&rule.application),
        "set_at": rfc3339_us(rule.set_us), "set_by": rule.set_by,
    })
}

/// `GET /api/v1/retention`.
pub(crate) async fn list_rules(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant"])?;
    let scope = call.scope.narrowed(query.uuid("tenant")?)?;
    let rules = call.app.control.retention_rules(scope.tenants).await;
    let items: Vec<Value> = rules.map_err(control_problem)?.iter().map(shown).collect();
    let minimums: Vec<Value> = RetentionClass::ALL
        .iter()
        .map(|class| json!({"class": class, "days": class.minimum_days()}))
        .collect();
    json(&json!({"items": items, "minimums": minimums}))
}

/// `PUT /api/v1/retention`.
pub(crate) async fn put_rule(call: Call) -> Result<Response, Problem> {
    let wanted: Wanted = call.request.json()?;
    let class = wanted.class.parse().map_err(|message: String| {
        Problem::validation("the rule cannot be set").with_error("/class", message)
    })?;
    let rule = RetentionRule {
        tenant: call.scope.one_tenant(wanted.tenant)?,
        application: wanted.application.unwrap_or_default(),
        class,
        days: wanted.days,
        set_us: now_us(),
        set_by: call.scope.user.id,
    };
    rule.check().map_err(|error| {
        Problem::validation("the rule cannot be set").with_error("/days", error.to_string())
    })?;
    let note = AccessNote {
        user: &call.scope.user,
        tenant: rule.tenant,
        action: "retention.put",
        target: None,
        reason: None,
        detail: json!({"application": rule.application, "class": rule.class, "days": rule.days}),
    };
    call.app.record_admin(note).await?;
    call.app
        .control
        .put_retention(&rule)
        .await
        .map_err(control_problem)?;
    json(&shown(&rule))
}
