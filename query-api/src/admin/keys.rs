//! API keys of applications.

use aal_control::ApiKey;
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::call::{Call, json, json_with};

#[derive(Deserialize)]
struct NewKey {
    application: String,
    #[serde(default = "default_name")]
    name: String,
    tenant: Option<Uuid>,
}

fn default_name() -> String {
    "default".to_owned()
}

fn key_json(key: &ApiKey) -> Value {
    json!({"id": key.id, "application": key.application, "tenant": key.tenant, "name": key.name,
           "created_at": rfc3339_us(key.created_us), "revoked_at": key.revoked_us.map(rfc3339_us)})
}

pub(crate) async fn list_keys(call: Call) -> Result<Response, Problem> {
    let keys = call
        .app
        .control
        .api_keys(call.scope.tenants)
        .await
        .map_err(control_problem)?;
    json(&json!({"api_keys": keys.iter().map(key_json).collect::<Vec<_>>()}))
}

pub(crate) async fn create_key(call: Call) -> Result<Response, Problem> {
    let wanted: NewKey = call.request.json()?;
    let tenant = call.scope.one_tenant(wanted.tenant)?;
    let known = call.app.control.tenant(tenant).await.map_err(control_problem)?;
    if known.is_none() {
        return Err(Problem::validation("there is no such tenant").with_error("/tenant", "is not known"));
    }
    // Recorded first: nothing is changed that the ledger does not know of.
    let note = AccessNote {
        user: &call.scope.user,
        tenant,
        action: "api_key.create",
        target: None,
        reason: None,
        detail: json!({"application": wanted.application, "name": wanted.name}),
    };
    call.app.record_admin(note).await?;
    let control = &call.app.control;
    let made = control
        .create_api_key(tenant, &wanted.application, &wanted.name, now_us())
        .await;
    let made = made.map_err(control_problem)?;
    let mut answer = key_json(&made.key);
    answer["key"] = made.presented.into();
    json_with(StatusCode::CREATED, &answer)
}

pub(crate) async fn revoke_key(call: Call) -> Result<Response, Problem> {
    let id = call.request.path_uuid()?;
    let control = &call.app.control;
    let unknown = || Problem::not_found("there is no such valid API key");
    let keys = control
        .api_keys(call.scope.tenants)
        .await
        .map_err(control_problem)?;
    let key = keys
        .iter()
        .find(|key| key.id == id && key.revoked_us.is_none())
        .ok_or_else(unknown)?;
    let note = AccessNote {
        user: &call.scope.user,
        tenant: key.tenant,
        action: "api_key.revoke",
        target: None,
        reason: None,
        detail: json!({"api_key": id, "application": key.application}),
    };
    call.app.record_admin(note).await?;
    let revoked = control.revoke_api_key(call.scope.tenants, id, now_us()).await;
    revoked.map_err(control_problem)?.ok_or_else(unknown)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
