//! From accepted to queryable, at a rate that does not wait for answers.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    Failure, edge, inputs,
    percentiles::Percentiles,
    report::{Limit, Report},
    running::{Running, seed},
    sealed::Watch,
    store,
};

const EVENTS_PER_SECOND: u64 = 50;
const SECONDS: u64 = 20;
/// Between two questions for the ids that are awaited.
const ASK_EVERY: Duration = Duration::from_millis(5);
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
const LIMIT_TIMES: u64 = 100;

/// Sends 50 events a second for 20 s; each one's clock runs from its 201 until ClickHouse finds it by its id.
pub(crate) async fn measure(running: &mut Running, report: &mut Report) -> Result<(), Failure> {
    running.all_stored().await?;
    let alone = store::insert_and_find(running, LIMIT_TIMES).await?;
    let limit = Limit::new("ClickHouse, one row inserted and found, p50 ms", alone.p50_ms());

    let inputs = inputs::events(seed::LATENCY, EVENTS_PER_SECOND * SECONDS);
    let count = inputs.len();
    let url = format!("http://{}/api/v1/audit/log", running.pipeline.endpoints.edge);
    let (accepted, awaited) = mpsc::unbounded_channel::<Result<(Uuid, Instant), Failure>>();
    let (http, key) = (running.http.clone(), running.key.clone());
    let sender = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / EVENTS_PER_SECOND));
        for input in inputs {
            ticks.tick().await;
            let (http, key, url, accepted) = (http.clone(), key.clone(), url.clone(), accepted.clone());
            tokio::spawn(async move {
                let sent = edge::post(&http, &url, &key, &input.body, 201).await;
                // The other end is gone only when the measurement failed already.
                let _ = accepted.send(sent.map(|_| (input.event_id, Instant::now())));
            });
        }
    });
    let watch = Watch::start(running);
    let found = found(running, awaited, count).await;
    sender.await?;
    running.sent(count as u64);
    let (took, accepted) = found?;
    let name = format!("accepted to queryable, {EVENTS_PER_SECOND} events/s for {SECONDS} s");
    report.latency(name, &Percentiles::of(took), Some(&limit));
    watch.report(running, &accepted, report).await
}

/// How long each event took, and when each was accepted.
async fn found(
    running: &Running,
    mut awaited: mpsc::UnboundedReceiver<Result<(Uuid, Instant), Failure>>,
    count: usize,
) -> Result<(Vec<Duration>, HashMap<Uuid, Instant>), Failure> {
    let store = running.pipeline.store();
    let mut pending: HashMap<Uuid, Instant> = HashMap::new();
    let mut all: HashMap<Uuid, Instant> = HashMap::with_capacity(count);
    let mut took = Vec::with_capacity(count);
    let mut last_found = Instant::now();
    while took.len() < count {
        tokio::time::sleep(ASK_EVERY).await;
        while let Ok(accepted) = awaited.try_recv() {
            let (event_id, at) = accepted?;
            pending.insert(event_id, at);
            all.insert(event_id, at);
        }
        let ids: Vec<Uuid> = pending.keys().copied().collect();
        for stored in store.find_events(&ids).await? {
            if let Some(at) = pending.remove(&stored.event_id) {
                took.push(at.elapsed());
                last_found = Instant::now();
            }
        }
        if last_found.elapsed() > GIVE_UP_AFTER {
            return Err(format!(
                "{} of {count} events were found, and none more for a minute",
                took.len()
            )
            .into());
        }
    }
    Ok((took, all))
}
