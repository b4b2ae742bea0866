//! What differs between two sets of totals.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::{Days, Totals};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Calls.
    Requests,
    /// Tokens sent.
    InputTokens,
    /// Tokens answered.
    OutputTokens,
    /// US dollars.
    Cost,
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
}

/// Every difference, by day, model and measure. A measure that the provider does not state is not compared; one that the ledger
/// lacks is zero there. What only the ledger has is compared for the measures that the provider states elsewhere.
pub fn compare(provider: &Days, ledger: &Days) -> Vec<Difference> {
    let mut keys: Vec<_> = provider.keys().chain(ledger.keys()).collect();
    keys.sort();
    keys.dedup();
    let none = Totals::default();
    let mut out = Vec::new();
    for key in keys {
        let stated = provider.get(key);
        let held = ledger.get(key).unwrap_or(&none);
        for (measure, of) in MEASURES {
            let says = match stated {
                Some(totals) => of(totals),
                None => provider
                    .values()
                    .any(|totals| of(totals).is_some())
                    .then_some(Decimal::ZERO),
            };
            let Some(says) = says else { continue };
            let has = of(held).unwrap_or_default();
            if says != has {
                out.push(Difference {
                    day: key.0.clone(),
                    model: key.1.clone(),
                    measure,
                    provider: says,
                    ledger: has,
                    lacking: says.saturating_sub(has).normalize(),
                });
            }
        }
    }
    out
}

type Of = fn(&Totals) -> Option<Decimal>;

const MEASURES: [(Measure, Of); 4] = [
    (Measure::Requests, |totals| totals.requests.map(Decimal::from)),
    (Measure::InputTokens, |totals| {
        totals.input_tokens.map(Decimal::from)
    }),
    (Measure::OutputTokens, |totals| {
        totals.output_tokens.map(Decimal::from)
    }),
    (Measure::Cost, |totals| totals.cost),
];
