//! `audit-verify`: the program to hand to an auditor. It needs the bundle and a trust policy, and no network.

use std::process::ExitCode;

use audit_verify::{BundleArguments, run};
use clap::Parser;

/// Verifies an evidence bundle offline.
///
/// Exit status: 0 proven, 1 refuted, 2 unreadable or bad input, 3 unproven.
#[derive(Debug, Parser)]
#[command(version, name = "audit-verify")]
struct Cli {
    #[command(flatten)]
    arguments: BundleArguments,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.arguments) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("audit-verify: {error}");
            ExitCode::from(2)
        }
    }
}
