//! Which benchmarks a name stands for, and what they share.

use crate::report::Report;
use crate::running::Running;
use crate::{
    Failure, edge, gateway, inputs, kafka, latency, otlp, processor, proof_api, proofs, pure, reads, tessera,
    verify,
};

/// Time between two epochs in production, in milliseconds.
const EPOCH_MS: u64 = 10_000;
/// No epoch ends while invented rows are in the table: the sealer would rightly stop at them.
const NO_EPOCH_MS: u64 = 24 * 3600 * 1000;

/// Runs the benchmark of that name, or `all`.
pub(crate) async fn measure(name: &str) -> Result<Report, Failure> {
    let wants = |benchmark: &str| name == "all" || name == benchmark;
    let sizes = inputs::Sizes::from_environment()?;
    let mut report = Report::new(sizes);
    if wants("pure") {
        pure::measure(sizes, &mut report)?;
    }
    if wants("proof") {
        proofs::measure(&mut report, sizes.proof_leaves).await?;
    }
    if wants("gateway") {
        gateway::measure(&mut report).await?;
    }
    if ["edge", "otlp", "tessera", "processor", "latency", "verify"]
        .into_iter()
        .any(wants)
    {
        let mut running = Running::start(EPOCH_MS).await?;
        if wants("edge") || wants("otlp") || wants("processor") {
            let limit = kafka::measure(&running, sizes, &mut report).await?;
            if wants("edge") {
                edge::measure(&mut running, sizes, &limit, &mut report).await?;
            }
            if wants("otlp") {
                otlp::measure(&mut running, sizes, &limit, &mut report).await?;
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
    // Twenty minutes and some gigabytes: by its own name only.
    if name == "proof-api" {
        proof_api::measure(&mut report, sizes.proof_leaves).await?;
    }
    if wants("reads") {
        let mut running = Running::start(NO_EPOCH_MS).await?;
        reads::measure(&mut running, sizes, &mut report).await?;
    }
    Ok(report)
}
