//! Money from end to end: estimates, a tenant's own prices, corrections, and a provider's report against the ledger.

use std::path::PathBuf;

use audit_tests::{Pipeline, Start, until};
use serde_json::{Value, json};

const AT: &str = "2026-03-01T10:00:00Z";
/// 2026-03-01T00:00:00Z.
const DAY_S: i64 = 1_772_323_200;
const PERIOD: &str = "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z";

fn call(usage: Value) -> Value {
    let mut answer = json!({"id": "c", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "tiktoken is great!"}}]});
    if !usage.is_null() {
        answer["usage"] = usage;
    }
    json!({"application": "shop", "provider": "openai", "operation": "chat", "occurred_at": AT,
        "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions",
            "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello world"}]}},
        "response": {"status": 200, "content_type": "application/json", "body": answer}})
}

fn stated() -> Value {
    call(
        json!({"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100,
        "prompt_tokens_details": {"cached_tokens": 400}}),
    )
}

async fn send(pipeline: &Pipeline, key: &str, event: &Value) {
    let before = pipeline.count("kind = 'event' AND application = 'shop'").await;
    let url = format!("http://{}/api/v1/audit/log", pipeline.endpoints.edge);
    let answer = pipeline
        .http
        .post(url)
        .bearer_auth(key)
        .json(event)
        .send()
        .await
        .expect("it answers");
    assert_eq!(
        answer.status().as_u16(),
        201,
        "{}",
        answer.text().await.unwrap_or_default()
    );
    until("the call is stored", || async {
        (pipeline.count("kind = 'event' AND application = 'shop'").await > before).then_some(())
    })
    .await;
}

fn report(pipeline: &Pipeline, calls: u64) -> PathBuf {
    let result = json!({"object": "organization.usage.completions.result", "model": "gpt-4o-2024-08-06",
        "input_tokens": 1_000 * calls, "input_cached_tokens": 400 * calls, "output_tokens": 100 * calls,
        "num_model_requests": calls});
    let page = json!({"object": "page", "has_more": false, "data": [
        {"object": "bucket", "start_time": DAY_S, "end_time": DAY_S + 86_400, "results": [result]}]});
    let file = pipeline.data().join("report.json");
    std::fs::write(&file, page.to_string()).expect("a file");
    file
}

fn reconcile(pipeline: &Pipeline, file: &str, more: &[&str]) -> (i32, String) {
    let mut arguments = vec!["reconcile", file, "--provider", "openai"];
    arguments.extend(more);
    let output = pipeline.audit(&arguments);
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(text).expect("UTF-8"),
    )
}

