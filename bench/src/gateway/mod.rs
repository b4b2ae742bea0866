//! The gateway beside nginx as a bare proxy, and beside other gateways that were started for it: what each adds to a call.
//!
//! Same load generator, same fake provider, same machine, one after the other. See bench/gateway-beside/ for the others.

mod load;
mod targets;

use std::time::Duration;

use crate::{
    Failure,
    percentiles::Percentiles,
    report::{Limit, Report},
};
use load::{Target, closed_loop, first_bytes, open_loop};
use targets::Started;

/// Calls a second of the open loop, as the issue asks.
const RATE: u32 = 500;
const OPEN_FOR: Duration = Duration::from_secs(15);
const CLOSED_FOR: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 64;
const STREAMS: usize = 200;
const ROUNDS: usize = 3;

/// One target's figures over all rounds.
#[derive(Debug, Default)]
struct Figures {
    latencies: Vec<Duration>,
    rates: Vec<f64>,
    first_bytes: Vec<Duration>,
    failures: usize,
}

/// Measures every target in turn, several rounds, so that a noisy moment hits all of them.
pub(crate) async fn measure(report: &mut Report) -> Result<(), Failure> {
    let started = Started::start().await?;
    let targets = started.targets()?;
    let mut figures: Vec<Figures> = targets.iter().map(|_| Figures::default()).collect();
    for round in 1..=ROUNDS {
        for (target, figures) in targets.iter().zip(&mut figures) {
            eprintln!("bench: gateway, round {round}, {}", target.name);
            one_round(target, figures).await?;
        }
    }
    let direct = Percentiles::of(figures[0].latencies.clone());
    let direct_first = Percentiles::of(figures[0].first_bytes.clone());
    let nginx_rate = targets
        .iter()
        .zip(&figures)
        .find(|(target, _)| target.name == "nginx")
        .map_or(0.0, |(_, figures)| best(&figures.rates));
    for (target, figures) in targets.iter().zip(figures) {
        let name = &target.name;
        let limit = Limit::new("nginx", nginx_rate);
        report.rate(
            format!("{name}, {CONNECTIONS} connections"),
            best(&figures.rates),
            "requests/s",
            &limit,
        );
        let all = Percentiles::of(figures.latencies);
        report.latency(format!("{name}, open loop of {RATE}/s"), &all, None);
        let mut streams = "no stream was answered".to_owned();
        if !figures.first_bytes.is_empty() {
            let first = Percentiles::of(figures.first_bytes);
            report.latency(format!("{name}, first byte of a stream"), &first, None);
            let added_ms = first.p50_ms() - direct_first.p50_ms();
            streams = format!("{added_ms:.3} ms (p50) to a stream's first byte");
        }
        if name != "direct" {
            report.note(format!(
                "{name} adds {:.3} ms (p50) and {:.3} ms (p99) to a call at {RATE}/s; {streams}; {} calls failed",
                all.p50_ms() - direct.p50_ms(),
                all.p99_ms() - direct.p99_ms(),
                figures.failures
            ));
        }
    }
    report.note(started.accounted().await?);
    Ok(())
}

async fn one_round(target: &Target, figures: &mut Figures) -> Result<(), Failure> {
    let (latencies, failed) = open_loop(target, RATE, OPEN_FOR / ROUNDS as u32).await?;
    figures.latencies.extend(latencies);
    figures.failures += failed;
    match first_bytes(target, STREAMS).await {
        Ok(streams) => figures.first_bytes.extend(streams),
        // One of the others that cannot stream here must not end the run.
        Err(error) if !target.is_ours() => {
            eprintln!("bench: {error}; no streams of it are measured");
            figures.failures += 1;
        }
        Err(error) => return Err(error),
    }
    let (answered, elapsed, failed) = closed_loop(target, CONNECTIONS, CLOSED_FOR).await?;
    figures.failures += failed;
    figures.rates.push(answered as f64 / elapsed.as_secs_f64());
    Ok(())
}

fn best(rates: &[f64]) -> f64 {
    rates.iter().copied().fold(0.0, f64::max)
}
