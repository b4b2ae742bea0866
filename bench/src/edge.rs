//! The edge: single events and batches over kept connections.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Failure,
    inputs::{self, Sizes},
    percentiles::Percentiles,
    report::{Limit, Report},
    running::{Running, seed},
};

const CONNECTIONS: usize = 32;
const BATCH_CONNECTIONS: usize = 4;
const BATCH_EVENTS: usize = 100;

/// Measures both ways of sending; the processor stores at the same time, as it does in production.
pub(crate) async fn measure(
    running: &mut Running,
    sizes: Sizes,
    kafka: &Limit,
    report: &mut Report,
) -> Result<(), Failure> {
    let singles: Vec<String> = inputs::events(seed::SINGLES, sizes.events)
        .into_iter()
        .map(|input| input.body)
        .collect();
    let events = singles.len();
    let (elapsed, latencies) = send(running, "/api/v1/audit/log", singles, CONNECTIONS, 201).await?;
    running.sent(events as u64);
    let rate = events as f64 / elapsed.as_secs_f64();
    report.rate(
        format!("edge, single events, {CONNECTIONS} connections"),
        rate,
        "requests/s",
        kafka,
    );
    report.latency("edge, single event", &latencies, None);
    running.all_stored().await?;

    let events = inputs::events(seed::BATCHES, sizes.events);
    let as_array = |batch: &[inputs::Input]| {
        let bodies: Vec<&str> = batch.iter().map(|input| input.body.as_str()).collect();
        format!("[{}]", bodies.join(","))
    };
    let batches: Vec<String> = events.chunks(BATCH_EVENTS).map(as_array).collect();
    let (elapsed, latencies) = send(running, "/api/v1/audit/logs", batches, BATCH_CONNECTIONS, 207).await?;
    running.sent(events.len() as u64);
    let rate = events.len() as f64 / elapsed.as_secs_f64();
    let name = format!("edge, batches of {BATCH_EVENTS}, {BATCH_CONNECTIONS} connections");
    report.rate(name, rate, "events/s", kafka);
    report.latency(format!("edge, batch of {BATCH_EVENTS}"), &latencies, None);
    running.all_stored().await
}

/// Sends every body once; each connection takes the next one as soon as it has its answer.
pub(crate) async fn send(
    running: &Running,
    path: &str,
    bodies: Vec<String>,
    connections: usize,
    accepted: u16,
) -> Result<(Duration, Percentiles), Failure> {
    let url = format!("http://{}{path}", running.pipeline.endpoints.edge);
    let (http, key) = (running.http.clone(), running.key.clone());
    let count = bodies.len();
    let shared = Arc::new((http, url, key, bodies));
    let post_one = move |number: usize| {
        let shared = Arc::clone(&shared);
        async move {
            let (http, url, key, bodies) = &*shared;
            post(http, url, key, &bodies[number], accepted).await
        }
    };
    spread(count, connections, post_one).await
}

/// Calls `post` with each number below `count` once; each connection takes the next one as soon as it has its answer.
pub(crate) async fn spread<Post, Answer>(
    count: usize,
    connections: usize,
    post: Post,
) -> Result<(Duration, Percentiles), Failure>
where
    Post: Fn(usize) -> Answer + Clone + Send + 'static,
    Answer: Future<Output = Result<Duration, Failure>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let senders: Vec<_> = (0..connections)
        .map(|_| {
            let (post, next) = (post.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok::<_, Failure>(latencies);
                    }
                    latencies.push(post(number).await?);
                }
            })
        })
        .collect();
    let mut latencies = Vec::with_capacity(count);
    for sender in senders {
        latencies.extend(sender.await??);
    }
    Ok((began.elapsed(), Percentiles::of(latencies)))
}

/// Posts one body; answers how long the edge took, and fails unless everything in it was accepted.
pub(crate) async fn post(
    http: &reqwest::Client,
    url: &str,
    key: &str,
    body: &str,
    accepted: u16,
) -> Result<Duration, Failure> {
    let request = http
        .post(url)
        .bearer_auth(key)
        .header("content-type", "application/json")
        .body(body.to_owned());
    let sent_at = Instant::now();
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let text = answer.text().await?;
    let took = sent_at.elapsed();
    let is_accepted = |item: &Value| item["status"] == 201;
    let all_accepted = status == accepted
        && (accepted == 201 || {
            let answer: Value = serde_json::from_str(&text)?;
            answer["items"]
                .as_array()
                .is_some_and(|items| items.iter().all(is_accepted))
        });
    if !all_accepted {
        return Err(format!("{url} answered {status}: {text:.500}").into());
    }
    Ok(took)
}
