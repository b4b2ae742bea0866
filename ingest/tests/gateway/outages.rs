//! Kafka is away: `fail_open` goes on and delivers later, `fail_closed` makes no call that is not on the log.

use aal_control::{Application, Control, ControlConfig};
use aal_event::{Kind, intent_id};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    rigging::{Gateway, chat, gateway, metric_of, notes, only, request_body, see},
    support::TENANT,
};

const PATH: &str = "openai/v1/chat/completions";

#[tokio::test(flavor = "multi_thread")]
async fn with_kafka_down_under_load_every_call_succeeds_and_every_event_arrives_later() {
    let gateway = gateway(|_| {}).await;
    let call = |number: usize| {
        let body = chat(&format!("call {number}"), number.is_multiple_of(3));
        let (direct, through) = (gateway.direct(PATH, &body), gateway.post(PATH, &body));
        async move {
            let (direct, through) = (see(direct).await, see(through).await);
            assert_eq!(direct, through, "call {number}");
        }
    };
    join_all((0..20).map(call)).await;
    gateway.rig.cluster.broker_down(1).unwrap();
    join_all((20..60).map(call)).await;
    // What was on its way when the broker went, and everything after it.
    gateway.metric("gateway_events_spooled_total", 40).await;
    join_all((60..80).map(call)).await;
    gateway.metric("gateway_events_spooled_total", 60).await;
    gateway.rig.cluster.broker_up(1).unwrap();
    gateway.events(80).await;
    gateway.metric("gateway_events_replayed_total", 60).await;
    let metrics = gateway.rig.metrics().await;
    assert_eq!(metric_of(&metrics, "gateway_spool_records"), 0);
    assert!(!metrics.contains("gateway_events_lost_total"), "{metrics}");
    join_all((80..90).map(call)).await;
    gateway.events(90).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_loses_events_but_no_calls_and_says_so() {
    let gateway = gateway(|gateway| {
        gateway.spool.max_bytes = 4_096;
        gateway.spool.segment_bytes = 1_024;
        gateway.timeouts.delivery_ms = 300;
    })
    .await;
    gateway.rig.cluster.broker_down(1).unwrap();
    for number in 0..30 {
        let seen = see(gateway.post(PATH, &chat(&format!("call {number}"), false))).await;
        assert_eq!(seen.status, 200);
    }
    gateway
        .metric("gateway_events_lost_total{reason=\"spool_full\"}", 1)
        .await;
}

async fn fail_closed() -> Gateway {
    let gateway = gateway(|_| {}).await;
    let config = ControlConfig {
        url: gateway.rig.control_url().to_owned(),
        ..ControlConfig::default()
    };
    let control = Control::open(&config).await.unwrap();
    let application = Application {
        tenant: TENANT,
        name: "loan-desk".to_owned(),
        phi: false,
        content_mode: Default::default(),
        policy: json!({"capture": "fail_closed"}),
        created_us: 1,
    };
    control.put_application(&application).await.unwrap();
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_closed_puts_the_question_on_the_log_before_it_asks() {
    let gateway = fail_closed().await;
    gateway.metric("gateway_calls_under_way", 0).await;
    let body = chat("may I?", true);
    let direct = see(gateway.direct(PATH, &body)).await;
    // Until the gateway has seen its topic it refuses, as the policy wants.
    let through = loop {
        let seen = see(gateway.post(PATH, &body)).await;
        if seen.status != 503 {
            break seen;
        }
    };
    assert_eq!(direct, through);
    let events = gateway.events(2).await;
    let intent = only(events.clone(), Kind::Intent).pop().unwrap();
    let event = only(events, Kind::Event).pop().unwrap();
    assert_eq!(intent.event_id, intent_id(event.event_id));
    assert_eq!(notes(&event)["intent"], intent.event_id.to_string());
    assert_eq!(request_body(&intent), body.to_string().as_bytes());
    assert_eq!(intent.response, None);
    assert!(intent.edge_at_us <= event.edge_at_us);
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_closed_without_kafka_makes_no_call() {
    let gateway = fail_closed().await;
    gateway.rig.cluster.broker_down(1).unwrap();
    let response = gateway.post(PATH, &chat("may I?", false)).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let problem = crate::support::problem(response).await;
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("the provider was not called"),
        "{problem}"
    );
    assert!(gateway.provider.seen.all().is_empty(), "the provider was called");
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_closed_takes_no_header_it_cannot_use() {
    let gateway = fail_closed().await;
    let call = gateway.post(PATH, &chat("x", false)).header("x-audit-usr", "u");
    let problem = crate::support::problem(call.send().await.unwrap()).await;
    assert_eq!(problem["status"], 400);
    assert_eq!(problem["errors"][0]["pointer"], "x-audit-usr");
    assert!(gateway.provider.seen.all().is_empty());
}
