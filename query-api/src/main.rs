//! The query API as a program: `query-api [CONFIG.toml]`.

use std::path::PathBuf;
use std::process::ExitCode;

use aal_service::{Shutdown, config, logging};

#[tokio::main]
async fn main() -> ExitCode {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let config: query_api::Config = match config::load(path.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("query-api: {error}");
            return ExitCode::from(2);
        }
    };
    logging::init(&config.log);
    match query_api::run(config, Shutdown::on_signals()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("query-api: {error}");
            ExitCode::from(2)
        }
    }
}
