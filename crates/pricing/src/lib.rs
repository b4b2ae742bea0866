//! Usage buckets and exact prices.
//!
//! - [`Usage`]: what a call consumed, by [`Unit`]; totals include their parts whatever the provider's convention.
//! - [`Usage::buckets`]: the same as disjoint buckets, in which every token is counted once.
//! - [`PriceTable`]: effective-dated prices of two published lists (see `data/NOTICE.md`), made by
//!   `scripts/import-prices.py`. It also holds the rules that read usage out of each provider's answers.
//!
//! Invariants: amounts are exact decimals, never floats; what has no price is [`Unpriced`] with a reason, never zero;
//! parts that exceed their total are refused, never clamped. No I/O and no clock: the time of a call is an argument.

mod book;
mod book_form;
mod bucket;
mod clause;
mod extract;
mod line;
mod load;
mod names;
mod price;
mod table;
mod time_rule;
mod unit;
mod usage;

pub use book::{BookError, MAX_DEPLOYMENTS, MAX_PRICES, PriceBook};
pub use bucket::{Bucket, Buckets, PartsExceedTotal};
pub use extract::{ExtractError, Extracted};
pub use line::{BadLine, price_line};
pub use load::{LoadError, Source};
pub use price::{MAX_SCALE, Price, Unpriced};
pub use table::{Circumstances, PriceTable};
pub use unit::{Direction, Unit, UnitSet};
pub use usage::Usage;
