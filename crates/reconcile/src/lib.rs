//! Compares what a provider says was used with what the ledger holds, by day (UTC) and model.
//!
//! [`Export::read`] takes a provider's own usage or cost report (JSON of its administration API, or CSV),
//! [`Export::within`] limits it to a period, [`compare`] says what the ledger lacks or has in excess. No I/O: the
//! caller reads the file and asks the ledger.

mod api;
mod compare;
mod csv_form;
mod export;
mod names;

pub use compare::{Comparison, Difference, LedgerRow, Measure, compare};
pub use export::{BadExport, Bucket, Export, MAX_BYTES, Provider};

use rust_decimal::Decimal;

/// What was used. None: the source does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls that were answered.
    pub requests: Option<u64>,
    /// Tokens sent, cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens answered.
    pub output_tokens: Option<u64>,
    /// Tokens among the sent ones that were read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Tokens among the sent ones that were written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// Searches of the web that the provider made.
    pub web_searches: Option<u64>,
    /// US dollars, exact.
    pub cost: Option<Decimal>,
}

impl Totals {
    /// Adds what another source says; a number that only one of them states is that one's.
    pub fn add(&mut self, more: &Totals) {
        let sum = |left: Option<u64>, right: Option<u64>| match (left, right) {
            (Some(left), Some(right)) => Some(left.saturating_add(right)),
            (left, right) => left.or(right),
        };
        self.requests = sum(self.requests, more.requests);
        self.input_tokens = sum(self.input_tokens, more.input_tokens);
        self.output_tokens = sum(self.output_tokens, more.output_tokens);
        self.cache_read_tokens = sum(self.cache_read_tokens, more.cache_read_tokens);
        self.cache_write_tokens = sum(self.cache_write_tokens, more.cache_write_tokens);
        self.web_searches = sum(self.web_searches, more.web_searches);
        self.cost = match (self.cost, more.cost) {
            (Some(left), Some(right)) => Some(left.saturating_add(right)),
            (left, right) => left.or(right),
        };
    }
}
