//! `audit`: the one command-line program.

mod api;
mod bundle;
mod cli;
mod dead_letters;
mod demo;
mod erase;
mod keys;
mod lines;
mod local;
mod prune;
mod receipts;
mod reconcile;
mod replay;
mod reprice;
mod up;
mod verify;
mod verify_tiles;
mod witness;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};

/// Prints a chain of causes and gives the exit status of bad input.
fn failed(error: &dyn std::error::Error) -> ExitCode {
    let mut text = format!("audit: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        let source_text = source.to_string();
        if !text.contains(&source_text) {
            text.push_str(&format!(": {source_text}"));
        }
        cause = source.source();
    }
    eprintln!("{text}");
    ExitCode::from(2)
}

fn finish<Error: std::error::Error>(result: Result<ExitCode, Error>) -> ExitCode {
    result.unwrap_or_else(|error| failed(&error))
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match cli.command {
        Command::Up(arguments) => finish(runtime.block_on(up::run(arguments))),
        Command::Demo(arguments) => finish(runtime.block_on(demo::run(arguments))),
        Command::Replay(arguments) => finish(runtime.block_on(replay::run(arguments))),
        Command::Normalise => finish(lines::normalise()),
        Command::Price => finish(lines::price()),
        Command::Redact => finish(lines::redact()),
        Command::DeadLetters(arguments) => finish(runtime.block_on(dead_letters::run(arguments))),
        Command::Bundle(arguments) => finish(runtime.block_on(bundle::run(arguments))),
        Command::Keys(arguments) => finish(runtime.block_on(keys::run(arguments))),
        Command::Reconcile(arguments) => finish(runtime.block_on(reconcile::run(arguments))),
        Command::Erase(arguments) => finish(runtime.block_on(erase::run(arguments))),
        Command::Prune(arguments) => finish(runtime.block_on(prune::run(arguments))),
        Command::Reprice(arguments) => finish(runtime.block_on(reprice::run(arguments))),
        Command::Verify(arguments) => finish(runtime.block_on(verify::run(arguments))),
        Command::Witness(arguments) => finish(runtime.block_on(witness::run(arguments))),
    }
}
