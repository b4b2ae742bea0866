//! `GET /api/v1/metrics`: sums, percentiles and counts over time, by up to two names.

use std::collections::BTreeMap;

use aal_service::Problem;
use aal_service::times::rfc3339_us;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use warp::reply::Response;

use crate::call::{Call, json, wrong};
use crate::estimates::Estimates;
use crate::logs::{FILTER_NAMES, Filters, counts_json, flagged_events, overridden_events};
use crate::scope::Scope;
use crate::sessions::one_currency;
use crate::sql::Sql;

/// Names a group may have, and the column behind each.
const GROUPS: &[(&str, &str)] = &[
    ("application", "toString(application)"),
    ("provider", "toString(provider)"),
    ("model", "toString(model)"),
    ("decision_type", "toString(decision_type)"),
    ("environment", "toString(environment)"),
    ("user_id", "user_id"),
    ("operation", "toString(operation)"),
    ("status", "toString(status)"),
];

/// Intervals, and the start of each in seconds since the epoch, UTC; weeks begin on Monday.
const INTERVALS: &[(&str, &str)] = &[
    (
        "minute",
        "toInt64(toUnixTimestamp(toStartOfMinute(occurred_at, 'UTC')))",
    ),
    (
        "hour",
        "toInt64(toUnixTimestamp(toStartOfHour(occurred_at, 'UTC')))",
    ),
    (
        "day",
        "toInt64(toUnixTimestamp(toStartOfDay(occurred_at, 'UTC')))",
    ),
    (
        "week",
        "toInt64(toUnixTimestamp(toDateTime(toStartOfWeek(occurred_at, 1, 'UTC'), 'UTC')))",
    ),
    (
        "month",
        "toInt64(toUnixTimestamp(toDateTime(toStartOfMonth(occurred_at, 'UTC'), 'UTC')))",
    ),
];

#[derive(Row, Deserialize)]
struct PointRow {
    t: i64,
    first_group: String,
    second_group: String,
    calls: u64,
    errors: u64,
    broken_off: u64,
    latency_us: Vec<u64>,
    timed: u64,
    first_us: Vec<u64>,
    first_tokens: u64,
    tokens: Vec<(String, u64)>,
    tokens_in: u64,
    tokens_out: u64,
    removed: Vec<(String, u64)>,
    money: Option<i128>,
    currencies: Vec<String>,
    unpriced: u64,
    flagged: u64,
    overridden: u64,
}

const SUMS: &str = " AS second_group, count() AS calls, countIf(is_error) AS errors, \
    countIf(interrupted) AS broken_off, \
    arrayMap(us -> toUInt64(us), quantilesExactIf(0.5, 0.95, 0.99)(ifNull(duration_us, 0), duration_us IS NOT NULL)) \
        AS latency_us, \
    countIf(duration_us IS NOT NULL) AS timed, \
    arrayMap(us -> toUInt64(us), \
        quantilesExactIf(0.5, 0.95, 0.99)(ifNull(first_token_us, 0), first_token_us IS NOT NULL)) AS first_us, \
    countIf(first_token_us IS NOT NULL) AS first_tokens, sumMap(usage) AS tokens, \
    sum(input_tokens) AS tokens_in, sum(output_tokens) AS tokens_out, sumMap(pii) AS removed, ";

/// Cost as it was recorded.
const RECORDED: &str = "sum(cost) AS money, \
    arraySort(groupUniqArrayIf(toString(currency), cost IS NOT NULL)) AS currencies, \
    countIf(unpriced_reason != '') AS unpriced, countIf(event_id IN (";

/// Cost by the newest correction of each call, where it has one.
const CURRENT: &str = "sum(if(fixed_event_id = toUUID('00000000-0000-0000-0000-000000000000'), cost, fixed_cost)) AS money, \
    arraySort(groupUniqArrayIf(if(fixed_event_id = toUUID('00000000-0000-0000-0000-000000000000'), \
        toString(currency), fixed_currency), cost IS NOT NULL OR fixed_cost IS NOT NULL)) AS currencies, \
    countIf(unpriced_reason != '' AND fixed_event_id = toUUID('00000000-0000-0000-0000-000000000000')) AS unpriced, \
    countIf(event_id IN (";

/// Which of the prices that a call ever had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PriceView {
    Recorded,
    Current,
}

impl PriceView {
    fn of(text: Option<&str>) -> Result<PriceView, Problem> {
        match text {
            None | Some("recorded") => Ok(PriceView::Recorded),
            Some("current") => Ok(PriceView::Current),
            Some(_) => Err(wrong("price_view", "recorded or current")),
        }
    }
}

