//! From stored records to a report: pure functions, no I/O, no clock.

mod decision;
mod exceptions;
mod fact;
mod filters;
mod header;
mod population;
mod range;
mod sources;
mod statements;
mod tally;

pub use decision::{DecisionParts, build_decision};
pub use fact::{Fact, SourceNumber};
pub use filters::{FilterError, Filters};
pub use header::{AmountError, fact_of};
pub use range::{BuildError, ChainHead, RangeBuilder, RangeLimits, ServerCounts};
pub use statements::{clauses, fields, kind_meaning, limits};
