//! A thin client of the audit layer's edge.
//!
//! An event counts as recorded when [`Client::record`] returns a [`Receipt`]: the edge answers only after the log
//! acknowledged it. Anything that may pass is tried again with the same `event_id`, so a retry can not record an event
//! twice. At most [`Settings::max_in_flight`] requests run at once; further calls wait for their turn.
//!
//! ```no_run
//! # async fn example() -> Result<(), aal_client::ClientError> {
//! use serde_json::json;
//!
//! let client = aal_client::Client::new("http://127.0.0.1:8081", "aal_...")?;
//! let receipt = client
//!     .record(&json!({
//!         "application": "loan-desk",
//!         "provider": "openai",
//!         "operation": "chat",
//!         "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "body": "{}"},
//!     }))
//!     .await?;
//! println!("{} is recorded: {}", receipt.event_id, receipt.receipt);
//! # Ok(())
//! # }
//! ```
//!
//! [`AuditLayer`] with [`AuditMiddleware`] captures whole calls of a `reqwest` client in the background; see `docs/sdk-rust.md`.
//!
//! An `https://` address is checked against the operating system's trusted roots. Proxies from the environment are not
//! used: what is audited goes to the edge and nowhere else.

mod batch;
mod body;
mod capture;
mod clean;
mod client;
mod closing;
mod context;
mod counters;
mod delivery;
mod error;
mod layer;
mod mark;
mod middleware;
mod queue;
mod reply;
mod retry;
mod spool;

pub use batch::{BatchItem, BatchReply};
pub use client::{Client, Settings};
pub use context::{Attribution, Context, Subject};
pub use counters::Counts;
pub use error::ClientError;
pub use layer::{AuditLayer, AuditUnavailable, LayerSettings};
pub use middleware::AuditMiddleware;
pub use queue::LayerCounts;
pub use reply::{FieldProblem, Problem, Receipt};
pub use retry::RetryPolicy;
pub use spool::Spool;
