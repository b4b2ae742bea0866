//! The gateway as a program: `gateway [CONFIG.toml]`.

use std::{path::PathBuf, process::ExitCode};

use aal_service::{Shutdown, config, logging};

#[tokio::main]
async fn main() -> ExitCode {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let config: ingest::GatewayProgramConfig = match config::load(path.as_deref()) {
        Ok(config) => config,
        Err(error) => return fail(&error),
    };
    logging::init(&config.log);
    match ingest::run_gateway(config, Shutdown::on_signals()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("gateway: {error}");
    ExitCode::from(2)
}
