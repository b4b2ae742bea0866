//! `POST /api/v1/prices/reprice`: today's prices for earlier calls, as correction records; nothing is rewritten.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use aal_event::{Kind, SystemEvent};
use aal_exchange::PricedCall;
use aal_pricing::{Price, PriceBook, PriceTable, Usage};
use aal_record::Header;
use aal_service::Problem;
use aal_service::times::{now_us, parse_rfc3339_us};
use clickhouse::Row;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::app::{App, control_problem};
use crate::call::{Call, json};
use crate::logs::cost_text;
use crate::scope::Scope;
use crate::sql::{MOMENT, Sql};

/// Records of one answer.
const PAGE: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tenant: Option<Uuid>,
    from: String,
    to: String,
    #[serde(default)]
    dry_run: bool,
    cursor: Option<Cursor>,
}

/// The last record that was looked at.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    tenant: Uuid,
    shard: u32,
    chain_index: u64,
}

#[derive(Row, Deserialize)]
struct Recorded {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    shard: u32,
    chain_index: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
    header: String,
}

#[derive(Row, Deserialize)]
struct Corrected {
    #[serde(with = "clickhouse::serde::uuid")]
    target: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    last: Uuid,
    amount: Option<i128>,
    currency: String,
}

/// The newest correction of a record.
#[derive(Clone, Default)]
struct Standing {
    /// The correction's own event; nil when there is none.
    last: Uuid,
    cost: Option<String>,
    currency: String,
}

#[derive(Default)]
struct Counts {
    unchanged: u64,
    unpriced: u64,
    unreadable: u64,
}

pub(crate) async fn reprice(call: Call) -> Result<Response, Problem> {
    let wanted: Wanted = call.request.json()?;
    let scope = call.scope.narrowed(wanted.tenant)?;
    let time = |name: &str, text: &str| {
        parse_rfc3339_us(text).ok_or_else(|| {
            let problem = Problem::validation("the period cannot be read");
            problem.with_error(
                format!("/{name}"),
                "must be an RFC 3339 time such as 2026-01-31T00:00:00Z",
            )
        })
    };
    let (from_us, to_us) = (time("from", &wanted.from)?, time("to", &wanted.to)?);
    if from_us >= to_us {
        return Err(Problem::validation("the period is empty").with_error("/to", "must be later than from"));
    }
    let mut records = page(&call.app, &scope, from_us, to_us, wanted.cursor).await?;
    let more = records.len() > PAGE;
    records.truncate(PAGE);
    let next_cursor = records.last().filter(|_| more).map(|last| Cursor {
        tenant: last.tenant,
        shard: last.shard,
        chain_index: last.chain_index,
    });
    let corrections = corrections(&call.app, &scope, &records).await?;
    let mut books: HashMap<Uuid, Option<PriceBook>> = HashMap::new();
    let mut counts = Counts::default();
    let mut changes = Vec::new();
    for record in &records {
        if let Entry::Vacant(unread) = books.entry(record.tenant) {
            unread.insert(book(&call.app, record.tenant).await?);
        }
        let book = books.get(&record.tenant).and_then(Option::as_ref);
        let Some((header, price)) = priced(&record.header, book, &mut counts) else {
            continue;
        };
        let corrected = corrections.get(&record.event_id).cloned();
        let Standing {
            last,
            cost: old,
            currency,
        } = corrected.unwrap_or_else(|| Standing {
            cost: header.cost.clone(),
            currency: header.currency.clone(),
            ..Standing::default()
        });
        if old.as_deref() == Some(price.total.to_string().as_str()) && currency == price.currency {
            counts.unchanged += 1;
            continue;
        }
        if !wanted.dry_run {
            let event = correction(&call, record, last, &price);
            call.app.send_event(&event).await?;
        }
        changes.push(json!({
            "event_id": record.event_id, "tenant": record.tenant, "model": header.model,
            "old_cost": old, "old_currency": Some(currency).filter(|currency| !currency.is_empty()),
            "cost": price.total.to_string(), "currency": price.currency,
            "price_version": price.price_version, "price_rule": price.rule,
        }));
    }
    json(&json!({
        "dry_run": wanted.dry_run, "examined": records.len(), "changed": changes.len(),
        "unchanged": counts.unchanged, "unpriced": counts.unpriced, "unreadable": counts.unreadable,
        "changes": changes, "next_cursor": next_cursor,
    }))
}

