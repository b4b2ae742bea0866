//! What differs between a report and the ledger.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;

use crate::names::reported_as;
use crate::{Export, Totals};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Calls that were answered.
    Requests,
    /// Tokens sent, cached ones included.
    InputTokens,
    /// Tokens answered.
    OutputTokens,
    /// Tokens read from a cache.
    CacheReadTokens,
    /// Tokens written to a cache.
    CacheWriteTokens,
    /// Searches of the web.
    WebSearches,
    /// US dollars.
    Cost,
}

impl Measure {
    /// The name in JSON and in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Measure::Requests => "requests",
            Measure::InputTokens => "input_tokens",
            Measure::OutputTokens => "output_tokens",
            Measure::CacheReadTokens => "cache_read_tokens",
            Measure::CacheWriteTokens => "cache_write_tokens",
            Measure::WebSearches => "web_searches",
            Measure::Cost => "cost",
        }
    }
}

/// What the ledger holds of one day, model and operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// `YYYY-MM-DD`, UTC.
    pub day: String,
    /// The model that answered.
    pub model: String,
    /// `chat`, `embeddings`, ...
    pub operation: String,
    /// Every number; what is not known is zero there.
    pub totals: Totals,
    /// Calls without exact usage or without a price, whose part is missing in the totals.
    pub unpriced: u64,
}

/// One number on which provider and ledger do not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `YYYY-MM-DD`, UTC.
    pub day: String,
    /// As the provider names it.
    pub model: String,
    /// Which number.
    pub measure: Measure,
    /// What the provider states.
    pub provider: Decimal,
    /// What the ledger holds.
    pub ledger: Decimal,
    /// Provider less ledger: positive is lacking in the ledger, negative is in excess there.
    pub lacking: Decimal,
    /// Calls in the ledger of that day and model without exact usage or without a price: a likely reason.
    pub unpriced_calls: u64,
}

/// The outcome of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// How many numbers were compared; none is no agreement.
    pub compared: usize,
    /// By day, model and measure.
    pub differences: Vec<Difference>,
}

/// Compares a report with the ledger.
///
/// A measure that the provider states nowhere is not compared; what only one side has is zero on the other. Tokens and
/// calls are compared for the operations that the report is about, costs for all. Costs that differ by at most
/// `cost_tolerance` US dollars a day and model agree.
pub fn compare(export: &Export, ledger: &[LedgerRow], cost_tolerance: Decimal) -> Comparison {
    let provider = by_day_and_model(export);
    let held = held(export, ledger, &provider);
    let mut keys: Vec<_> = provider.keys().chain(held.keys()).collect();
    keys.sort();
    keys.dedup();
    let stated: Vec<_> = MEASURES
        .iter()
        .filter(|(_, of)| provider.values().any(|totals| of(totals).is_some()))
        .collect();
    let mut outcome = Comparison::default();
    for key in keys {
        let (has, unpriced_calls) = held.get(key).cloned().unwrap_or_default();
        for (measure, of) in &stated {
            let says = provider.get(key).and_then(*of).unwrap_or_default();
            let has = of(&has).unwrap_or_default();
            outcome.compared += 1;
            let lacking = says.saturating_sub(has).normalize();
            let agrees = *measure == Measure::Cost && lacking.abs() <= cost_tolerance;
            if says == has || agrees {
                continue;
            }
            outcome.differences.push(Difference {
                day: key.0.clone(),
                model: key.1.clone(),
                measure: *measure,
                provider: says,
                ledger: has,
                lacking,
                unpriced_calls,
            });
        }
    }
    outcome
}

/// Day and model.
type Key = (String, String);

fn by_day_and_model(export: &Export) -> BTreeMap<Key, Totals> {
    let mut days: BTreeMap<Key, Totals> = BTreeMap::new();
    for bucket in &export.buckets {
        for (model, totals) in &bucket.results {
            days.entry((bucket.day(), model.clone())).or_default().add(totals);
        }
    }
    days
}

/// What the ledger holds, under the names of the report, of what the report is about.
fn held(
    export: &Export,
    ledger: &[LedgerRow],
    provider: &BTreeMap<Key, Totals>,
) -> BTreeMap<Key, (Totals, u64)> {
    let reported: BTreeSet<&str> = provider.keys().map(|(_, model)| model.as_str()).collect();
    let states_costs = provider.values().any(|totals| totals.cost.is_some());
    let mut held: BTreeMap<Key, (Totals, u64)> = BTreeMap::new();
    for row in ledger {
        let is_meant = export.operations.contains(&row.operation.as_str());
        let totals = match (is_meant, states_costs) {
            (true, _) => row.totals.clone(),
            (false, true) => Totals {
                cost: row.totals.cost,
                ..Totals::default()
            },
            (false, false) => continue,
        };
        let model = reported_as(&row.model, &reported).to_owned();
        let (sum, unpriced) = held.entry((row.day.clone(), model)).or_default();
        sum.add(&totals);
        *unpriced += row.unpriced;
    }
    held
}

type Of = fn(&Totals) -> Option<Decimal>;

const MEASURES: [(Measure, Of); 7] = [
    (Measure::Requests, |totals| totals.requests.map(Decimal::from)),
    (Measure::InputTokens, |totals| {
        totals.input_tokens.map(Decimal::from)
    }),
    (Measure::OutputTokens, |totals| {
        totals.output_tokens.map(Decimal::from)
    }),
    (Measure::CacheReadTokens, |totals| {
        totals.cache_read_tokens.map(Decimal::from)
    }),
    (Measure::CacheWriteTokens, |totals| {
        totals.cache_write_tokens.map(Decimal::from)
    }),
    (Measure::WebSearches, |totals| {
        totals.web_searches.map(Decimal::from)
    }),
    (Measure::Cost, |totals| totals.cost),
];
