//! The engine's configuration and where its library is found.

use crate::error::EngineError;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The version of the npm package that `scripts/fetch-engine.sh` fetches.
pub const ENGINE_VERSION: &str = "26.7.3-stable.1";

/// How an engine process runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The engine library, `libchdb.so`.
    pub library: PathBuf,
    /// Where the engine keeps its data; made when absent. One process at a time.
    pub data: PathBuf,
    /// Where to answer; port 0 takes a free one. Loopback: there is no TLS.
    pub listen: SocketAddr,
    /// When set, every request but `/ping` must carry it (`X-ClickHouse-Key`, basic authentication or the
    /// `password` parameter), so that other users of the machine cannot read the data. The user name is ignored.
    pub password: Option<String>,
    /// How many statements run at once; more of them wait.
    pub max_statements: usize,
    /// How long a statement waits for its turn before it is refused with code 202.
    pub queue_timeout: Duration,
    /// `max_execution_time` of statements that do not set their own, in whole seconds.
    pub statement_timeout: Duration,
    /// How long a client may neither send nor take a byte before its statement is given up.
    pub stall_timeout: Duration,
    /// How long opening is retried while a predecessor still holds the data directory.
    pub open_timeout: Duration,
    /// How long running statements get to end when the process has to stop.
    pub stop_timeout: Duration,
    /// `max_server_memory_usage` in bytes: statements above it are refused (it does not cap resident memory).
    pub max_memory_bytes: Option<u64>,
}

impl Config {
    /// The defaults for a library and a data directory: loopback, a free port, no password.
    pub fn new(library: PathBuf, data: PathBuf) -> Self {
        Self {
            library,
            data,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            password: None,
            max_statements: 64,
            queue_timeout: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(300),
            stall_timeout: Duration::from_secs(120),
            open_timeout: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(4),
            max_memory_bytes: None,
        }
    }
}

/// Where the engine library is: `AAL_CHDB_LIB`, or where `scripts/fetch-engine.sh` puts it
/// (`${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/engine/VERSION/libchdb.so`).
///
/// # Errors
/// [`EngineError::LibraryMissing`] when there is no file at that place.
pub fn default_library_path() -> Result<PathBuf, EngineError> {
    let named = std::env::var_os("AAL_CHDB_LIB")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    let path = match named {
        Some(path) => path,
        None => {
            let cache = std::env::var_os("XDG_CACHE_HOME")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from);
            let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
            let cache = cache.or_else(home).ok_or(EngineError::LibraryMissing)?;
            cache
                .join("ai-audit-layer/engine")
                .join(ENGINE_VERSION)
                .join("libchdb.so")
        }
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(EngineError::LibraryMissing)
    }
}
