//! From stored records to a report: pure functions, no I/O, no clock.

mod fact;
mod filters;
mod population;
mod range;
mod statements;
mod tally;

pub use fact::Fact;
pub use filters::{FilterError, Filters};
pub use range::{BuildError, ChainHead, RangeBuilder, RangeLimits, ServerCounts};
pub use statements::{clauses, fields, kind_meaning, limits};