pub(crate) async fn metrics(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&[FILTER_NAMES, &["interval", "group_by", "price_view"]].concat())?;
    let filters = Filters::of_query(query)?;
    let scope = call.scope.narrowed(filters.tenant)?;
    let interval = query.text("interval").unwrap_or("day");
    let start = INTERVALS
        .iter()
        .find(|(name, _)| *name == interval)
        .map(|(_, start)| *start);
    let start = start.ok_or_else(|| wrong("interval", "minute, hour, day, week or month"))?;
    let groups = groups_of(query.text("group_by").unwrap_or(""))?;
    let view = PriceView::of(query.text("price_view"))?;

    let most = call.app.limits.metric_points;
    let mut sql = select(&scope, start, &groups, view);
    filters.apply(&call.app, &scope, &mut sql).await?;
    sql.push(" GROUP BY t, first_group, second_group ORDER BY first_group, second_group, t LIMIT ?")
        .bind_u64(most as u64 + 1);
    let points: Vec<PointRow> = call.app.rows(sql).await?;
    if points.len() > most {
        let problem = Problem::validation(format!("the answer would have more than {most} points"));
        return Err(problem.with_error(
            "?interval",
            "choose a longer interval, a shorter range or fewer groups",
        ));
    }
    let mut sql = select(&scope, "toInt64(0)", &[], view);
    filters.apply(&call.app, &scope, &mut sql).await?;
    sql.push(" GROUP BY t, first_group, second_group LIMIT 1");
    let totals: Option<PointRow> = call.app.row(sql).await?;

    let estimates = Estimates::read(&call.app, &scope, &filters, start, &groups).await?;

    let names: Vec<&str> = groups.iter().map(|(name, _)| *name).collect();
    let mut totals = totals.map_or_else(
        || json!({"calls": 0, "errors": 0}),
        |row| Value::Object(point_json(&row)),
    );
    totals["estimated"] = estimates.total();
    let price_view = if view == PriceView::Current {
        "current"
    } else {
        "recorded"
    };
    json(&json!({
        "from": filters.from_us.map(rfc3339_us), "to": filters.to_us.map(rfc3339_us), "interval": interval,
        "group_by": names, "price_view": price_view, "series": series(&points, &names, &estimates), "totals": totals,
    }))
}

fn groups_of(text: &str) -> Result<Vec<(&'static str, &'static str)>, Problem> {
    let shape = || {
        let names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
        wrong(
            "group_by",
            &format!("at most two different names of {}", names.join(", ")),
        )
    };
    let mut groups: Vec<(&'static str, &'static str)> = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let group = GROUPS
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(shape)?;
        if groups.contains(group) || groups.len() == 2 {
            return Err(shape());
        }
        groups.push(*group);
    }
    Ok(groups)
}

fn select(
    scope: &Scope,
    start: &'static str,
    groups: &[(&'static str, &'static str)],
    view: PriceView,
) -> Sql {
    let column = |position: usize| groups.get(position).map_or("''", |(_, column)| *column);
    let mut sql = Sql::new("SELECT ");
    sql.push(start)
        .push(" AS t, ")
        .push(column(0))
        .push(" AS first_group, ")
        .push(column(1))
        .push(SUMS)
        .push(if view == PriceView::Current {
            CURRENT
        } else {
            RECORDED
        });
    sql.append(flagged_events(scope))
        .push(")) AS flagged, countIf(event_id IN (");
    sql.append(overridden_events(scope)).push(")) AS overridden");
    match view {
        PriceView::Recorded => sql.records(scope),
        PriceView::Current => sql.records_repriced(scope),
    };
    sql
}

fn series(points: &[PointRow], names: &[&str], estimates: &Estimates) -> Vec<Value> {
    let mut by_group: BTreeMap<(&str, &str), Vec<Value>> = BTreeMap::new();
    for point in points {
        let mut value = point_json(point);
        value.insert(
            "t".to_owned(),
            rfc3339_us(point.t.saturating_mul(1_000_000)).into(),
        );
        let estimated = estimates.of(point.t, &point.first_group, &point.second_group);
        value.insert("estimated".to_owned(), estimated);
        by_group
            .entry((&point.first_group, &point.second_group))
            .or_default()
            .push(Value::Object(value));
    }
    by_group
        .into_iter()
        .map(|((first, second), points)| {
            let group: Map<String, Value> = names
                .iter()
                .zip([first, second])
                .map(|(name, value)| ((*name).to_owned(), value.into()))
                .collect();
            json!({"group": group, "points": points})
        })
        .collect()
}

fn point_json(row: &PointRow) -> Map<String, Value> {
    let value = json!({
        "calls": row.calls, "errors": row.errors, "interrupted": row.broken_off,
        "latency_ms": percentiles(&row.latency_us, row.timed),
        "first_token_ms": percentiles(&row.first_us, row.first_tokens),
        "tokens": counts_json(&row.tokens), "input_tokens": row.tokens_in, "output_tokens": row.tokens_out,
        "cost": one_currency(row.money, &row.currencies), "currency": row.currencies.first(),
        "currencies": row.currencies, "unpriced": row.unpriced, "redactions": counts_json(&row.removed),
        "flagged": row.flagged, "overrides": row.overridden,
    });
    if let Value::Object(members) = value {
        members
    } else {
        Map::new()
    }
}

/// Exact percentiles in milliseconds; `null` when nothing was timed, never 0.
fn percentiles(us: &[u64], timed: u64) -> Value {
    match us {
        [p50, p95, p99] if timed > 0 => {
            let ms = crate::logs::number_ms;
            json!({"p50": ms(*p50), "p95": ms(*p95), "p99": ms(*p99)})
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_two_known_groups() {
        assert_eq!(groups_of("model, provider").unwrap().len(), 2);
        assert!(groups_of("").unwrap().is_empty());
        for bad in ["models", "model,model", "model,provider,status"] {
            assert!(groups_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_timed_is_not_zero() {
        assert_eq!(percentiles(&[0, 0, 0], 0), Value::Null);
        assert_eq!(percentiles(&[1_000, 2_500, 3_000], 4)["p95"], json!(2.5));
    }
}
