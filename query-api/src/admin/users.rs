//! Users and the tenants they belong to.

use aal_control::{Role, TenantScope};
use aal_service::Problem;
use aal_service::times::now_us;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::control_problem;
use crate::auth_routes::{home_tenant, tenant_or_nil, user_json};
use crate::call::{Call, json, json_with};

#[derive(Deserialize)]
struct NewUser {
    email: String,
    role: Role,
    tenant: Option<TenantScope>,
    password: Option<String>,
}

#[derive(Deserialize)]
struct UserChange {
    role: Option<Role>,
    disabled: Option<bool>,
}

pub(crate) async fn tenants(call: Call) -> Result<Response, Problem> {
    let tenants = call
        .app
        .control
        .tenants(call.scope.tenants)
        .await
        .map_err(control_problem)?;
    json(&json!({"tenants": tenants}))
}

pub(crate) async fn list_users(call: Call) -> Result<Response, Problem> {
    let users = call
        .app
        .control
        .users(call.scope.tenants)
        .await
        .map_err(control_problem)?;
    json(&json!({"users": users.iter().map(user_json).collect::<Vec<_>>()}))
}

pub(crate) async fn create_user(call: Call) -> Result<Response, Problem> {
    let wanted: NewUser = call.request.json()?;
    let tenant = wanted.tenant.unwrap_or(call.scope.tenants);
    let inside = match tenant {
        TenantScope::All => call.scope.tenants == TenantScope::All,
        TenantScope::One(tenant) => call.scope.tenants.contains(tenant),
    };
    if !inside {
        return Err(Problem::forbidden("a user cannot get more tenants than you have"));
    }
    let chosen = wanted.password.is_some();
    // Recorded first: nothing is changed that the ledger does not know of.
    let note = AccessNote {
        user: &call.scope.user,
        tenant: tenant_or_nil(tenant),
        action: "user.create",
        target: None,
        reason: None,
        detail: json!({"email": wanted.email, "role": wanted.role, "tenant": tenant}),
    };
    call.app.record_admin(note).await?;
    let control = &call.app.control;
    let made = control
        .create_user(&wanted.email, wanted.role, tenant, wanted.password, now_us())
        .await;
    let (user, password) = made.map_err(control_problem)?;
    let mut answer = user_json(&user);
    if !chosen {
        // Shown this once; only its hash is kept.
        answer["password"] = password.into();
    }
    json_with(StatusCode::CREATED, &answer)
}

pub(crate) async fn update_user(call: Call) -> Result<Response, Problem> {
    let id = call.request.path_uuid()?;
    let change: UserChange = call.request.json()?;
    let unknown = || Problem::not_found("there is no such user");
    let control = &call.app.control;
    let known = control.users(call.scope.tenants).await.map_err(control_problem)?;
    let user = known.iter().find(|user| user.id == id).ok_or_else(unknown)?;
    let note = AccessNote {
        user: &call.scope.user,
        tenant: home_tenant(user),
        action: "user.update",
        target: None,
        reason: None,
        detail: json!({"user": id, "role": change.role, "disabled": change.disabled}),
    };
    call.app.record_admin(note).await?;
    let changed = control.update_user(id, change.role, change.disabled).await;
    if !changed.map_err(control_problem)? {
        return Err(unknown());
    }
    let user = control
        .user(id)
        .await
        .map_err(control_problem)?
        .ok_or_else(unknown)?;
    json(&user_json(&user))
}
