//! The embedded ClickHouse engine as a process.

use aal_child::inside::{StopReason, stop_signal};
use aal_olap_engine::{Config, Stopped, default_library_path, run};
use clap::Parser;
use rustix::process::{Signal, getpid, kill_process};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Answers ClickHouse's HTTP protocol from libchdb.so.
#[derive(Debug, Parser)]
struct Arguments {
    /// The data directory; made when absent.
    #[arg(long)]
    data: PathBuf,
    /// The address to answer on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The engine library; without it the one that scripts/fetch-engine.sh fetched.
    #[arg(long)]
    library: Option<PathBuf>,
    /// Refuse statements when the engine uses more than this many bytes.
    #[arg(long)]
    max_memory_bytes: Option<u64>,
    /// End when the process that started this one ends.
    #[arg(long)]
    follow_parent: bool,
    /// The password that requests must carry. Given by the environment, so that it shows in no process list.
    #[arg(long, env = "AAL_OLAP_PASSWORD", hide_env_values = true)]
    password: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match start(Arguments::parse()).await {
        Ok(Stopped::Clean) => ExitCode::SUCCESS,
        Ok(Stopped::Abandoned) => {
            // Threads of the engine are still at work; running its destructors under them would abort.
            let _ = kill_process(getpid(), Signal::KILL);
            ExitCode::FAILURE
        }
        Err(error) => {
            let mut chain = format!("aal-olap-engine: {error}");
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

async fn start(arguments: Arguments) -> Result<Stopped, Box<dyn Error>> {
    let stop = stop_signal(arguments.follow_parent)?;
    let library = match arguments.library {
        Some(library) => library,
        None => default_library_path()?,
    };
    let config = Config {
        listen: arguments.listen,
        password: arguments.password.filter(|password| !password.is_empty()),
        max_memory_bytes: arguments.max_memory_bytes,
        ..Config::new(library, arguments.data)
    };
    let shutdown = async move {
        let reason: StopReason = stop.wait().await;
        tracing::info!(?reason, "stopping");
    };
    Ok(run(config, shutdown).await?)
}
