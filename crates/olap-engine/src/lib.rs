//! The embedded ClickHouse engine behind ClickHouse's HTTP protocol.
//!
//! `libchdb.so` is the ClickHouse engine as a library. This crate runs it in a small process of its own and answers
//! the part of ClickHouse's HTTP interface that clients use on loopback, so that every service needs only one
//! client and one URL whether its store is embedded or a cluster. The unmodified `clickhouse` crate is the measure.
//!
//! Architecture invariant: services never link this crate; they see a URL. It is started as a child process
//! (`audit olap-engine`, or this package's binary), dies with its parent, and announces its address as one line
//! of JSON. In tests [`Server`] may run inside the test's process: one data directory per process.
//!
//! # What works
//! `GET` and `POST /`, `/ping`; statement in `query`, in the body, in a form, or cut between `query` and body;
//! settings, `database`, `param_*`, `default_format`, `query_id`, `wait_end_of_query`; streamed results and INSERTs;
//! `compress=1` and `decompress=1` with LZ4; error codes, statuses and late errors as a server has them; a statement
//! is killed when its client goes away.
//!
//! # What does not
//! Users, roles, sessions over several requests (`session_id` is ignored, so no temporary tables), external tables,
//! HTTP content encodings, progress headers, `INTO OUTFILE` and `FROM INFILE`, and every function, table engine or
//! table name that reaches outside the database (`guard`). A result in a format that is one
//! document (JSON, Parquet, ...) is made in memory. An INSERT of more than about a million rows becomes several
//! blocks and is not atomic, as on a server.
//!
//! # Where things are
//! [`config`] and [`server`] are the outside; `http` answers requests with the help of `request` (taking them
//! apart), `body`, `sql`, `guard` and `lexer` (what the statement is), `run` (running it on a thread), `formats` and `framing`
//! (bytes), `answer` (headers, errors). `engine` opens sessions; `ffi` is the only unsafe code.

mod answer;
mod body;
pub mod config;
mod engine;
pub mod error;
mod ffi;
mod formats;
mod framing;
mod guard;
mod http;
mod lexer;
mod process;
mod request;
mod run;
pub mod server;
mod sql;

pub use config::{Config, ENGINE_VERSION, default_library_path};
pub use error::EngineError;
pub use process::{Arguments, run_process};
pub use server::{Server, Stopped};

/// Opens the engine, prints the ready line (see [`aal_child`]) and answers until `shutdown` completes.
///
/// # Errors
/// [`EngineError`] when it cannot start.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<Stopped, EngineError> {
    let server = Server::bind(config).await?;
    aal_child::inside::announce(server.address()).map_err(|source| EngineError::Io {
        what: "standard output".to_owned(),
        source,
    })?;
    Ok(server.serve(shutdown).await)
}
