//! Applications and their policies.

use aal_control::{Application, ContentMode};
use aal_service::Problem;
use aal_service::times::now_us;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::call::{Call, json, json_with};

#[derive(Deserialize)]
struct NewApplication {
    name: String,
    tenant: Option<Uuid>,
    #[serde(default)]
    phi: bool,
    #[serde(default)]
    content_mode: ContentMode,
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
    call.app.record_admin(note).await?;
    call.app
        .control
        .put_application(&application)
        .await
        .map_err(control_problem)?;
    json_with(StatusCode::CREATED, &application)
}
