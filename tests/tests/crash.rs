//! `kill -9` of the whole process tree at random moments while events are sent with retries: afterwards every
//! acknowledged event is there exactly once, the chains hold and `audit verify` passes.
//!
//! A few rounds here; `make crash-test ROUNDS=20 EVENTS=50000` does it in full. AAL_CRASH_SEED repeats a run's moments.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aal_client::{Client, RetryPolicy, Settings};
use audit_tests::{Pipeline, Start, recordings, until};
use futures_util::{StreamExt, stream};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use uuid::Uuid;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_events_survive_kill_exactly_once() {
    let rounds = from_environment("AAL_CRASH_ROUNDS", 3);
    let events = from_environment("AAL_CRASH_EVENTS", 3_000);
    let seed = from_environment("AAL_CRASH_SEED", u64::from(std::process::id()));
    println!("rounds {rounds}, events {events}, seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let mut pipeline = Pipeline::start(Start::default()).await;
    let output = pipeline.audit(&["replay", &recordings("together.jsonl").display().to_string()]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let token = pipeline.token().await;
    let key = pipeline.api_key(&token, "crash").await;
    let retry = RetryPolicy {
        max_attempts: u32::MAX,
        give_up_after: Duration::from_secs(900),
        ..RetryPolicy::default()
    };
    let settings = Settings {
        retry,
        request_timeout: Duration::from_secs(15),
        ..Settings::default()
    };
    let client = Client::with_settings(&format!("http://{}", pipeline.endpoints.edge), &key, settings)
        .expect("a client");

    let acknowledged = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&acknowledged);
    let sender = tokio::spawn(async move {
        let mut answers = stream::iter(0..events)
            .map(|sequence| {
                let client = client.clone();
                async move {
                    let event = json!({
                        "event_id": Uuid::now_v7(), "application": "crash", "provider": "openai",
                        "session_id": format!("s{}", sequence % 97), "subject": {"id": format!("c{}", sequence % 53)},
                        "request": {"body": json!({"model": "gpt-4o", "messages": [{"role": "user", "content":
                            format!("call {sequence}, write to person{sequence}@example.com")}]}).to_string()},
                        "response": {"status": 200, "content_type": "application/json", "body": json!({"model": "gpt-4o",
                            "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2}}).to_string()},
                        "source": {"instance": "crash-test", "sequence": sequence},
                    });
                    client.record(&event).await
                }
            })
            .buffer_unordered(32);
        while let Some(answer) = answers.next().await {
            answer.expect("the client retries until the edge acknowledges");
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });

    for round in 0..rounds {
        // The moment of the kill is a share of the events, so that each round meets traffic.
        let moment = events * (round + 1) / (rounds + 1) + random.random_range(0..=events / (rounds * 8 + 1));
        until("the moment of the kill", || async {
            (acknowledged.load(Ordering::Relaxed) >= moment).then_some(())
        })
        .await;
        pipeline.kill();
        println!(
            "round {round}: killed after {} acknowledgements",
            acknowledged.load(Ordering::Relaxed)
        );
        pipeline.restart().await;
    }
    sender.await.expect("all events are acknowledged");
    assert_eq!(acknowledged.load(Ordering::Relaxed), events);

    until("every acknowledged event is stored", || async {
        (pipeline.count("kind = 'event' AND application = 'crash'").await >= events).then_some(())
    })
    .await;
    let client = pipeline.store();
    let (stored, distinct) = client
        .client()
        .query(
            "SELECT count(), uniqExact(event_id) FROM records WHERE kind = 'event' AND application = 'crash'",
        )
        .fetch_one::<(u64, u64)>()
        .await
        .expect("the store answers");
    assert_eq!((stored, distinct), (events, events));
    assert_eq!(
        pipeline
            .count("kind IN ('conflict', 'rejected', 'gap', 'withheld')")
            .await,
        0
    );
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");
    println!(
        "duplicates accounted for: {}",
        pipeline.count("kind = 'duplicate'").await
    );
}
