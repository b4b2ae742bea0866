//! Usage that was estimated, beside the exact sums of metrics and never in them.

use std::collections::{BTreeSet, HashMap};

use aal_service::Problem;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::logs::{Filters, cost_text};
use crate::scope::Scope;
use crate::sql::Sql;

#[derive(Row, Deserialize)]
struct EstimateRow {
    t: i64,
    first_group: String,
    second_group: String,
    calls: u64,
    tokens_in: u64,
    tokens_out: u64,
    unpriced: u64,
    money: i128,
    currencies: Vec<String>,
}

/// What was estimated at one point.
#[derive(Clone, Default)]
struct Estimated {
    calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    unpriced: u64,
    money: i128,
    currencies: BTreeSet<String>,
}

/// Estimates by time and groups.
#[derive(Default)]
pub(crate) struct Estimates(HashMap<(i64, String, String), Estimated>);

/// The header is read of estimated records only: the state is a small column that decides first.
const SUMS: &str = " AS second_group, count() AS calls, \
    sum(JSONExtractUInt(header, 'estimate', 'input_tokens')) AS tokens_in, \
    sum(JSONExtractUInt(header, 'estimate', 'output_tokens')) AS tokens_out, \
    countIf(NOT JSONHas(header, 'estimate', 'cost')) AS unpriced, \
    sum(toDecimal128OrZero(JSONExtractString(header, 'estimate', 'cost'), 18)) AS money, \
    arraySort(groupUniqArrayIf(JSONExtractString(header, 'estimate', 'currency'), \
        JSONHas(header, 'estimate', 'cost'))) AS currencies";

impl Estimates {
    /// Reads the estimates of what metrics are asked for.
    pub(crate) async fn read(
        app: &App,
        scope: &Scope,
        filters: &Filters,
        start: &'static str,
        groups: &[(&'static str, &'static str)],
    ) -> Result<Estimates, Problem> {
        let column = |position: usize| groups.get(position).map_or("''", |(_, column)| *column);
        let mut sql = Sql::new("SELECT ");
        sql.push(start)
            .push(" AS t, ")
            .push(column(0))
            .push(" AS first_group, ")
            .push(column(1))
            .push(SUMS)
            .records(scope)
            .push(" AND usage_state = 'usage_estimated'");
        filters.apply(app, scope, &mut sql).await?;
        sql.push(" GROUP BY t, first_group, second_group LIMIT ?")
            .bind_u64(app.limits.metric_points as u64);
        let rows: Vec<EstimateRow> = app.rows(sql).await?;
        let each = rows.into_iter().map(|row| {
            let estimated = Estimated {
                calls: row.calls,
                input_tokens: row.tokens_in,
                output_tokens: row.tokens_out,
                unpriced: row.unpriced,
                money: row.money,
                currencies: row.currencies.into_iter().collect(),
            };
            ((row.t, row.first_group, row.second_group), estimated)
        });
        Ok(Estimates(each.collect()))
    }

    /// Those of one point.
    pub(crate) fn of(&self, t: i64, first_group: &str, second_group: &str) -> Value {
        let key = (t, first_group.to_owned(), second_group.to_owned());
        self.0.get(&key).cloned().unwrap_or_default().json()
    }

    /// All of them.
    pub(crate) fn total(&self) -> Value {
        let mut total = Estimated::default();
        for one in self.0.values() {
            total.calls += one.calls;
            total.input_tokens += one.input_tokens;
            total.output_tokens += one.output_tokens;
            total.unpriced += one.unpriced;
            total.money = total.money.saturating_add(one.money);
            total.currencies.extend(one.currencies.iter().cloned());
        }
        total.json()
    }
}

impl Estimated {
    fn json(&self) -> Value {
        // A sum of several currencies is none.
        let has_cost = self.currencies.len() == 1;
        json!({
            "calls": self.calls, "input_tokens": self.input_tokens, "output_tokens": self.output_tokens,
            "unpriced": self.unpriced, "cost": has_cost.then(|| cost_text(self.money)),
            "currency": self.currencies.first().filter(|_| has_cost),
        })
    }
}
