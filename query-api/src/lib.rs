//! The query API: sign-in, records, sessions, metrics, live feed, reports and proofs over HTTP.
//!
//! Reads come from ClickHouse and the control store; nothing here writes to ClickHouse. What a user
//! does that must be remembered (outcomes, reads, changes) is put on the log like any other event.
//!
//! Architecture invariant: a handler of signed-in users receives a [`scope::Scope`], and no question
//! about records can be asked without one ([`sql::Sql::records`]).

mod access;
mod admin;
mod app;
mod auth_routes;
mod call;
pub mod config;
mod console;
mod dead_letters;
mod detectors;
mod estimates;
mod feed;
mod key_work;
mod ledger;
mod logs;
mod metrics;
mod openapi;
mod reports;
mod router;
mod routes;
mod scope;
mod serve;
mod sessions;
mod sql;
mod subjects;

pub use app::StartError;
pub use config::{
    Config, ConsoleConfig, ErasureConfig, KeysConfig, LedgerConfig, Limits, ObjectsConfig, TrustConfig,
};
pub use ledger::tile_reader::TileReader;
pub use serve::{Running, run, start};
