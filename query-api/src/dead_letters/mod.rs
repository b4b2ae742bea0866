//! Messages of `audit.events` that were no valid event: listed, looked at with personal data replaced, and put back onto
//! the topic once the reason is gone.
//!
//! They are raw bytes of whatever tenant, so only an administrator of the whole installation gets here.

mod letter;
mod preview;
mod reading;

use aal_control::TenantScope;
use aal_event::{Kind, system_id};
use aal_kafka::{EVENTS, replay_headers};
use aal_service::Problem;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::call::{Call, json};
use crate::dead_letters::letter::Letter;
use crate::scope::Scope;
use crate::sql::Sql;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;
const MAX_REASON_BYTES: usize = 1_000;

#[derive(Deserialize)]
struct Replay {
    /// Why it will be accepted now; kept in the ledger.
    reason: String,
    /// Although it was replayed before.
    #[serde(default)]
    again: bool,
}

#[derive(Row, Deserialize)]
struct Replayed {
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
}

/// `GET /api/v1/dead-letters`: newest first; nothing of their content.
pub(crate) async fn list(call: Call) -> Result<Response, Problem> {
    require_all_tenants(&call.scope)?;
    let query = &call.request.query;
    query.only(&["before", "limit"])?;
    let limit = query.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let before: Option<u64> = query.parsed("before", "an offset of the dead-letter topic")?;
    let page = reading::page(&call.app, before, limit).await?;
    let replayed = replayed(&call, &page.letters).await?;
    let items: Vec<Value> = page
        .letters
        .iter()
        .map(|letter| letter.to_json(replayed.contains(&replay_id(letter))))
        .collect();
    json(&json!({"items": items, "next_before": page.next_before}))
}

/// `GET /api/v1/dead-letters/{offset}`: one of them with its text, redacted. That somebody looked is recorded.
pub(crate) async fn show(call: Call) -> Result<Response, Problem> {
    require_all_tenants(&call.scope)?;
    let (letter, value) = reading::one(&call.app, path_offset(&call)?).await?;
    let note = AccessNote {
        user: &call.scope.user,
        tenant: Uuid::nil(),
        action: "dead_letter.read",
        target: None,
        reason: None,
        detail: json!({"dead_letter": letter.dead_letter}),
    };
    call.app.record_access(note).await?;
    let replayed = replayed(&call, std::slice::from_ref(&letter)).await?;
    let mut answer = letter.to_json(!replayed.is_empty());
    answer["present_verdict"] = json!(letter::verdict(&value));
    answer["text"] = preview::redacted(&call.app, &value);
    json(&answer)
}

/// `POST /api/v1/dead-letters/{offset}/replay`: the bytes go onto `audit.events` again, as they were.
///
/// The ledger is told first: what is put onto the topic is always known to it. Should the topic then not take the
/// bytes, the call is repeated with `again`.
pub(crate) async fn replay(call: Call) -> Result<Response, Problem> {
    require_all_tenants(&call.scope)?;
    let wanted: Replay = call.request.json()?;
    if wanted.reason.trim().is_empty() || wanted.reason.len() > MAX_REASON_BYTES {
        let message = format!("must say in 1 to {MAX_REASON_BYTES} bytes why it will be accepted now");
        return Err(Problem::validation("a replay needs a reason").with_error("/reason", message));
    }
    let (letter, value) = reading::one(&call.app, path_offset(&call)?).await?;
    if let Some(reason) = letter::certainly_refused(&value) {
        return Err(Problem::conflict(format!("it would be rejected again: {reason}")));
    }
    let was_replayed = !replayed(&call, std::slice::from_ref(&letter)).await?.is_empty();
    if was_replayed && !wanted.again {
        return Err(Problem::conflict(
            "it was replayed already; send \"again\": true when it did not arrive",
        ));
    }
    let event_id = if was_replayed {
        Uuid::now_v7()
    } else {
        replay_id(&letter)
    };
    let note = AccessNote {
        user: &call.scope.user,
        tenant: Uuid::nil(),
        action: "dead_letter.replay",
        target: None,
        reason: Some(wanted.reason),
        detail: json!({
            "dead_letter": letter.dead_letter,
            "rejected_partition": letter.partition(),
            "rejected_offset": letter.offset(),
            "sha256": letter.sha256,
            "again": was_replayed,
        }),
    };
    call.app.record_admin_as(event_id, note).await?;
    let headers = replay_headers(letter.partition().unwrap_or(-1), letter.offset());
    let key = letter::kafka_key(&letter, &value);
    let queued = call
        .app
        .producer
        .queue_with_headers(EVENTS, &key, &value, Some(headers));
    let sent = match queued {
        Ok(pending) => pending.acknowledged().await,
        Err(error) => Err(error),
    };
    let (partition, offset) = sent.map_err(|error| {
        tracing::warn!(%error, dead_letter = letter.dead_letter, "not replayed");
        Problem::unavailable("the log did not take it; repeat this with \"again\": true").with_retry_after(2)
    })?;
    json(&json!({"partition": partition, "offset": offset, "recorded_as": event_id}))
}

fn require_all_tenants(scope: &Scope) -> Result<(), Problem> {
    match scope.tenants {
        TenantScope::All => Ok(()),
        TenantScope::One(_) => Err(Problem::forbidden(
            "dead letters may be of any tenant; this needs an administrator of all tenants",
        )),
    }
}

fn path_offset(call: &Call) -> Result<u64, Problem> {
    let text = call.request.path.first().map_or("", String::as_str);
    text.parse()
        .map_err(|_| Problem::bad_request(format!("{text:?} in the path is not an offset")))
}

/// The id of the record of a first replay: that of the rejected message, however often it is among the dead letters.
fn replay_id(letter: &Letter) -> Uuid {
    let place = match letter.partition() {
        Some(partition) => format!("{partition}:{}", letter.offset()),
        None => format!("dead-letter:{}", letter.dead_letter),
    };
    system_id(Kind::Admin, &["dead_letter.replay", &place])
}

/// Which of these are recorded as replayed, by the ids of those records.
async fn replayed(call: &Call, letters: &[Letter]) -> Result<Vec<Uuid>, Problem> {
    if letters.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = letters.iter().map(replay_id).collect();
    let mut sql = Sql::new("SELECT DISTINCT event_id");
    sql.records(&call.scope)
        .push(" AND kind = 'admin' AND event_id IN ? LIMIT 1000")
        .bind_uuids(&ids);
    let rows: Vec<Replayed> = call.app.rows(sql).await?;
    Ok(rows.into_iter().map(|row| row.event_id).collect())
}
