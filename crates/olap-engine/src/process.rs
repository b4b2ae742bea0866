//! The engine as a process: its arguments and its exit status.

use crate::config::{Config, default_library_path};
use crate::error::EngineError;
use crate::server::Stopped;
use aal_child::inside::stop_signal;
use clap::Args;
use rustix::process::{Signal, getpid, kill_process};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Answers ClickHouse's HTTP protocol from libchdb.so.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The data directory; made when absent. One process at a time.
    #[arg(long)]
    pub data: PathBuf,
    /// The address to answer on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The engine library; without it the one that scripts/fetch-engine.sh fetched.
    #[arg(long)]
    pub library: Option<PathBuf>,
    /// End when the process that started this one ends.
    #[arg(long)]
    pub follow_parent: bool,
    /// The password that requests must carry. Given by the environment, so that it shows in no process list.
    #[arg(long, env = "AAL_OLAP_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// Refuse statements when the engine uses more than this many bytes.
    #[arg(long)]
    pub max_memory_bytes: Option<u64>,
    /// How many statements run at once.
    #[arg(long, default_value_t = 64)]
    pub max_statements: usize,
    /// How long a statement waits for its turn.
    #[arg(long, default_value_t = 30_000)]
    pub queue_timeout_ms: u64,
    /// How long a statement may run when it does not say itself.
    #[arg(long, default_value_t = 300)]
    pub statement_timeout_s: u64,
    /// How long a client may neither send nor take a byte.
    #[arg(long, default_value_t = 120_000)]
    pub stall_timeout_ms: u64,
    /// How long a predecessor may still hold the data directory.
    #[arg(long, default_value_t = 10_000)]
    pub open_timeout_ms: u64,
}

impl Arguments {
    fn into_config(self) -> Result<Config, EngineError> {
        let library = match self.library {
            Some(library) => library,
            None => default_library_path()?,
        };
        Ok(Config {
            listen: self.listen,
            password: self.password.filter(|password| !password.is_empty()),
            max_statements: self.max_statements,
            queue_timeout: Duration::from_millis(self.queue_timeout_ms),
            statement_timeout: Duration::from_secs(self.statement_timeout_s),
            stall_timeout: Duration::from_millis(self.stall_timeout_ms),
            open_timeout: Duration::from_millis(self.open_timeout_ms),
            max_memory_bytes: self.max_memory_bytes,
            ..Config::new(library, self.data)
        })
    }
}

/// Runs the engine until it is told to stop, within a tokio runtime. What `audit olap-engine` and this package's
/// binary do; standard output is for the ready line only.
pub async fn run_process(arguments: Arguments) -> ExitCode {
    match run(arguments).await {
        Ok(Stopped::Clean) => ExitCode::SUCCESS,
        Ok(Stopped::Abandoned) => {
            // Threads of the engine are still at work; running its destructors under them would abort.
            let _ = kill_process(getpid(), Signal::KILL);
            ExitCode::FAILURE
        }
        Err(error) => {
            let mut chain = format!("olap engine: {error}");
            let mut cause = error.source();
            while let Some(source) = cause {
                chain.push_str(&format!(": {source}"));
                cause = source.source();
            }
            eprintln!("{chain}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<Stopped, Box<dyn Error>> {
    let stop = stop_signal(arguments.follow_parent)?;
    let mut config = arguments.into_config()?;
    // Relative names in statements must not reach into whatever directory the parent was started in.
    std::fs::create_dir_all(&config.data)?;
    config.data = config.data.canonicalize()?;
    config.library = config.library.canonicalize()?;
    std::env::set_current_dir(&config.data)?;
    let shutdown = async move {
        let reason = stop.wait().await;
        tracing::info!(?reason, "stopping");
    };
    Ok(crate::run(config, shutdown).await?)
}
