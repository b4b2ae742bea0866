//! `audit verify` of an evidence bundle, whole, on one core and on all of them.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{
    Failure,
    report::{Limit, Report},
    running::Running,
};

const TIMES: u32 = 3;
/// The longest period of a bundle.
const YEAR_US: i64 = 365 * 24 * 3_600 * 1_000_000;

/// Makes a bundle of everything that is sealed and verifies it.
pub(crate) fn measure(running: &Running, records: u64, report: &mut Report) -> Result<(), Failure> {
    let bundle = running.pipeline.data().join("bench.audit.tar");
    let now_us = aal_service::times::now_us();
    let to = aal_service::times::rfc3339_us(now_us);
    let from = aal_service::times::rfc3339_us(now_us - YEAR_US);
    let made = running.pipeline.audit(&[
        "bundle",
        "--from",
        &from,
        "--to",
        &to,
        "-o",
        &bundle.display().to_string(),
    ]);
    if !made.status.success() {
        return Err(format!("audit bundle: {}", String::from_utf8_lossy(&made.stderr)).into());
    }
    let policy = running.pipeline.data().join("trust-policy.toml");
    let cores = std::thread::available_parallelism()?.get();
    let one = rate(records, fastest(&bundle, &policy, "0")?);
    let all = rate(records, fastest(&bundle, &policy, &format!("0-{}", cores - 1))?);
    report.raw(
        "audit verify of a bundle, process and all, one core".to_owned(),
        one,
        "records/s",
    );
    report.rate(
        format!("audit verify of a bundle, process and all, {cores} cores"),
        all,
        "records/s",
        &Limit::new("one core, records/s", one),
    );
    Ok(())
}

fn rate(records: u64, took: Duration) -> f64 {
    records as f64 / took.as_secs_f64()
}

fn fastest(bundle: &Path, policy: &Path, cores: &str) -> Result<Duration, Failure> {
    let mut best = Duration::MAX;
    for _ in 0..TIMES {
        let began = Instant::now();
        let verified = Command::new("taskset")
            .args(["-c", cores])
            .arg(audit_tests::bin("audit"))
            .arg("verify")
            .arg(bundle)
            .arg("--policy")
            .arg(policy)
            .output()?;
        best = best.min(began.elapsed());
        // Without a witness it ends unproven.
        if !matches!(verified.status.code(), Some(0 | 3)) {
            return Err(format!("audit verify: {}", String::from_utf8_lossy(&verified.stdout)).into());
        }
    }
    Ok(best)
}
