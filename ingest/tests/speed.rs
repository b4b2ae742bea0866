//! How fast the edge is on this machine. Not a check: `cargo test -p ingest --release --test speed -- --ignored --nocapture`.

mod support;

use std::time::Instant;

use aal_ledger::NoteSigner;
use ingest::{Acceptor, Caller};
use support::rig;
use uuid::Uuid;

fn demonstration(count: u64) -> Vec<String> {
    let month = aal_demo::Demo::new(1, count, 1_795_435_200_000_000);
    month
        .filter_map(|item| match item.entry {
            aal_demo::DemoEntry::Event { mut body, .. } => {
                body["application"] = "loan-desk".into();
                Some(body.to_string())
            }
            aal_demo::DemoEntry::Outcome { .. } => None,
        })
        .collect()
}

#[test]
#[ignore = "a measurement"]
fn preparing_an_event() {
    let events = demonstration(5_000);
    let bytes: usize = events.iter().map(String::len).sum();
    let acceptor = Acceptor::new(
        NoteSigner::from_seed("audit.example/edge", &[1; 32]).unwrap(),
        4 << 20,
    );
    let caller = Caller {
        tenant: Uuid::from_u128(1),
        application: "loan-desk".into(),
    };
    let begun = Instant::now();
    let mut avro_bytes = 0;
    for event in &events {
        avro_bytes += acceptor
            .event(event.as_bytes(), &caller, Uuid::nil(), 1)
            .unwrap()
            .value
            .len();
    }
    let elapsed = begun.elapsed();
    let copied = Instant::now();
    let copies: usize = events
        .iter()
        .map(|event| std::hint::black_box(event.clone()).len())
        .sum();
    assert_eq!(copies, bytes);
    println!(
        "prepare: {:.0} events/s, {:.0} MB/s of JSON ({} B mean, {} B Avro), one thread; copying the same bytes took {:.4} of that",
        events.len() as f64 / elapsed.as_secs_f64(),
        bytes as f64 / elapsed.as_secs_f64() / 1e6,
        bytes / events.len(),
        avro_bytes / events.len(),
        copied.elapsed().as_secs_f64() / elapsed.as_secs_f64(),
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn requests_through_the_edge() {
    let rig = rig(|_| {}).await;
    let events = demonstration(20_000);
    let client = aal_client::Client::new(&rig.base, &rig.key).unwrap();
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for share in events.chunks(events.len() / 64 + 1) {
        let (client, share) = (client.clone(), share.to_vec());
        tasks.push(tokio::spawn(async move {
            for event in share {
                client.record_json(event.into()).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let single = events.len() as f64 / begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    for batch in events.chunks(500) {
        let reply = client.record_batch((batch.join("\n")).into()).await.unwrap();
        assert_eq!(reply.recorded(), batch.len());
    }
    let batched = events.len() as f64 / begun.elapsed().as_secs_f64();
    println!(
        "edge with a mock broker, client on the same machine: {single:.0} events/s single, {batched:.0} events/s in batches of 500"
    );
}
