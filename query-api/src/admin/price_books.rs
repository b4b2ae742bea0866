//! A tenant's own prices: looked at by its officers, changed by administrators.

use aal_control::{Control, PriceBookVersion};
use aal_event::{Kind, SystemEvent};
use aal_ledger::{ZERO_HASH, hash::to_hex};
use aal_pricing::{PriceBook, PriceTable};
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::app::control_problem;
use crate::call::{Call, json, json_with};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBook {
    tenant: Option<Uuid>,
    /// The version that the caller looked at, 0 for none: another one since is a conflict.
    version: Option<i64>,
    #[serde(default)]
    prices: Value,
    #[serde(default)]
    deployments: Value,
}

/// `GET /api/v1/prices/custom`: the newest version of a tenant's own prices, in force or coming.
pub(crate) async fn custom_prices(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&["tenant"])?;
    let tenant = call.scope.one_tenant(call.request.query.uuid("tenant")?)?;
    let last = call
        .app
        .control
        .last_price_book(tenant)
        .await
        .map_err(control_problem)?;
    match last {
        Some(version) => json(&version_json(&version)),
        None => json(&json!({"tenant": tenant, "version": 0, "prices": [], "deployments": []})),
    }
}

/// `POST /api/v1/prices`: the whole of a tenant's own prices as a new version; earlier versions stay.
pub(crate) async fn put_prices(call: Call) -> Result<Response, Problem> {
    let wanted: NewBook = call.request.json()?;
    let tenant = call.scope.one_tenant(wanted.tenant)?;
    let mut members = Map::new();
    for (name, value) in [("prices", wanted.prices), ("deployments", wanted.deployments)] {
        if !value.is_null() {
            members.insert(name.to_owned(), value);
        }
    }
    let book = Value::Object(members).to_string();
    let read = PriceBook::parse(&book, PriceTable::builtin()).map_err(|faults| {
        let problem = Problem::validation("the prices cannot be used");
        faults.into_iter().fold(problem, |problem, fault| {
            problem.with_error(fault.pointer, fault.message)
        })
    })?;
    let last = call
        .app
        .control
        .last_price_book(tenant)
        .await
        .map_err(control_problem)?;
    let known = last.as_ref().map_or(0, |last| last.number);
    if wanted.version.is_some_and(|version| version != known) {
        let problem = Problem::conflict(format!("the prices are at version {known} by now"));
        return Err(problem.with_error(
            "/version",
            format!("look at version {known} and send that number"),
        ));
    }
    let user = call.scope.user.id.to_string();
    let next = Control::next_price_book(last.as_ref(), tenant, &book, &user, now_us());
    call.app
        .send_event(&told(&next, last.as_ref(), read.version()))
        .await?;
    call.app
        .control
        .put_price_book(&next)
        .await
        .map_err(control_problem)?;
    json_with(StatusCode::CREATED, &version_json(&next))
}

/// What the ledger is told before anything changes.
fn told(next: &PriceBookVersion, last: Option<&PriceBookVersion>, name: &str) -> aal_event::Event {
    let mut detail = Map::new();
    let old_digest = last.map_or_else(|| to_hex(&ZERO_HASH), |last| last.digest.clone());
    detail.insert("component".to_owned(), "prices".into());
    detail.insert("old_digest".to_owned(), old_digest.into());
    detail.insert("new_digest".to_owned(), next.digest.clone().into());
    detail.insert("old_number".to_owned(), last.map_or(0, |last| last.number).into());
    detail.insert("new_number".to_owned(), next.number.into());
    detail.insert("new_version".to_owned(), name.into());
    detail.insert("effective_us".to_owned(), next.effective_us.into());
    SystemEvent {
        kind: Kind::PriceTableChange,
        event_id: Uuid::now_v7(),
        tenant: next.tenant,
        actor: &next.created_by,
        action: "change",
        target: None,
        reason: None,
        detail,
        occurred_at_us: Some(next.created_us),
    }
    .into_event()
}

fn version_json(version: &PriceBookVersion) -> Value {
    let book: Value = serde_json::from_str(&version.book).unwrap_or_default();
    let list = |name: &str| book.get(name).cloned().unwrap_or_else(|| json!([]));
    json!({
        "tenant": version.tenant, "version": version.number, "digest": version.digest,
        "effective_from": rfc3339_us(version.effective_us), "created_at": rfc3339_us(version.created_us),
        "created_by": version.created_by, "prices": list("prices"), "deployments": list("deployments"),
    })
}
