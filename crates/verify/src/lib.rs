//! Checks that stored records are what was sealed: every byte re-hashed, every link followed, every column
//! compared, every manifest chained up to a checkpoint signed by a pinned key (ledger-format.md section 11).
//!
//! Feed a [`Verifier`] checkpoints, then all manifests, then the newest heads, then the records chain by chain;
//! [`Verifier::finish`] gives the [`Report`]. Memory grows with the number of chains, not of records.
//!
//! Architecture invariant: this crate has no I/O, no clock, and nothing of ClickHouse, Kafka, tokio or the
//! network among its dependencies (a test reads `cargo tree`).

mod anchor;
mod bundle;
mod chain;
mod content;
mod leaves;
mod offsets;
mod projection;
mod receipts;
mod record;
mod report;
mod single;
mod timestamps;
mod verifier;
mod witness;
mod witnessed;

pub use bundle::{BundleFacts, BundleOptions, verify_bundle};
pub use leaves::{LeavesChecked, LeavesError, check_leaves};
pub use projection::{COLUMNS, Column, ColumnSource, SourceField};
pub use receipts::{MAX_RECEIPT_LINE, ReceiptReport, Receipts, ReceiptsError};
pub use record::{StoredCiphertext, StoredRecord, StoredTemplate};
pub use report::{Finding, Report, Severity, Status, Verdict, VerdictReport};
pub use single::{SingleCheck, check_record};
pub use verifier::Verifier;
pub use witnessed::{Witnessed, WitnessedNote, WitnessedTime};
