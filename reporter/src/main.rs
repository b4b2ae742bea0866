//! The reporter as a program: `reporter [CONFIG.toml]`.

use std::path::PathBuf;
use std::process::ExitCode;

use aal_service::{Shutdown, config, logging};

#[tokio::main]
async fn main() -> ExitCode {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let config: reporter::Config = match config::load(path.as_deref()) {
        Ok(config) => config,
        Err(error) => return fail(&error),
    };
    logging::init(&config.log);
    match reporter::run(config, Shutdown::on_signals()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("reporter: {error}");
    ExitCode::from(2)
}
