//! The embedded ClickHouse engine as a process.

use aal_olap_engine::{Arguments, run_process};
use clap::Parser;
use std::process::ExitCode;

/// Answers ClickHouse's HTTP protocol from libchdb.so.
#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    run_process(Command::parse().arguments).await
}
