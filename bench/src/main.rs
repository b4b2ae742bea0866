//! `bench NAME`: every figure beside its limit, measured in the same run; a Markdown table on standard output.
//!
//! It starts its own `audit up` (found through AAL_BIN_DIR) on a directory that is thrown away. docs/performance.md says
//! what each figure means.

mod collector;
mod edge;
mod gateway;
mod inputs;
mod kafka;
mod latency;
mod otlp;
mod percentiles;
mod processor;
mod proof_api;
mod proofs;
mod pure;
mod reads;
mod report;
mod run;
mod running;
mod sealed;
mod store;
mod tessera;
mod verify;
mod verify_cores;

use std::{error::Error, process::ExitCode};

/// What a benchmark may fail with; printed as a chain of causes.
type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: bench all|edge|otlp|gateway|processor|latency|verify|reads|pure|proof|proof-api|tessera\n\
    AAL_BENCH_EVENTS: rows that pages and metrics are read from (1000000)\n\
    AAL_BENCH_PROOF_LEAVES: leaves of the tree that proofs are made in (10000000)\n\
    AAL_BIN_DIR: where audit and its engines are";

#[tokio::main]
async fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    if ![
        "all",
        "edge",
        "otlp",
        "gateway",
        "processor",
        "latency",
        "verify",
        "reads",
        "pure",
        "proof",
        "proof-api",
        "tessera",
    ]
    .contains(&name.as_str())
    {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    match run::measure(&name).await {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let mut cause: Option<&dyn Error> = Some(error.as_ref());
            while let Some(error) = cause {
                eprintln!("bench: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
