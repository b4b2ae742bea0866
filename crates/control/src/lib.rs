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
mod error;
mod jobs;
mod leases;
mod migrate;
mod password;
mod price_books;
mod settings;
mod store;
mod subjects;
mod tenants;
mod users;

pub use api_keys::{ApiKey, NewApiKey};
pub use applications::{Application, ContentMode};
pub use attempts::AttemptLimit;
pub use error::ControlError;
pub use jobs::{Job, JobFile, JobStatus, NewJob};
pub use price_books::{PRICE_CHANGE_DELAY_US, PriceBookVersion};
pub use store::{Control, ControlConfig};
pub use subjects::{SubjectKey, WantedKey};
pub use tenants::{Tenant, TenantScope};
pub use users::{Authenticated, FirstAdmin, Role, User};
