//! The pure core on one core: no broker, no store.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use aal_event::Event;
use aal_exchange::Recording;
use aal_pricing::PriceTable;
use aal_redact::{Detector, Entity};
use serde_json::Value;

use crate::{
    Failure, inputs,
    inputs::Sizes,
    report::{Limit, Report},
    running::seed,
};

/// Long enough that one interruption does not show.
const AT_LEAST: Duration = Duration::from_secs(2);
/// The day that prices are asked for: 2025-12-01T00:00:00Z, in microseconds.
const PRICED_AT_US: i64 = 1_764_547_200_000_000;
const REDACTED_EVENTS: u64 = 1_000;
const MEGABYTE: f64 = 1e6;

/// Measures parsing with pricing, and redaction, each against copying the same bytes.
pub(crate) fn measure(sizes: Sizes, report: &mut Report) -> Result<(), Failure> {
    exchanges(report)?;
    redaction(sizes.events.min(REDACTED_EVENTS), report)
}

fn exchanges(report: &mut Report) -> Result<(), Failure> {
    let recordings = recordings()?;
    if recordings.is_empty() {
        report.note("there are no recordings beside the checkout, so parsing was not measured");
        return Ok(());
    }
    let table = PriceTable::builtin();
    let mut priced = 0;
    for recording in &recordings {
        priced += u32::from(recording.exchange()?.price(table, PRICED_AT_US).is_ok());
    }
    let rate = per_second(|| {
        for recording in &recordings {
            // The bodies were read once above; here only the time counts.
            if let Ok(exchange) = recording.exchange() {
                black_box(exchange.price(table, PRICED_AT_US)).ok();
            }
        }
        recordings.len()
    });
    let bodies: Vec<Vec<u8>> = recordings.iter().flat_map(bodies_of).collect();
    let copied = per_second(|| {
        copy(&bodies);
        recordings.len()
    });
    let limit = Limit::new("memory copy of the bodies, exchanges/s", copied);
    report.rate(
        "exchange parsed and priced, one core",
        rate,
        "exchanges/s",
        &limit,
    );
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    report.note(format!(
        "{} recorded exchanges, {priced} of them priced, {} bytes each on average",
        recordings.len(),
        bytes / recordings.len()
    ));
    Ok(())
}

fn redaction(events: u64, report: &mut Report) -> Result<(), Failure> {
    let inputs = inputs::events(seed::RAW, events);
    let events: Vec<Event> = inputs.iter().map(inputs::event).collect::<Result<_, _>>()?;
    let mut texts: Vec<(Vec<u8>, String)> = Vec::new();
    for event in events {
        texts.extend(
            event
                .request
                .map(|request| (request.body, "application/json".to_owned())),
        );
        texts.extend(
            event
                .response
                .map(|response| (response.body, response.content_type.unwrap_or_default())),
        );
    }
    let bodies: Vec<Vec<u8>> = texts.iter().map(|(body, _)| body.clone()).collect();
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let detector = Detector::builtin();
    // The real placeholder is a keyed hash of the value; its cost belongs to sealing, not to finding.
    let token = |entity: Entity, _: &str| format!("[[{}:k1:0000000000000000]]", entity.name());
    let rate = per_second(|| {
        for (body, content_type) in &texts {
            black_box(detector.redact_body(body, content_type, &token)).ok();
        }
        bytes
    });
    let copied = per_second(|| {
        copy(&bodies);
        bytes
    });
    let limit = Limit::new("memory copy, MB/s", copied / MEGABYTE);
    report.rate(
        "redaction of the demo's bodies, one core",
        rate / MEGABYTE,
        "MB/s",
        &limit,
    );
    let event_bytes = bytes as f64 / inputs.len().max(1) as f64;
    report.note(format!(
        "the demo's bodies are {event_bytes:.0} bytes an event, so that redaction alone holds one core to {:.0} events/s",
        rate / event_bytes
    ));
    Ok(())
}

fn copy(bodies: &[Vec<u8>]) {
    let longest = bodies.iter().map(Vec::len).max().unwrap_or_default();
    let mut target = vec![0; longest];
    for body in bodies {
        black_box(&mut target[..body.len()]).copy_from_slice(black_box(body));
    }
}

/// Repeats `work` for two seconds; what it answers is counted.
fn per_second(mut work: impl FnMut() -> usize) -> f64 {
    work();
    let began = Instant::now();
    let mut done = 0;
    while began.elapsed() < AT_LEAST {
        done += work();
    }
    done as f64 / began.elapsed().as_secs_f64()
}

fn bodies_of(recording: &Recording) -> Vec<Vec<u8>> {
    let bytes = |body: &Value| match body {
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    };
    let request = recording.request.iter().map(|request| bytes(&request.body));
    let response = recording.response.iter().map(|response| bytes(&response.body));
    request.chain(response).collect()
}

fn recordings() -> Result<Vec<Recording>, Failure> {
    let Ok(folder) = std::fs::read_dir(audit_tests::recordings("")) else {
        return Ok(Vec::new());
    };
    let mut files: Vec<_> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut recordings = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "jsonl"))
    {
        for line in std::fs::read_to_string(file)?.lines() {
            recordings.push(serde_json::from_str(line)?);
        }
    }
    Ok(recordings)
}
