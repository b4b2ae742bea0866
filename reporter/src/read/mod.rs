//! Reads the ledger. What is read is checked against the leaves before it is believed.

mod anchor;
mod check;
mod decision;
mod range;
mod rows;

pub use anchor::{AnchorReader, Sealed, SealedChain};
pub use check::ContentCheck;
pub use decision::read_decision;
pub use range::read_range;

use aal_store::Store;

use crate::build::BuildError;

/// Why the records of a report could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store did not answer or refused; worth another try.
    #[error("cannot read the records from the store")]
    Store(#[from] clickhouse::error::Error),
    /// The anchor's objects did not answer; worth another try.
    #[error("cannot read the checkpoint from the anchor store")]
    Anchor(#[from] object_store::Error),
    /// There is no such decision for the one who asks.
    #[error("no decision {0} is recorded")]
    NotFound(uuid::Uuid),
    /// The period has more records than a report may have.
    #[error("the period has {found} records, a report may have {limit}; choose a shorter period")]
    TooMany {
        /// Records of the period.
        found: u64,
        /// Most records of a report.
        limit: u64,
    },
    /// A stored record cannot be read at all.
    #[error("record at shard {shard}, index {index} cannot be read: {what}; run audit verify")]
    Damaged {
        /// Its shard.
        shard: u32,
        /// Its index in the chain.
        index: u64,
        /// What is wrong.
        what: String,
    },
    /// The figures cannot be added up.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl ReadError {
    /// Whether another try may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Anchor(_))
    }
}

/// The ledger as reports read it.
#[derive(Debug, Clone)]
pub struct Reader {
    store: Store,
    query_timeout_ms: u64,
    records_max: u64,
}

impl Reader {
    /// A reader with its limits: time of one statement, and most records of a period.
    #[must_use]
    pub fn new(store: Store, query_timeout_ms: u64, records_max: u64) -> Self {
        Self {
            store,
            query_timeout_ms,
            records_max,
        }
    }

    /// A query that the store ends by itself after the limit.
    pub(crate) fn query(&self, statement: &str) -> clickhouse::query::Query {
        let seconds = self.query_timeout_ms.div_ceil(1000).max(1);
        let client = self
            .store
            .client()
            .clone()
            .with_setting("max_execution_time", seconds.to_string());
        client.query(statement)
    }
}
