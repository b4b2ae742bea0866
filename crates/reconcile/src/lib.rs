//! Compares what a provider says was used with what the ledger holds, by day (UTC) and model.
//!
//! [`read`] takes a provider's own usage or cost report, [`compare`] says what the ledger lacks or has in excess. No I/O: the
//! caller reads the file and asks the ledger.

mod compare;
mod export;

pub use compare::{Difference, Measure, compare};
pub use export::{BadExport, Provider, read};

use std::collections::BTreeMap;

use rust_decimal::Decimal;

/// What was used by one model on one day. None: the source does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls.
    pub requests: Option<u64>,
    /// Tokens sent, cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens answered.
    pub output_tokens: Option<u64>,
    /// US dollars, exact.
    pub cost: Option<Decimal>,
}

/// Totals by day (`YYYY-MM-DD`, UTC) and model.
pub type Days = BTreeMap<(String, String), Totals>;
