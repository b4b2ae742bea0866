//! Calls that are not forwarded, each with a problem document that says what to do.

use ingest::AnonymousConfig;

use crate::{
    rigging::{chat, gateway, see},
    support::{TENANT, problem},
};

const PATH: &str = "openai/v1/chat/completions";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_and_the_provider_hears_nothing() {
    let gateway = gateway(|_| {}).await;
    let http = &gateway.rig.http;
    let url = |path: &str| format!("{}/gateway/{path}", gateway.rig.base);
    let body = chat("x", false).to_string();
    let cases = [
        (http.post(url(PATH)), 401, "x-audit-key"),
        (
            http.post(url(PATH)).header("x-audit-key", "aal_wrong"),
            401,
            "unknown",
        ),
        (gateway.post("nobody/v1", &chat("x", false)), 404, "nobody"),
        (
            gateway
                .post(PATH, &chat("x", false))
                .header("x-audit-application", "other"),
            403,
            "loan-desk",
        ),
        (
            gateway
                .post(PATH, &chat("x", false))
                .header("connection", "upgrade")
                .header("upgrade", "websocket"),
            501,
            "WebSocket",
        ),
    ];
    for (request, status, contained) in cases {
        let response = request.body(body.clone()).send().await.unwrap();
        assert_eq!(response.status(), status);
        let problem = problem(response).await;
        assert!(
            problem["detail"].as_str().unwrap().contains(contained),
            "{problem}"
        );
    }
    assert!(gateway.provider.seen.all().is_empty());
    let edge = http
        .get(format!("{}/openapi.json", gateway.rig.base))
        .send()
        .await
        .unwrap();
    assert_eq!(edge.status(), 200, "the edge is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_a_key_are_the_configured_applications() {
    let gateway = gateway(|gateway| {
        gateway.anonymous = Some(AnonymousConfig {
            tenant: TENANT,
            application: "sidecar".to_owned(),
        });
    })
    .await;
    let url = format!("{}/gateway/{PATH}", gateway.rig.base);
    let seen = see(gateway.rig.http.post(url).body(chat("x", false).to_string())).await;
    assert_eq!(seen.status, 200);
    let event = gateway.event().await;
    assert_eq!((event.tenant, event.application.as_str()), (TENANT, "sidecar"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_section_there_is_no_gateway() {
    let rig = crate::support::rig(|_| {}).await;
    let response = rig
        .http
        .post(format!("{}/gateway/{PATH}", rig.base))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 404);
}
