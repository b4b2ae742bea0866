//! The sealer as a program: `sealer [CONFIG.toml]`.

use std::{path::PathBuf, process::ExitCode};

use aal_service::Shutdown;

#[tokio::main]
async fn main() -> ExitCode {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let config: aal_sealer::Config = match aal_service::config::load(file.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("sealer: {error}");
            return ExitCode::from(2);
        }
    };
    aal_service::logging::init(&config.log);
    match aal_sealer::run(config, Shutdown::on_signals()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sealer: {error}");
            ExitCode::FAILURE
        }
    }
}
