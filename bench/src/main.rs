//! `bench NAME`: every figure beside its limit, measured in the same run; a Markdown table on standard output.
//!
//! It starts its own `audit up` (found through AAL_BIN_DIR) on a directory that is thrown away. docs/performance.md says
//! what each figure means.

mod edge;
mod gateway;
mod inputs;
mod kafka;
mod latency;
mod percentiles;
mod processor;
mod proofs;
mod pure;
mod reads;
mod report;
mod running;
mod store;
mod tessera;
mod verify;

use std::{error::Error, process::ExitCode};

use report::Report;
use running::Running;

/// What a benchmark may fail with; printed as a chain of causes.
type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: bench all|edge|gateway|processor|latency|verify|reads|pure|proof|tessera\n\
    AAL_BENCH_EVENTS: rows that pages and metrics are read from (1000000)\n\
    AAL_BENCH_PROOF_LEAVES: leaves of the tree that proofs are made in (10000000)\n\
    AAL_BIN_DIR: where audit and its engines are";

/// Time between two epochs in production, in milliseconds.
const EPOCH_MS: u64 = 10_000;
/// No epoch ends while invented rows are in the table: the sealer would rightly stop at them.
const NO_EPOCH_MS: u64 = 24 * 3600 * 1000;

#[tokio::main]
async fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    if ![
        "all",
        "edge",
        "gateway",
        "processor",
        "latency",
        "verify",
        "reads",
        "pure",
        "proof",
        "tessera",
    ]
    .contains(&name.as_str())
    {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    match measure(&name).await {
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

async fn measure(name: &str) -> Result<Report, Failure> {
    let wants = |benchmark: &str| name == "all" || name == benchmark;
    let sizes = inputs::Sizes::from_environment()?;
    let mut report = Report::new(sizes);
    if wants("pure") {
        pure::measure(sizes, &mut report)?;
    }
    if wants("proof") {
        proofs::measure(&mut report).await?;
    }
    if wants("gateway") {
        gateway::measure(&mut report).await?;
    }
    if ["edge", "tessera", "processor", "latency", "verify"]
        .into_iter()
        .any(wants)
    {
        let mut running = Running::start(EPOCH_MS).await?;
        if wants("edge") || wants("processor") {
            let limit = kafka::measure(&running, sizes, &mut report).await?;
            if wants("edge") {
                edge::measure(&mut running, sizes, &limit, &mut report).await?;
            }
            if wants("processor") {
                processor::measure(&mut running, sizes, &limit, &mut report).await?;
            }
        }
        if wants("tessera") {
            tessera::measure(&mut running, &mut report).await?;
        }
        if wants("latency") {
            latency::measure(&mut running, &mut report).await?;
        }
        if wants("verify") {
            verify::measure(&mut running, sizes, &mut report).await?;
        }
    }
    if wants("reads") {
        let mut running = Running::start(NO_EPOCH_MS).await?;
        reads::measure(&mut running, sizes, &mut report).await?;
    }
    Ok(report)
}
