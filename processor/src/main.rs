//! The processor as a program: `processor [CONFIG.toml]`.

use std::{path::PathBuf, process::ExitCode};

use aal_service::Shutdown;

#[tokio::main]
async fn main() -> ExitCode {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let config: processor::Config = match aal_service::config::load(file.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("processor: {error}");
            return ExitCode::from(2);
        }
    };
    aal_service::logging::init(&config.log);
    match processor::run(config, Shutdown::on_signals()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("processor: {error}");
            ExitCode::FAILURE
        }
    }
}
