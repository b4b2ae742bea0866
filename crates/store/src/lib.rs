//! The ClickHouse tables and how they are read and written. One client for the embedded engine and a server.

mod blocks;
mod config;
mod migrate;
mod project;
mod rewrite;
mod row;
mod stored;
mod told;

pub use blocks::{ChainHead, ShardHead, StoredId};
pub use config::{FOREGROUND, Store, StoreConfig, StoreError};
pub use migrate::{MIGRATIONS, Migration};
pub use project::{MONEY_SCALE, MoneyError, money_text};
pub use rewrite::Rewriting;
pub use row::RecordRow;
pub use stored::StoredRow;
pub use told::Told;
