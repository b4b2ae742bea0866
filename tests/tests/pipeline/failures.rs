//! Bad input and broken engines: clear answers, nothing lost.

use audit_tests::{Pipeline, Signal, Start, until};
use serde_json::{Value, json};

async fn send(pipeline: &Pipeline, key: &str, body: Vec<u8>) -> (u16, Value) {
    let url = format!("http://{}/api/v1/audit/log", pipeline.endpoints.edge);
    let request = pipeline
        .http
        .post(url)
        .header("content-type", "application/json")
        .bearer_auth(key)
        .body(body);
    let answer = request.send().await.expect("it answers");
    (
        answer.status().as_u16(),
        answer.json().await.unwrap_or(Value::Null),
    )
}

fn event(application: &str) -> Value {
    json!({"application": application, "provider": "openai", "request": {"body": "{\"model\":\"gpt-4o\"}"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_by_field() {
    let pipeline = Pipeline::start(Start::default()).await;
    let token = pipeline.token().await;
    pipeline.audit(&[
        "replay",
        &audit_tests::recordings("together.jsonl").display().to_string(),
    ]);
    let key = pipeline.api_key(&token, "careful").await;

    let mut unknown = event("careful");
    unknown["provder"] = json!("x");
    let (status, problem) = send(&pipeline, &key, unknown.to_string().into_bytes()).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (400, Some("/provder")),
        "{problem}"
    );

    let mut wrong = event("careful");
    wrong["interrupted"] = json!("yes");
    let (status, problem) = send(&pipeline, &key, wrong.to_string().into_bytes()).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (400, Some("/interrupted")),
        "{problem}"
    );

    let mut large = event("careful");
    large["request"]["body"] = json!("x".repeat(5 * 1024 * 1024));
    let (status, problem) = send(&pipeline, &key, large.to_string().into_bytes()).await;
    assert_eq!(status, 413, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap_or_default().contains("4194304"),
        "{problem}"
    );

    let (status, problem) = send(&pipeline, &key, b"{\"application\":\"\xff\"}".to_vec()).await;
    assert_eq!(status, 400, "{problem}");
    assert!(problem.to_string().contains("UTF-8"), "{problem}");

    let (status, _) = send(&pipeline, "", event("careful").to_string().into_bytes()).await;
    assert_eq!(status, 401);
    let (status, _) = send(
        &pipeline,
        "aal_nonsense",
        event("careful").to_string().into_bytes(),
    )
    .await;
    assert_eq!(status, 401);
    let (status, problem) = send(&pipeline, &key, event("another").to_string().into_bytes()).await;
    assert!(status == 403 || status == 400, "{status} {problem}");

    let (status, problem) = pipeline.get("not.a.token", "/api/v1/audit/logs").await;
    assert_eq!(status, 401, "{problem}");
    let (status, problem) = pipeline
        .post(&token, "/api/v1/reports/generate", &json!({"type": "horoscope"}))
        .await;
    assert_eq!(status, 400, "{problem}");
    assert!(
        problem.to_string().contains("range"),
        "the known types are not named: {problem}"
    );
    let (status, problem) = pipeline.get(&token, "/api/v1/audit/logs?colour=red").await;
    assert_eq!(status, 400, "{problem}");
    let (status, _) = pipeline
        .get(&token, "/api/v1/audit/logs/01890a5d-ac96-774b-bcce-b302099a8057")
        .await;
    assert_eq!(status, 404);
    assert_eq!(pipeline.count("application = 'careful'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_an_engine_hangs_nothing_is_acknowledged_falsely_and_nothing_is_lost() {
    let pipeline = Pipeline::start(Start::default()).await;
    let token = pipeline.token().await;
    pipeline.audit(&[
        "replay",
        &audit_tests::recordings("together.jsonl").display().to_string(),
    ]);
    let key = pipeline.api_key(&token, "patient").await;

    // ClickHouse stands still: the edge goes on, reads say so.
    pipeline.signal("aal-olap-engine", Signal::STOP);
    let (status, _) = send(&pipeline, &key, event("patient").to_string().into_bytes()).await;
    assert_eq!(status, 201);
    let (status, problem) = pipeline.get(&token, "/api/v1/audit/logs").await;
    assert_eq!(status, 503, "{problem}");
    pipeline.signal("aal-olap-engine", Signal::CONT);
    until("the event is stored", || async {
        (pipeline.count("application = 'patient'").await == 1).then_some(())
    })
    .await;

    // Kafka stands still: 503 with a hint when to come again.
    pipeline.signal("aal-log-engine", Signal::STOP);
    let url = format!("http://{}/api/v1/audit/log", pipeline.endpoints.edge);
    let id = uuid::Uuid::now_v7();
    let mut second = event("patient");
    second["event_id"] = json!(id);
    let request = || pipeline.http.post(&url).bearer_auth(&key).json(&second).send();
    let answer = request().await.expect("it answers");
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    pipeline.signal("aal-log-engine", Signal::CONT);
    until("the edge accepts again", || async {
        (request().await.ok()?.status() == 201).then_some(())
    })
    .await;
    // The refused try may have landed all the same: recorded once in any case.
    until("the event is stored", || async {
        (pipeline
            .count(&format!("kind = 'event' AND event_id = toUUID('{id}')"))
            .await
            == 1)
            .then_some(())
    })
    .await;
}
