//! Applications and their policies.

use aal_control::{Application, ContentMode, PutPolicy};
use aal_event::{Kind, SystemEvent};
use aal_ledger::hash::to_hex;
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::call::{Call, json, json_with};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApplication {
    name: String,
    tenant: Option<Uuid>,
    #[serde(default)]
    phi: bool,
    content_mode: Option<ContentMode>,
    #[serde(default = "no_policy")]
    policy: Value,
}

fn no_policy() -> Value {
    json!({})
}

pub(crate) async fn list_applications(call: Call) -> Result<Response, Problem> {
    let applications = call
        .app
        .control
        .applications(call.scope.tenants)
        .await
        .map_err(control_problem)?;
    json(&json!({"applications": applications}))
}

pub(crate) async fn put_application(call: Call) -> Result<Response, Problem> {
    let wanted: NewApplication = call.request.json()?;
    let application = Application {
        tenant: call.scope.one_tenant(wanted.tenant)?,
        name: wanted.name,
        phi: wanted.phi,
        content_mode: wanted.content_mode,
        policy: wanted.policy,
        created_us: now_us(),
    };
    let note = AccessNote {
        user: &call.scope.user,
        tenant: application.tenant,
        action: "application.put",
        target: None,
        reason: None,
        detail: json!({"application": application.name, "phi": application.phi,
                       "content_mode": application.content_mode}),
    };
    let planned = call.app.control.planned_policy(&application).await;
    let planned = planned.map_err(control_problem)?;
    call.app.record_admin(note).await?;
    tell_change(&call, &application, &planned).await?;
    call.app
        .control
        .put_application(&application)
        .await
        .map_err(control_problem)?;
    let mut answer = serde_json::to_value(&application).unwrap_or_default();
    answer["policy_version"] = planned.new.as_ref().map(|new| new.digest.as_str()).into();
    answer["effective_from"] = planned.new.map(|new| rfc3339_us(new.effective_us)).into();
    json_with(StatusCode::CREATED, &answer)
}

/// The change as a leaf of its own, before it is made. Told twice, when making it failed, it is one leaf.
async fn tell_change(call: &Call, application: &Application, planned: &PutPolicy) -> Result<(), Problem> {
    let Some(new) = &planned.new else { return Ok(()) };
    let none = (0, to_hex(&aal_ledger::ZERO_HASH));
    let (old_number, old_digest) = planned.old.clone().unwrap_or(none);
    let detail = json!({
        "component": "application-policy", "application": application.name,
        "old_digest": old_digest, "new_digest": new.digest,
        "old_version": old_number, "new_version": new.number, "effective_us": new.effective_us,
    });
    let parts = [
        application.tenant.to_string(),
        application.name.clone(),
        new.number.to_string(),
        new.digest.clone(),
    ];
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let actor = call.scope.user.id.to_string();
    let told = SystemEvent {
        kind: Kind::PolicyChange,
        event_id: aal_event::system_id(Kind::PolicyChange, &parts),
        tenant: application.tenant,
        actor: &actor,
        action: "change",
        target: None,
        reason: None,
        detail: detail.as_object().cloned().unwrap_or_default(),
        occurred_at_us: None,
    };
    call.app.send_event(&told.into_event()).await
}
