//! Sign-in: passwords against tokens of one hour, slowly for those who guess.

use std::sync::Arc;

use aal_control::{AttemptLimit, Authenticated, TenantScope, User};
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::access::AccessNote;
use crate::app::{App, control_problem};
use crate::call::{Call, Request, json};

/// The window in which sign-in attempts are counted.
const WINDOW_US: i64 = 15 * 60 * 1_000_000;

#[derive(Deserialize)]
struct Login {
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct PasswordChange {
    current: String,
    new: String,
}

/// What a client learns of a user.
pub(crate) fn user_json(user: &User) -> Value {
    json!({"id": user.id, "email": user.email, "role": user.role, "tenant": user.tenant,
           "disabled": user.disabled, "created_at": rfc3339_us(user.created_us)})
}

pub(crate) async fn login(app: Arc<App>, request: Request) -> Result<Response, Problem> {
    let login: Login = request.json()?;
    let account = login.email.trim().to_lowercase();
    let user = checked(&app, &account, &login.password, &request).await?;
    let at_us = now_us();
    let (token, until_us) = app.tokens.issue(&user, at_us);
    let note = AccessNote {
        user: &user,
        tenant: home_tenant(&user),
        action: "login",
        target: None,
        reason: None,
        detail: Value::Null,
    };
    // Signing in reads nothing of the ledger yet, and must be possible while the log is being repaired.
    if let Err(problem) = app.record_access(note).await {
        tracing::warn!(user = %user.id, %problem, "sign-in not recorded");
    }
    json(&json!({"token": token, "expires_at": rfc3339_us(until_us), "user": user_json(&user)}))
}

/// The tenant under which acts of the user that concern no record are kept.
pub(crate) fn home_tenant(user: &User) -> Uuid {
    tenant_or_nil(user.tenant)
}

/// The one tenant of a scope; nil stands for the installation as a whole.
pub(crate) fn tenant_or_nil(scope: TenantScope) -> Uuid {
    match scope {
        TenantScope::One(tenant) => tenant,
        TenantScope::All => Uuid::nil(),
    }
}

async fn checked(app: &App, account: &str, password: &str, request: &Request) -> Result<User, Problem> {
    let by_account = format!("account:{}", account.chars().take(254).collect::<String>());
    let by_address = format!("address:{}", request.peer.ip());
    let limits = &app.limits;
    for (source, max_failures) in [
        (&by_account, limits.login_attempts_per_account),
        (&by_address, limits.login_attempts_per_address),
    ] {
        let limit = AttemptLimit {
            max_failures,
            window_us: WINDOW_US,
        };
        let counted = app
            .control
            .count_attempt(source, limit, now_us())
            .await
            .map_err(control_problem)?;
        if let Err(wait_us) = counted {
            let wait_s = u32::try_from(wait_us / 1_000_000 + 1).unwrap_or(u32::MAX);
            return Err(Problem::rate_limited("too many sign-in attempts; wait").with_retry_after(wait_s));
        }
    }
    match app
        .control
        .authenticate(account, password)
        .await
        .map_err(control_problem)?
    {
        Authenticated::No => Err(Problem::unauthorized("e-mail address or password is wrong")),
        Authenticated::Yes(user) => {
            for source in [&by_account, &by_address] {
                app.control
                    .clear_attempts(source)
                    .await
                    .map_err(control_problem)?;
            }
            Ok(user)
        }
    }
}

pub(crate) async fn me(call: Call) -> Result<Response, Problem> {
    json(&user_json(&call.scope.user))
}

pub(crate) async fn password(call: Call) -> Result<Response, Problem> {
    let change: PasswordChange = call.request.json()?;
    let user = checked(&call.app, &call.scope.user.email, &change.current, &call.request).await?;
    let note = AccessNote {
        user: &user,
        tenant: home_tenant(&user),
        action: "user.password",
        target: None,
        reason: None,
        detail: Value::Null,
    };
    call.app.record_admin(note).await?;
    call.app
        .control
        .set_password(user.id, &change.new)
        .await
        .map_err(control_problem)?;
    Ok(http::StatusCode::NO_CONTENT.into_response())
}
