//! `audit witness`: a small C2SP witness that customers and auditors run for logs of others (docs/witness.md).

use std::process::ExitCode;

use aal_service::Shutdown;
use aal_service::logging::{LogConfig, init};
use aal_witness::{ServerError, WitnessConfig};
use serde_json::json;

use crate::cli::WitnessArguments;

/// Answers until it is stopped. The first lines on standard output are its address and the keys to put into policies.
pub async fn run(arguments: WitnessArguments) -> Result<ExitCode, ServerError> {
    init(&LogConfig::default());
    let config = WitnessConfig {
        listen: arguments.listen,
        directory: arguments.data,
        policy: arguments.policy,
        name: arguments.name,
        requests_per_second: arguments.requests_per_second,
    };
    let running = aal_witness::run(&config, Shutdown::on_signals()).await?;
    let address = format!("http://{}", running.bound.addr);
    let keys: Vec<String> = running.verifier_keys.iter().map(ToString::to_string).collect();
    if arguments.json {
        println!("{}", json!({"address": address, "verifier_keys": keys}));
    } else {
        println!("witness   {address}");
        for key in &keys {
            println!("vkey      {key}");
        }
    }
    running.stopped().await;
    Ok(ExitCode::SUCCESS)
}
