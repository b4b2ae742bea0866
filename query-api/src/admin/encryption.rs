//! The keys that protect what is stored: status, rotation, wrapping anew. Administrators of the installation only.

use aal_control::TenantScope;
use aal_service::Problem;
use http::StatusCode;
use serde_json::{Map, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::app::key_problem;
use crate::call::{Call, json, json_with};
use crate::key_work::{facts_of, tell};

fn require_installation(call: &Call) -> Result<(), Problem> {
    match call.scope.tenants {
        TenantScope::All => Ok(()),
        TenantScope::One(_) => Err(Problem::forbidden(
            "keys belong to the whole installation; this needs an administrator of all tenants",
        )),
    }
}

/// `GET /api/v1/keys`
pub(crate) async fn key_status(call: Call) -> Result<Response, Problem> {
    require_installation(&call)?;
    let status = call
        .app
        .keys
        .status()
        .await
        .map_err(|error| key_problem(&error))?;
    json(&json!(status))
}

/// `POST /api/v1/keys/rotate`
pub(crate) async fn rotate_keys(call: Call) -> Result<Response, Problem> {
    require_installation(&call)?;
    let actor = call.scope.user.id.to_string();
    // Told first: nothing is changed that the ledger does not know of.
    tell(&call.app, Uuid::now_v7(), "rotate", &actor, Map::new()).await?;
    let rotated = call
        .app
        .keys
        .rotate()
        .await
        .map_err(|error| key_problem(&error))?;
    let facts = json!({"tenants": rotated.tenants, "payload_key": rotated.payload_key,
                       "provider_key": rotated.provider_key});
    let facts = facts.as_object().cloned().unwrap_or_default();
    tell(&call.app, Uuid::now_v7(), "rotated", &actor, facts).await?;
    json(&json!(rotated))
}

/// `POST /api/v1/keys/rewrap`
pub(crate) async fn rewrap_keys(call: Call) -> Result<Response, Problem> {
    require_installation(&call)?;
    let actor = call.scope.user.id.to_string();
    tell(&call.app, Uuid::now_v7(), "rewrap", &actor, Map::new()).await?;
    let progress = call.app.keys.request_rewrap().await;
    let progress = progress.map_err(|error| key_problem(&error))?;
    tracing::info!(facts = ?facts_of(&progress), "keys are being wrapped anew");
    json_with(StatusCode::ACCEPTED, &json!(progress))
}
