//! Kafka fails in every way a mock can be told to: never a 201 without an acknowledgement, and recovery by itself.

mod support;

use std::time::Duration;

use aal_kafka::rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use support::{event, problem, rig};

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

#[tokio::test(flavor = "multi_thread")]
async fn too_much_at_once_is_shed_before_its_body_is_read() {
    let rig = rig(|config| config.admission.requests = 1).await;
    // The first request announces a body and keeps it open, so it holds the only place.
    let (release, held) = tokio::sync::oneshot::channel::<()>();
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
    let slow = tokio::spawn(slow.send());
    let refused = loop {
        // Until the slow request's head has arrived, the other one may still get the place.
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
