//! What is refused is refused with a problem document that says how to do better.

mod support;

use futures_util::stream;
use serde_json::json;
use support::{event, problem, rig};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_key_nothing_is_taken() {
    let rig = rig(|_| {}).await;
    let url = format!("{}/api/v1/audit/log", rig.base);
    let none = rig.http.post(&url).json(&event()).send().await.unwrap();
    assert_eq!(none.status(), 401);
    assert_eq!(none.headers()["www-authenticate"], "Bearer");
    let none = problem(none).await;
    assert_eq!(none["type"], "/problems/unauthorized");
    let wrong = rig
        .http
        .post(&url)
        .header("x-api-key", altered(&rig.key))
        .json(&event())
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
    let header = rig
        .http
        .post(&url)
        .header("x-api-key", &rig.key)
        .json(&event())
        .send()
        .await
        .unwrap();
    assert_eq!(header.status(), 201);
}

/// A key of the right shape that is not the right one.
fn altered(key: &str) -> String {
    let (rest, last) = key.split_at(key.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_methods_and_media_types_are_checked() {
    let rig = rig(|_| {}).await;
    let get = rig
        .http
        .get(format!("{}/api/v1/audit/log", rig.base))
        .send()
        .await
        .unwrap();
    assert_eq!(get.status(), 405);
    assert_eq!(
        problem(rig.post("/api/v1/audit/nothing").send().await.unwrap()).await["status"],
        404
    );
    let form = rig
        .post("/api/v1/audit/log")
        .header("content-type", "text/plain")
        .body("{}")
        .send()
        .await
        .unwrap();
    let form = problem(form).await;
    assert_eq!(form["status"], 415);
    assert!(form["detail"].as_str().unwrap().contains("application/json"));
    let packed = rig
        .post("/api/v1/audit/log")
        .header("content-encoding", "gzip")
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(problem(packed).await["status"], 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_are_named() {
    let rig = rig(|config| {
        config.limits.event_bytes = 10_000;
        config.limits.batch_bytes = 25_000;
        config.limits.batch_events = 3;
    })
    .await;
    let mut large = event();
    large["response"]["body"] = json!("x".repeat(10_000));
    let announced = problem(rig.log(&large).await).await;
    assert_eq!(announced["status"], 413);
    assert!(
        announced["detail"].as_str().unwrap().contains("10000 bytes"),
        "{announced}"
    );

    let chunks = stream::iter(
        large
            .to_string()
            .into_bytes()
            .chunks(1_000)
            .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
            .collect::<Vec<_>>(),
    );
    let chunked = rig
        .post("/api/v1/audit/log")
        .header("content-type", "application/json");
    let chunked = chunked
        .body(reqwest::Body::wrap_stream(chunks))
        .send()
        .await
        .unwrap();
    assert_eq!(chunked.status(), 413);

    let item = rig
        .post("/api/v1/audit/logs")
        .json(&json!([event(), large]))
        .send()
        .await
        .unwrap();
    let item: serde_json::Value = item.json().await.unwrap();
    assert_eq!(
        (&item["items"][0]["status"], &item["items"][1]["status"]),
        (&json!(201), &json!(413))
    );

    let many = problem(
        rig.post("/api/v1/audit/logs")
            .json(&json!([1, 2, 3, 4]))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(many["status"], 413);
    assert!(many["detail"].as_str().unwrap().contains("3 events"), "{many}");
    let long = problem(
        rig.post("/api/v1/audit/logs")
            .body("x".repeat(25_001))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(long["status"], 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_mebibytes_are_too_much_by_default() {
    let rig = rig(|_| {}).await;
    let mut large = event();
    large["response"]["body"] = json!("x".repeat(5 * 1024 * 1024));
    let refused = problem(rig.log(&large).await).await;
    assert_eq!(refused["status"], 413);
    assert!(
        refused["detail"].as_str().unwrap().contains("4194304"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_utf8_are_found() {
    let rig = rig(|_| {}).await;
    let mut body = event().to_string().into_bytes();
    body[30] = 0xFF;
    let refused = rig
        .post("/api/v1/audit/log")
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    let refused = problem(refused).await;
    assert_eq!(refused["status"], 400);
    assert!(
        refused["detail"].as_str().unwrap().contains("offset 30"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_application_cannot_take_everything() {
    let rig = rig(|config| {
        config.rate = Some(ingest::RateConfig {
            events_per_second: 1,
            burst: 2,
        })
    })
    .await;
    assert_eq!(rig.log(&event()).await.status(), 201);
    assert_eq!(rig.log(&event()).await.status(), 201);
    let refused = rig.log(&event()).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_working() {
    let rig = rig(|config| config.key_cache.fresh_ms = 0).await;
    assert_eq!(rig.log(&event()).await.status(), 201);
    rig.revoke_key().await;
    assert_eq!(rig.log(&event()).await.status(), 401);
}
