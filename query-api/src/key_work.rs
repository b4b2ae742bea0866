//! What is done with keys in the background: wrapping anew when it was asked for, and taking away what is no longer used.

use std::sync::Arc;
use std::time::Duration;

use aal_event::{Kind, SystemEvent, system_id};
use aal_keys::{RewrapProgress, RewrapState};
use aal_service::Problem;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::app::App;

/// How often it is looked whether there is something to do.
const EVERY: Duration = Duration::from_secs(2);
/// How often what is no longer used is looked for.
const TIDY_EVERY: u32 = 30;

/// Works until the service stops. Any number of query APIs may do so at once: a lease lets one of them work.
pub(crate) async fn run(app: Arc<App>) {
    let holder = format!("query-api {}", Uuid::new_v4());
    let shutdown = app.shutdown.clone();
    let mut turn = 0_u32;
    while shutdown
        .unless_requested(tokio::time::sleep(EVERY))
        .await
        .is_some()
    {
        let rewrapping = app.keys.rewrap(&holder);
        match shutdown.unless_requested(rewrapping).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => tracing::warn!(%error, "keys are not all wrapped anew yet"),
            None => return,
        }
        if let Err(error) = tell_rewrapped(&app).await {
            tracing::warn!(%error, "the ledger was not told yet that keys were wrapped anew");
        }
        if turn.is_multiple_of(TIDY_EVERY) {
            tidy(&app).await;
        }
        turn = turn.wrapping_add(1);
    }
}

async fn tidy(app: &App) {
    match app.keys.retire_provider_keys().await {
        Ok(true) => {
            let id = Uuid::now_v7();
            if let Err(problem) = tell(app, id, "retire", "key service", Map::new()).await {
                tracing::error!(detail = ?problem.detail, "the ledger was not told that old provider keys are gone");
            }
        }
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "old keys of the provider were not taken away"),
    }
    match app.keys.delete_spent_payload_keys(app.retention_ms).await {
        Ok(0) => {}
        Ok(deleted) => tracing::info!(
            deleted,
            "payload keys deleted: Kafka no longer keeps what they sealed"
        ),
        Err(error) => tracing::warn!(%error, "spent payload keys were not deleted"),
    }
}

/// Tells the ledger how a wrapping anew ended, until it knows.
async fn tell_rewrapped(app: &App) -> Result<(), aal_keys::KeysError> {
    let Some(ended) = app.keys.untold_rewrap().await? else {
        return Ok(());
    };
    let action = match ended.state {
        RewrapState::Failed => "rewrap_failed",
        RewrapState::Done | RewrapState::Running => "rewrapped",
    };
    // The same id for the same run, so that telling it twice is recorded once.
    let id = system_id(Kind::KeyChange, &[action, &ended.started_us.to_string()]);
    match tell(app, id, action, "query-api", facts_of(&ended)).await {
        Ok(()) => app.keys.rewrap_told(&ended).await,
        // Logged where it failed; the next turn tries again.
        Err(_) => Ok(()),
    }
}

/// What of a progress is told to the ledger.
pub(crate) fn facts_of(progress: &RewrapProgress) -> Map<String, Value> {
    let facts = json!({"data_keys": progress.done, "destroyed_keks": progress.destroyed_keks,
                       "started_us": progress.started_us});
    facts.as_object().cloned().unwrap_or_default()
}

/// Tells the ledger of a change of keys.
pub(crate) async fn tell(
    app: &App,
    id: Uuid,
    action: &str,
    actor: &str,
    mut facts: Map<String, Value>,
) -> Result<(), Problem> {
    facts.insert("component".to_owned(), "keys".into());
    let event = SystemEvent {
        kind: Kind::KeyChange,
        event_id: id,
        tenant: Uuid::nil(),
        actor,
        action,
        target: None,
        reason: None,
        detail: facts,
        occurred_at_us: None,
    };
    app.send_event(&event.into_event()).await
}