/// Calls with exact usage; the results of a batch are several calls in one record and keep their price.
async fn page(
    app: &App,
    scope: &Scope,
    from_us: i64,
    to_us: i64,
    cursor: Option<Cursor>,
) -> Result<Vec<Recorded>, Problem> {
    let mut sql = Sql::new("SELECT tenant, shard, chain_index, event_id, header");
    sql.records(scope)
        .push(" AND kind = 'event' AND usage_state = 'usage_reported' AND operation != 'batch_results'")
        .push(" AND occurred_at >= ")
        .push(MOMENT)
        .bind_i64(from_us)
        .push(" AND occurred_at < ")
        .push(MOMENT)
        .bind_i64(to_us);
    if let Some(after) = cursor {
        sql.push(" AND (tenant, shard, chain_index) > (toUUID(?), ?, ?)")
            .bind_uuid(after.tenant)
            .bind_u64(u64::from(after.shard))
            .bind_u64(after.chain_index);
    }
    sql.push(" ORDER BY tenant, shard, chain_index LIMIT ?")
        .bind_u64(PAGE as u64 + 1);
    app.rows(sql).await
}

/// The newest correction of each record that has one: cost and currency.
async fn corrections(
    app: &App,
    scope: &Scope,
    records: &[Recorded],
) -> Result<HashMap<Uuid, Standing>, Problem> {
    if records.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = records.iter().map(|record| record.event_id).collect();
    let mut sql = Sql::new(
        "SELECT target_event_id AS target, argMax(event_id, (edge_at, shard, chain_index)) AS last, \
         argMax(cost, (edge_at, shard, chain_index)) AS amount, \
         toString(argMax(currency, (edge_at, shard, chain_index))) AS currency",
    );
    sql.records(scope)
        .push(" AND kind = 'reprice' AND target_event_id IN ?")
        .bind_uuids(&ids)
        .push(" GROUP BY target_event_id LIMIT ?")
        .bind_u64(PAGE as u64);
    let rows: Vec<Corrected> = app.rows(sql).await?;
    let each = rows.into_iter();
    Ok(each
        .map(|row| {
            let standing = Standing {
                last: row.last,
                cost: row.amount.map(cost_text),
                currency: row.currency,
            };
            (row.target, standing)
        })
        .collect())
}

/// The tenant's prices that are in force now.
async fn book(app: &App, tenant: Uuid) -> Result<Option<PriceBook>, Problem> {
    let version = app
        .control
        .price_book_before(tenant, now_us())
        .await
        .map_err(control_problem)?;
    let Some(version) = version else { return Ok(None) };
    PriceBook::parse(&version.book, PriceTable::builtin())
        .map(Some)
        .map_err(|_| {
            tracing::error!(%tenant, number = version.number, "stored prices cannot be read");
            Problem::internal("the tenant's prices in the control store cannot be read")
        })
}

/// What the call of a record costs by today's prices, at its own time.
fn priced(header: &str, book: Option<&PriceBook>, counts: &mut Counts) -> Option<(Header, Price)> {
    let header: Option<Header> = serde_json::from_str(header).ok();
    let usage = header.as_ref().and_then(|header| {
        Usage::from_buckets(header.usage.iter().map(|(name, count)| (name.as_str(), *count)))
    });
    let Some((header, usage)) = header.zip(usage) else {
        counts.unreadable += 1;
        return None;
    };
    let terms: Vec<(&str, &str)> = header
        .price_terms
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let named = |name: &'_ str| (!name.is_empty()).then(|| name.to_owned());
    let (requested, model) = (named(&header.model_requested), named(&header.model));
    let call = PricedCall {
        provider: &header.provider,
        model_requested: requested.as_deref(),
        model: model.as_deref(),
        circumstances: &terms,
        at_us: header.occurred_at_us,
    };
    match call.price(PriceTable::builtin(), book, &usage) {
        Ok(price) => Some((header, price)),
        Err(_) => {
            counts.unpriced += 1;
            None
        }
    }
}

/// The same for the same record, price and correction before it: telling it twice is recorded once.
fn correction(call: &Call, record: &Recorded, last: Uuid, price: &Price) -> aal_event::Event {
    let target = record.event_id.to_string();
    let mut rule = price.rule.clone();
    rule.truncate(aal_event::MAX_REPRICE_TEXT);
    let detail: Map<String, Value> = [
        ("input_cost", price.input.to_string()),
        ("output_cost", price.output.to_string()),
        ("cost", price.total.to_string()),
        ("currency", price.currency.to_owned()),
        ("price_version", price.price_version.clone()),
        ("price_rule", rule),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text.into()))
    .collect();
    let total = price.total.to_string();
    let last = last.to_string();
    let parts = [
        target.as_str(),
        &last,
        &total,
        price.currency,
        &price.price_version,
    ];
    SystemEvent {
        kind: Kind::Reprice,
        event_id: aal_event::system_id(Kind::Reprice, &parts),
        tenant: record.tenant,
        actor: &call.scope.user.id.to_string(),
        action: "reprice",
        target: Some(record.event_id),
        reason: None,
        detail,
        occurred_at_us: None,
    }
    .into_event()
}
