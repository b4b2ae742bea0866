//! The control store: what must be able to change or vanish. Users, sign-ins, API key hashes,
//! wrapped data keys, the subject directory, report jobs and leases, over SQLite or PostgreSQL with
//! the same queries.
//!
//! Nothing of the ledger is in here, and nothing in here is needed to verify the ledger. The clock
//! is the caller's: every method that needs the time takes `now_us`, microseconds since the epoch.

mod api_keys;
mod applications;
mod attempts;
pub mod auth;
mod break_glass;
mod erased_keys;
mod error;
mod holds;
mod jobs;
mod keks;
mod leases;
mod migrate;
mod password;
mod payload_keys;
mod policies;
mod policy_book;
mod price_books;
mod requests;
mod retention;
mod rewrap;
mod search_tokens;
mod settings;
mod store;
mod subjects;
mod tenants;
mod users;

pub use aal_policy::ContentMode;
pub use api_keys::{ApiKey, NewApiKey};
pub use applications::Application;
pub use attempts::AttemptLimit;
pub use break_glass::{BreakGlass, BreakGlassReview};
pub use error::ControlError;
pub use holds::{LegalHold, Release};
pub use jobs::{Job, JobFile, JobStatus, NewJob};
pub use keks::{Kek, KekCount, NewKek};
pub use payload_keys::{PayloadKey, ProviderSecret};
pub use policies::{PolicyVersion, PutPolicy};
pub use policy_book::{PolicyBook, Treatments};
pub use price_books::{PRICE_CHANGE_DELAY_US, PriceBookVersion};
pub use requests::{Requests, StoredRequest};
pub use retention::{MAX_RETENTION_DAYS, RetentionClass, RetentionRule, retention_days};
pub use rewrap::{Rewrapped, WrappedKey};
pub use search_tokens::{SearchScope, SearchToken};
pub use store::{Control, ControlConfig};
pub use subjects::{SubjectKey, WantedKey};
pub use tenants::{Tenant, TenantScope};
pub use users::{Authenticated, FirstAdmin, Role, User};
