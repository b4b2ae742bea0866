//! Kafka fails in every way a mock can be told to: never a 201 without an acknowledgement, and recovery by itself.

mod support;

use std::time::Duration;

use aal_kafka::rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use support::{Rig, event, problem, rig};
use tokio::{sync::oneshot, task::JoinHandle};

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_down_is_503_and_then_201_again() {
    let rig = rig(|_| {}).await;
    assert_eq!(rig.log(&event()).await.status(), 201);
    rig.cluster.broker_down(1).unwrap();
    let sent = event();
    let refused = rig.log(&sent).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let refused = problem(refused).await;
    assert_eq!(refused["type"], "/problems/unavailable");
    assert!(
        rig.metrics()
            .await
            .contains("ingest_kafka_errors_total{reason=\"not_acknowledged\"} 1\n")
    );

    rig.cluster.broker_up(1).unwrap();
    let client = aal_client::Client::new(&rig.base, &rig.key).unwrap();
    client
        .record(&sent)
        .await
        .expect("the same event is taken when the broker is back");
    rig.wait_until_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_errors_are_not_the_clients_business() {
    let rig = rig(|_| {}).await;
    let errors = [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    ];
    rig.cluster.request_errors(RDKafkaApiKey::Produce, &errors);
    assert_eq!(rig.log(&event()).await.status(), 201);
    assert_eq!(rig.records(1).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_records_are_not_acknowledged_says_so_for_each() {
    let rig = rig(|_| {}).await;
    rig.cluster.broker_down(1).unwrap();
    let answer = rig
        .post("/api/v1/audit/logs")
        .json(&json!([event(), {"application": "loan-desk"}, event()]));
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    let statuses: Vec<u64> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [503, 400, 503]);
}

/// A request that announces a body and keeps it open, so that it holds its place until it is released.
fn slow_request(
    rig: &Rig,
) -> (
    oneshot::Sender<()>,
    JoinHandle<reqwest::Result<reqwest::Response>>,
) {
    let (release, held) = oneshot::channel::<()>();
    let text = event().to_string();
    let (head, tail) = (text[..10].to_owned(), text[10..].to_owned());
    let body = stream::iter([Ok::<_, std::io::Error>(head)]).chain(stream::once(async move {
        let _ = held.await;
        Ok(tail)
    }));
    let slow = rig
        .post("/api/v1/audit/log")
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(body));
    (release, tokio::spawn(slow.send()))
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_at_once_is_shed_before_its_body_is_read() {
    let rig = rig(|config| config.admission.requests = 1).await;
    let (mut release, mut slow) = slow_request(&rig);
    let refused = loop {
        // Until the slow request's head has arrived the other one may get the place, and the slow one be refused.
        if slow.is_finished() {
            (release, slow) = slow_request(&rig);
        }
        let answer = rig.log(&event()).await;
        if answer.status() == 503 {
            break answer;
        }
        assert_eq!(answer.status(), 201);
    };
    assert_eq!(refused.headers()["retry-after"], "1");
    release.send(()).unwrap();
    assert_eq!(slow.await.unwrap().unwrap().status(), 201);
    assert_eq!(rig.log(&event()).await.status(), 201);
    assert!(rig.metrics().await.contains("ingest_shed_total"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_503_and_the_rest_of_the_batch_waits_too() {
    let rig = rig(|config| {
        config
            .kafka
            .options
            .insert("queue.buffering.max.messages".into(), "2".into());
        config.kafka.options.insert("linger.ms".into(), "300".into());
    })
    .await;
    let events: Vec<Value> = (0..5).map(|_| event()).collect();
    let answer: Value = rig
        .post("/api/v1/audit/logs")
        .json(&events)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let statuses: Vec<u64> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 201, 503, 503, 503]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_is_in_flight() {
    let rig = rig(|config| config.admission.delivery_timeout_ms = 10_000).await;
    assert_eq!(rig.log(&event()).await.status(), 201);
    rig.cluster
        .broker_round_trip_time(1, Duration::from_millis(700))
        .unwrap();
    let in_flight = tokio::spawn(rig.post("/api/v1/audit/log").json(&event()).send());
    // The request is under way when it has been counted as admitted: its record is queued but not acknowledged.
    rig.wait_for_requests_under_way().await;
    rig.shutdown.request();
    assert_eq!(in_flight.await.unwrap().unwrap().status(), 201);
    rig.running.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_kafka_it_starts_says_so_and_takes_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let rig = support::rig_without_waiting(|config| config.kafka.brokers = nobody.to_string()).await;
    assert!(!rig.is_ready().await);
    let health = rig
        .http
        .get(format!("{}/healthz", rig.operations))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), 200, "a restart would not bring kafka back");
    let refused = rig.log(&event()).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_flapping_broker_every_acknowledged_event_arrives_and_sessions_stay_in_order() {
    const SESSIONS: usize = 6;
    const EVENTS_EACH: usize = 40;
    let rig = rig(|config| config.admission.delivery_timeout_ms = 400).await;
    let (progress, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let settings = aal_client::Settings {
        retry: aal_client::RetryPolicy {
            max_attempts: 1_000,
            first_pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(50),
            give_up_after: Duration::from_secs(60),
        },
        ..aal_client::Settings::default()
    };
    let client = aal_client::Client::with_settings(&rig.base, &rig.key, settings).unwrap();
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|session| {
            let (client, progress) = (client.clone(), progress.clone());
            tokio::spawn(async move {
                for number in 0..EVENTS_EACH {
                    let mut event = event();
                    event["session_id"] = json!(format!("s-{session}"));
                    event["metadata"] = json!({"number": number});
                    client.record(&event).await.unwrap();
                    progress.send(()).unwrap();
                }
            })
        })
        .collect();
    drop(progress);

    // The broker goes down after every 40 acknowledgements and comes back once a client had to repeat a request.
    let mut count = 0;
    while acknowledged.recv().await.is_some() {
        count += 1;
        if count % 40 == 0 && count < SESSIONS * EVENTS_EACH {
            let retries = client.counts().retries;
            rig.cluster.broker_down(1).unwrap();
            // Whoever was quick enough may have nothing left that could be repeated.
            while client.counts().retries == retries && !sessions.iter().all(JoinHandle::is_finished) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            rig.cluster.broker_up(1).unwrap();
        }
    }
    for session in sessions {
        session.await.unwrap();
    }
    assert_eq!(client.counts().recorded as usize, SESSIONS * EVENTS_EACH);

    // A record whose acknowledgement was lost may be there twice; the processor records it once.
    let records = rig.all_records();
    for session in 0..SESSIONS {
        let key = format!(":s-{session}");
        let mut numbers: Vec<u64> = Vec::new();
        for (_, event) in records
            .iter()
            .filter(|(record_key, _)| record_key.ends_with(&key))
        {
            let metadata: Value = serde_json::from_str(event.metadata.as_deref().unwrap()).unwrap();
            let number = metadata["number"].as_u64().unwrap();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        let expected: Vec<u64> = (0..EVENTS_EACH as u64).collect();
        assert_eq!(numbers, expected, "session {session}");
    }
}
