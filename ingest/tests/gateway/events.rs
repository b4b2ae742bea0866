//! What an event says.

use aal_event::Kind;
use uuid::Uuid;

use crate::{
    rigging::{chat, gateway, metric_of, notes, see},
    support::TENANT,
};

const PATH: &str = "openai/v1/chat/completions";

#[tokio::test(flavor = "multi_thread")]
async fn headers_time_and_place_are_in_the_event() {
    let gateway = gateway(|_| {}).await;
    let id = Uuid::now_v7();
    let call = gateway
        .post(&format!("{PATH}?key=hidden&n=1"), &chat("hello", false))
        .header("x-audit-application", "loan-desk")
        .header("x-audit-environment", "production")
        .header("x-audit-user", "u-1")
        .header("x-audit-user-email", "u@example.com")
        .header("x-audit-session", "s-1")
        .header("x-audit-decision-type", "loan")
        .header("x-audit-subject", "c-7")
        .header("x-audit-tags", "team=credit")
        .header("x-audit-event-id", id.to_string())
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        );
    let response = call.send().await.unwrap();
    assert_eq!(response.headers()["x-audit-event-id"], id.to_string());
    response.bytes().await.unwrap();
    let event = gateway.event().await;
    assert_eq!(
        (event.kind, event.event_id, event.tenant),
        (Kind::Event, id, TENANT)
    );
    assert_eq!(event.application, "loan-desk");
    assert_eq!(event.user_id.as_deref(), Some("u-1"));
    assert_eq!(event.user_email.as_deref(), Some("u@example.com"));
    assert_eq!(event.session_id.as_deref(), Some("s-1"));
    assert_eq!(event.decision_type.as_deref(), Some("loan"));
    assert_eq!(event.subject.as_ref().unwrap().id, "c-7");
    assert_eq!(event.tags["team"], "credit");
    assert_eq!(event.provider.as_deref(), Some("openai"));
    let request = event.request.as_ref().unwrap();
    assert_eq!(request.method.as_deref(), Some("POST"));
    let url = format!("{}/v1/chat/completions?n=1", gateway.provider.url());
    assert_eq!(request.url.as_deref(), Some(url.as_str()));
    let response = event.response.as_ref().unwrap();
    assert_eq!(response.content_type.as_deref(), Some("application/json"));
    assert_eq!(
        event.trace.as_ref().unwrap().trace_id,
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    let source = event.source.as_ref().unwrap();
    assert_eq!((source.sdk.as_deref(), source.sequence), (Some("aal-gateway"), 0));
    assert!(event.timing.as_ref().unwrap().duration_us.unwrap() > 0);
    assert_eq!(event.occurred_at_us, event.timing.as_ref().unwrap().started_at_us);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_is_an_event_of_its_own() {
    let gateway = gateway(|_| {}).await;
    let id = Uuid::now_v7().to_string();
    for (count, behaviour) in [("0", "500"), ("1", "429"), ("2", "well")] {
        let call = gateway
            .post(PATH, &chat("again and again", false))
            .header("x-audit-event-id", &id)
            .header("x-stainless-retry-count", count)
            .header("x-fake-behaviour", behaviour);
        see(call).await;
    }
    let events = gateway.events(3).await;
    let repeated = events
        .iter()
        .filter(|event| notes(event)["retry_of"] == id.as_str())
        .count();
    assert_eq!(repeated, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_noted_and_the_call_goes_on() {
    let gateway = gateway(|_| {}).await;
    let call = gateway
        .post(PATH, &chat("hello", false))
        .header("x-audit-user", "x".repeat(600))
        .header("x-audit-sesion", "typo");
    assert_eq!(see(call).await.status, 200);
    let event = gateway.event().await;
    let errors = notes(&event)["header_errors"].to_string();
    assert!(
        errors.contains("x-audit-user: has 600 bytes") && errors.contains("x-audit-sesion"),
        "{errors}"
    );
    assert_eq!(event.user_id, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_are_all_there() {
    let gateway = gateway(|_| {}).await;
    const CALLS: usize = 300;
    let calls =
        (0..CALLS).map(|number| see(gateway.post(PATH, &chat(&format!("call {number}"), number % 2 == 0))));
    for seen in futures_util::future::join_all(calls).await {
        assert_eq!(seen.status, 200);
    }
    let events = gateway.events(CALLS).await;
    let mut sequences: Vec<i64> = events
        .iter()
        .map(|event| event.source.as_ref().unwrap().sequence)
        .collect();
    sequences.sort_unstable();
    assert_eq!(sequences, (0..CALLS as i64).collect::<Vec<_>>());
    let metrics = gateway.rig.metrics().await;
    assert_eq!(
        metric_of(&metrics, "gateway_calls_total{end=\"complete\"}"),
        CALLS as u64
    );
    assert_eq!(metric_of(&metrics, "gateway_calls_under_way"), 0);
}
