//! What is known of models, prices and policies.

use aal_pricing::{PriceTable, Unit, Usage};
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use warp::reply::Response;

use crate::app::control_problem;
use crate::call::{Call, json, wrong};
use crate::sql::Sql;

/// The usage that prices are quoted for.
const QUOTED_TOKENS: u64 = 1_000_000;

#[derive(Row, Deserialize)]
struct ModelRow {
    provider: String,
    model: String,
    calls: u64,
    first_us: i64,
    last_us: i64,
}

pub(crate) async fn models(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&["tenant"])?;
    let scope = call.scope.narrowed(call.request.query.uuid("tenant")?)?;
    let mut sql = Sql::new(
        "SELECT toString(provider) AS provider, toString(model) AS model, count() AS calls, \
         toUnixTimestamp64Micro(min(occurred_at)) AS first_us, toUnixTimestamp64Micro(max(occurred_at)) AS last_us",
    );
    sql.records(&scope).push(
        " AND kind = 'event' AND model != '' GROUP BY provider, model ORDER BY calls DESC, provider, model LIMIT 1000",
    );
    let rows: Vec<ModelRow> = call.app.rows(sql).await?;
    let models: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            json!({"provider": row.provider, "model": row.model, "calls": row.calls,
                   "first_seen": rfc3339_us(row.first_us), "last_seen": rfc3339_us(row.last_us)})
        })
        .collect();
    json(&json!({"models": models}))
}

/// The price table: its version, sources and providers; a provider's models; or what a million tokens of a
/// model cost at a time.
pub(crate) async fn prices(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["provider", "model", "at"])?;
    let table = PriceTable::builtin();
    let sources: Vec<Value> = table
        .sources()
        .iter()
        .map(|source| json!({"name": source.name, "version": source.version, "date": source.date}))
        .collect();
    let mut answer = json!({"version": table.version(), "sources": sources, "currency": "USD"});
    match (query.text("provider"), query.text("model")) {
        (None, None) => answer["providers"] = table.providers().collect::<Vec<_>>().into(),
        (None, Some(_)) => return Err(wrong("provider", "given with a model")),
        (Some(provider), model) => {
            let provider_id = table.provider_id(provider).unwrap_or(provider);
            answer["provider"] = provider_id.into();
            if let Some(model) = model {
                let at_us = query.time_us("at")?.unwrap_or_else(now_us);
                answer["model"] = model.into();
                answer["at"] = rfc3339_us(at_us).into();
                answer["quotes"] = quotes(table, provider_id, model, at_us);
            } else {
                let models = table.models(provider_id).into_iter();
                answer["models"] = models
                    .map(|(model, source)| json!({"model": model, "source": source.name}))
                    .collect();
            }
        }
    }
    json(&answer)
}

fn quotes(table: &PriceTable, provider_id: &str, model: &str, at_us: i64) -> Value {
    let quote = |unit: Unit| {
        let mut usage = Usage::new();
        usage.set_count(unit, QUOTED_TOKENS);
        match table.price(provider_id, model, at_us, &usage) {
            Ok(price) => json!({"total": price.total.to_string(), "rule": price.rule}),
            Err(unpriced) => json!({"unpriced": unpriced.reason}),
        }
    };
    json!([
        {"usage": {"input_tokens": QUOTED_TOKENS}, "price": quote(Unit::InputTokens)},
        {"usage": {"output_tokens": QUOTED_TOKENS}, "price": quote(Unit::OutputTokens)},
    ])
}

/// Versions of policies that are listed, newest first.
const MAX_VERSIONS: i64 = 1_000;

/// What applies to whom: the installation's rules and each application's policy.
pub(crate) async fn policies(call: Call) -> Result<Response, Problem> {
    let applications = call
        .app
        .control
        .applications(call.scope.tenants)
        .await
        .map_err(control_problem)?;
    let versions = call
        .app
        .control
        .policy_versions(call.scope.tenants, MAX_VERSIONS)
        .await
        .map_err(control_problem)?;
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| {
            json!({"tenant": version.tenant, "application": version.application, "number": version.number,
                   "digest": version.digest, "effective_from": rfc3339_us(version.effective_us),
                   "created_at": rfc3339_us(version.created_us)})
        })
        .collect();
    json(&json!({
        "redaction": {"detector_version": hex::encode(call.app.detectors.builtin().version()), "fails": "closed",
                      "default_content_mode": "redacted", "default_content_mode_phi": "sealed"},
        "prices": {"version": PriceTable::builtin().version()},
        "applications": applications,
        "versions": versions,
    }))
}
