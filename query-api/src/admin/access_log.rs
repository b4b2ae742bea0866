//! Who read or changed what: the ledger's access and admin records.

use std::collections::HashMap;

use aal_control::TenantScope;
use aal_service::Problem;
use aal_service::times::rfc3339_us;
use serde_json::{Value, json};
use warp::reply::Response;

use crate::app::control_problem;
use crate::call::{Call, json};
use crate::logs::{Filters, ListPage, list_page};

/// A page of access and admin records, newest first.
pub(crate) async fn access_log(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["from", "to", "tenant", "cursor", "limit", "kind"])?;
    let scope = call.scope.narrowed(query.uuid("tenant")?)?;
    let mut filters = Filters::of_query(query)?;
    if query.text("kind").is_none() {
        filters.kinds = vec!["access".to_owned(), "admin".to_owned()];
    }
    let limit = query.limit(50, 500)?;
    let page = list_page(&call.app, &scope, &filters, query.text("cursor"), limit, true).await?;
    let ListPage { items, next_cursor } = page;
    let users = call
        .app
        .control
        .users(TenantScope::All)
        .await
        .map_err(control_problem)?;
    let addresses: HashMap<String, String> = users
        .into_iter()
        .map(|user| (user.id.to_string(), user.email))
        .collect();
    let items: Vec<Value> = items
        .iter()
        .map(|item| {
            let attributes: Value = serde_json::from_str(&item.attributes).unwrap_or_default();
            let header: Value = serde_json::from_str(&item.header).unwrap_or_default();
            let access = &attributes["access"];
            let actor = access["actor"].as_str().unwrap_or("");
            json!({
                "event_id": item.event_id, "kind": item.kind, "at": rfc3339_us(item.occurred_at_us),
                "tenant": item.tenant, "actor": actor, "actor_email": addresses.get(actor),
                "role": access["role"], "action": header["action"],
                "target_event_id": header.get("target_event_id"), "reason": access["reason"],
                "detail": access["detail"], "ledger": {"shard": item.shard, "index": item.chain_index},
            })
        })
        .collect();
    json(&json!({"items": items, "next_cursor": next_cursor}))
}
