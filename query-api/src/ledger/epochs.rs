//! The anchor log for the verifier, as it is stored: what is missing or damaged is his to judge, so it is shown, not refused.

use std::sync::Arc;

use aal_control::TenantScope;
use aal_ledger::Manifest;
use aal_ledger::hash::to_hex;
use aal_ledger::tile::number_path;
use aal_service::Problem;
use serde_json::json;
use tokio::sync::mpsc;
use warp::reply::Response;

use crate::app::App;
use crate::call::{Call, json};
use crate::ledger::export::{LINES_AHEAD, Line, streamed};

/// `GET /api/v1/verify/head`: the epoch that verification ends with, and its checkpoint as it is stored.
///
/// `epoch` is null when nothing is sealed; `checkpoint` is null when the store has an epoch but not its checkpoint.
pub(crate) async fn head(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&[])?;
    let anchors = &call.app.anchors;
    let Some(epoch) = anchors.tip().await? else {
        return json(&json!({"epoch": null, "checkpoint": null}));
    };
    let name = format!("epoch/{}/checkpoint", number_path(epoch));
    json(&json!({"epoch": epoch, "checkpoint": anchors.shown(&name).await?}))
}

/// `GET /api/v1/verify/epochs`: NDJSON of every manifest from epoch 0; the last line has the heads too.
///
/// `to` is the last epoch wanted, so that it can be the one of a checkpoint fetched before. What the store must have and
/// has not is named by `missing` (`manifest`, `heads`); nothing follows a missing manifest.
pub(crate) async fn epochs(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["to"])?;
    let newest = call.app.anchors.tip().await?;
    let wanted: Option<u64> = query.parsed("to", "an epoch number")?;
    let end = newest.map(|newest| wanted.map_or(newest, |wanted| newest.min(wanted)));
    // Heads name the chains of every tenant.
    let with_heads = call.scope.tenants == TenantScope::All;
    let app = Arc::clone(&call.app);
    let (sender, lines) = mpsc::channel(LINES_AHEAD);
    tokio::spawn(async move {
        for number in 0..end.map_or(0, |end| end + 1) {
            let (line, is_last) = epoch_line(&app, number, with_heads && Some(number) == end).await;
            if sender.send(line).await.is_err() || is_last {
                return;
            }
        }
    });
    Ok(streamed(lines))
}

/// One epoch's line, and whether none may follow.
async fn epoch_line(app: &App, number: u64, with_heads: bool) -> (Line, bool) {
    match shown(app, number, with_heads).await {
        Ok(shown) => {
            let is_last = shown.manifest.is_none();
            (Ok(format!("{}\n", line_of(number, shown)).into()), is_last)
        }
        Err(problem) => (Err(std::io::Error::other(problem.detail)), true),
    }
}

/// An epoch as it is stored.
pub(super) struct Shown {
    /// None: the store lost it, and nothing that follows can be judged.
    pub(super) manifest: Option<String>,
    pub(super) heads: Option<String>,
    /// What the store must have and has not.
    pub(super) missing: Option<&'static str>,
}

/// Reads one epoch, with its heads where they are wanted.
pub(super) async fn shown(app: &App, number: u64, with_heads: bool) -> Result<Shown, Problem> {
    let name = format!("epoch/{}/manifest", number_path(number));
    let mut shown = Shown {
        manifest: app.anchors.shown(&name).await?,
        heads: None,
        missing: None,
    };
    let Some(text) = &shown.manifest else {
        shown.missing = Some("manifest");
        return Ok(shown);
    };
    if with_heads && let Ok(manifest) = Manifest::parse(text.as_bytes()) {
        let name = format!("heads/{}", to_hex(&manifest.heads_root));
        shown.heads = app.anchors.shown(&name).await?;
        shown.missing = shown.heads.is_none().then_some("heads");
    }
    Ok(shown)
}

fn line_of(number: u64, shown: Shown) -> serde_json::Value {
    let mut line = json!({"epoch": number, "manifest": shown.manifest});
    if let Some(heads) = shown.heads {
        line["heads"] = heads.into();
    }
    if let Some(missing) = shown.missing {
        line["missing"] = missing.into();
    }
    line
}
