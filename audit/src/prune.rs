//! `audit prune`: what the query API's calls about prunes do, for scripts. Answers are printed as they came.

use std::process::ExitCode;

use serde_json::json;

use crate::{
    api::{Api, ApiError},
    cli::{PruneAction, PruneArguments},
    erase::print_answer,
};

/// `audit prune`.
pub async fn run(arguments: PruneArguments) -> Result<ExitCode, ApiError> {
    let service = Api::new(&arguments.api).await?;
    let (path, body) = match arguments.action {
        PruneAction::Plan { tenant } => (
            "/api/v1/prunes".to_owned(),
            Some(json!({"tenant": tenant, "dry_run": true})),
        ),
        PruneAction::Request { tenant, reason } => (
            "/api/v1/prunes".to_owned(),
            Some(json!({"tenant": tenant, "reason": reason})),
        ),
        PruneAction::Status { prune: None } => ("/api/v1/prunes?limit=200".to_owned(), None),
        PruneAction::Status { prune: Some(id) } => (format!("/api/v1/prunes/{id}"), None),
        PruneAction::Approve { prune, reason } => (
            format!("/api/v1/prunes/{prune}/approve"),
            Some(json!({ "reason": reason })),
        ),
        PruneAction::Cancel { prune, reason } => (
            format!("/api/v1/prunes/{prune}/cancel"),
            Some(json!({ "reason": reason })),
        ),
    };
    Ok(print_answer(&service.call(&path, body.as_ref()).await?))
}
