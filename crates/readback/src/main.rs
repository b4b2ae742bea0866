//! The read-back as a program: `readback [CONFIG.toml]`.

use std::{path::PathBuf, process::ExitCode};

use aal_service::Shutdown;

#[tokio::main]
async fn main() -> ExitCode {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let config: aal_readback::Config = match aal_service::config::load(file.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("readback: {error}");
            return ExitCode::from(2);
        }
    };
    aal_service::logging::init(&config.log);
    match aal_readback::run(config, Shutdown::on_signals()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("readback: {error}");
            ExitCode::FAILURE
        }
    }
}