fn reports_against_the_ledger(pipeline: &Pipeline) {
    let file = report(pipeline, 2).display().to_string();
    let (status, text) = reconcile(pipeline, &file, &[]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("4 numbers compared, 0 differ"), "{text}");
    report(pipeline, 3);
    let (status, text) = reconcile(pipeline, &file, &["--json"]);
    assert_eq!(status, 1, "{text}");
    let outcome: Value = serde_json::from_str(&text).expect("JSON");
    let lacking: Vec<_> = outcome["differences"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["day"].clone(), one["measure"].clone(), one["lacking"].clone()))
        .collect();
    let day = json!("2026-03-01");
    let expected = [
        ("requests", "1"),
        ("input_tokens", "1000"),
        ("output_tokens", "100"),
        ("cache_read_tokens", "400"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(measure, count)| (day.clone(), json!(measure), json!(count)))
        .collect();
    assert_eq!(lacking, expected);
    let (status, text) = reconcile(
        pipeline,
        &file,
        &["--from", "2026-03-02T00:00:00Z", "--to", "2026-03-03T00:00:00Z"],
    );
    assert_eq!(status, 3, "nothing compared is no agreement: {text}");
    std::fs::write(&file, "{}").expect("a file");
    let (status, text) = reconcile(pipeline, &file, &[]);
    assert!(
        status == 2 && text.contains("page 0.data: expected an array"),
        "{status} {text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_is_exact_agreed_and_corrected() {
    let pipeline = Pipeline::start(Start::default()).await;
    let token = pipeline.token().await;
    let key = pipeline.api_key(&token, "shop").await;
    send(&pipeline, &key, &stated()).await;
    send(&pipeline, &key, &stated()).await;
    reports_against_the_ledger(&pipeline);

    send(&pipeline, &key, &call(Value::Null)).await;
    let metrics = format!("/api/v1/metrics?{PERIOD}&application=shop");
    let (_, answer) = pipeline.get(&token, &metrics).await;
    let totals = &answer["totals"];
    assert_eq!(
        (&totals["input_tokens"], &totals["estimated"]["input_tokens"]),
        (&json!(2_000), &json!(9)),
        "{totals}"
    );
    // 600 at 2.50, 400 at 1.25 and 100 at 10 US dollars a million, twice.
    assert_eq!(
        (&totals["cost"], &totals["unpriced"]),
        (&json!("0.006"), &json!(1))
    );

    let tenant = pipeline.get(&token, "/api/v1/tenants").await.1["tenants"][0]["id"].clone();
    let book = json!({"tenant": tenant, "prices": [
        {"provider": "openai", "model": "gpt-4o*", "discount_percent": "50"}]});
    let (status, made) = pipeline.post(&token, "/api/v1/prices", &book).await;
    assert_eq!(status, 201, "{made}");
    until("the change is in the ledger", || async {
        (pipeline
            .count("kind = 'price_table_change' AND header LIKE '%\"prices\"%'")
            .await
            == 1)
            .then_some(())
    })
    .await;
    until("the agreed price holds", || async {
        send(&pipeline, &key, &stated()).await;
        (pipeline
            .count("application = 'shop' AND cost = toDecimal128('0.0015', 18)")
            .await
            > 0)
        .then_some(())
    })
    .await;
    assert_eq!(pipeline.count("application = 'shop' AND price_version LIKE 'custom+%' AND price_rule LIKE 'custom openai/gpt-4o* less 50%'").await,
        pipeline.count("application = 'shop' AND cost = toDecimal128('0.0015', 18)").await);

    let period = [
        "--from",
        "2026-03-01T00:00:00Z",
        "--to",
        "2026-03-02T00:00:00Z",
        "--json",
    ];
    let reprice = |more: &[&str]| -> Value {
        let output = pipeline.audit(&[&["reprice"], &period[..], more].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_str(text.lines().last().expect("counts")).expect("JSON")
    };
    let at_list = pipeline
        .count("application = 'shop' AND kind = 'event' AND cost = toDecimal128('0.003', 18)")
        .await;
    let dry = reprice(&["--dry-run"]);
    assert_eq!(dry["changed"], json!(at_list), "{dry}");
    assert_eq!(pipeline.count("kind = 'reprice'").await, 0);
    assert_eq!(reprice(&[])["changed"], json!(at_list));
    until("the corrections are stored", || async {
        (pipeline.count("kind = 'reprice'").await == at_list).then_some(())
    })
    .await;
    assert_eq!(reprice(&[])["changed"], json!(0), "once is enough");
    let (_, current) = pipeline
        .get(&token, &format!("{metrics}&price_view=current"))
        .await;
    let exact = current["totals"]["calls"].as_u64().expect("a count") - 1;
    let halves = format!("{:.4}", exact as f64 * 0.0015);
    assert_eq!(
        current["totals"]["cost"]
            .as_str()
            .map(|cost| cost.trim_end_matches('0').to_owned()),
        Some(halves.trim_end_matches('0').to_owned()),
        "{current}"
    );
    let (_, recorded) = pipeline.get(&token, &metrics).await;
    assert_ne!(recorded["totals"]["cost"], current["totals"]["cost"]);

    pipeline.sealed().await;
    let (status, verdicts) = pipeline.verify();
    assert!(matches!(status, 0 | 3), "{verdicts}");
}
