//! Calls of the real provider clients under the real OpenTelemetry instrumentations, exported by the real exporters to
//! the edge of `audit up`: every model call is found once, with its model, its tokens and its price.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
};

use aal_fake_provider::{Options, start};
use audit_tests::{Pipeline, Start, repository::root, until};
use serde_json::Value;
use uuid::Uuid;

const QUESTION: &str = "Is a limit of 5000 right";

/// What `tests/otel-clients/emit.py` prints: the spans as the instrumentation ended them.
async fn emit(
    python: &str,
    provider: &str,
    edge: &str,
    key: &str,
    instrumentation: &str,
    wire: [&str; 2],
) -> Value {
    let mut command = Command::new(python);
    command
        .arg(root().join("tests/otel-clients/emit.py"))
        .args(["--provider", provider, "--otlp", &format!("{edge}/v1/traces")])
        .args(["--header", &format!("x-audit-key={key}")])
        .args([
            "--instrumentation",
            instrumentation,
            "--encoding",
            wire[0],
            "--compression",
            wire[1],
        ])
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output().expect("python runs"));
    let output = output.await.expect("no panic");
    assert!(output.status.success(), "{instrumentation} failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Pinned; the environment lies in the cache and is made once.
fn python() -> String {
    let output = Command::new(root().join("scripts/sdk-python-env.sh"))
        .arg("python3")
        .arg(root().join("tests/otel-clients/requirements.txt"))
        .stderr(Stdio::inherit())
        .output()
        .expect("the script runs");
    assert!(output.status.success(), "the clients could not be installed");
    String::from_utf8(output.stdout)
        .expect("a path")
        .trim()
        .to_owned()
}

/// The first attribute there is.
fn attribute<'a>(span: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| span["attributes"].get(*name))
}

fn count(span: &Value, names: &[&str]) -> u64 {
    attribute(span, names).and_then(Value::as_u64).unwrap_or(0)
}

/// The list prices of the models that the script calls, in dollars for a hundred million tokens: input, output.
fn price(model: &str, input: u64, output: u64) -> Option<String> {
    let (per_input, per_output) = match model {
        "gpt-4o" => (250, 1_000),
        "text-embedding-3-small" => (2, 0),
        _ => return None,
    };
    let units = input * per_input + output * per_output;
    let text = format!("0.{units:08}");
    Some(text.trim_end_matches('0').to_owned())
}

/// The model that answered, else the one asked for. OpenInference tells of a call that failed by its parameters only.
fn model(span: &Value) -> Value {
    let names = [
        "gen_ai.response.model",
        "gen_ai.request.model",
        "llm.model_name",
        "embedding.model_name",
    ];
    if let Some(model) = attribute(span, &names) {
        return model.clone();
    }
    let parameters = attribute(span, &["llm.invocation_parameters"]).and_then(Value::as_str);
    let parameters: Value = serde_json::from_str(parameters.expect("a model")).expect("JSON");
    parameters["model"].clone()
}

fn check(span: &Value, record: &Value) {
    assert_eq!(record["model"], model(span), "{span:#} {record:#}");
    let failed = span["status"] == "ERROR";
    assert_eq!(record["is_error"], failed, "{record:#}");
    let input = count(
        span,
        &[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
        ],
    );
    let output = count(
        span,
        &[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
        ],
    );
    assert!(
        failed || input > 0,
        "the instrumentation reported usage: {span:#}"
    );
    assert_eq!(record["input_tokens"], input, "{span:#} {record:#}");
    assert_eq!(record["output_tokens"], output, "{span:#} {record:#}");
    let cost = record["cost"].as_str().map(str::to_owned);
    let expected = record["model"]
        .as_str()
        .and_then(|model| price(model, input, output));
    if failed {
        assert_eq!(cost, None, "{record:#}");
    } else {
        assert_eq!(cost, expected, "{record:#}");
        let reason = record["unpriced_reason"].as_str().expect("a text");
        assert_eq!(
            cost.is_some(),
            reason.is_empty(),
            "what has no price says why: {record:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_under_an_instrumentation_is_found_once_with_its_usage_and_price() {
    let python = tokio::task::spawn_blocking(python).await.expect("no panic");
    let provider = start(Options::default()).await.expect("the provider starts");
    let pipeline = Pipeline::start(Start::default()).await;
    let token = pipeline.token().await;
    // A replay makes the first tenant, whose keys the exporters come with.
    pipeline.audit(&[
        "replay",
        &audit_tests::recordings("together.jsonl").display().to_string(),
    ]);
    let tenants = pipeline.get(&token, "/api/v1/tenants").await.1;
    let tenant: Uuid = tenants["tenants"][0]["id"]
        .as_str()
        .expect("a tenant")
        .parse()
        .expect("a UUID");
    let edge = format!("http://{}", pipeline.endpoints.edge);
    for (instrumentation, wire, tells_content) in [
        ("openllmetry", ["protobuf", "gzip"], true),
        ("openinference", ["json", "gzip"], true),
        // This one puts content into log records, which traces do not carry.
        ("official", ["protobuf", "none"], false),
    ] {
        let key = pipeline.api_key(&token, instrumentation).await;
        let emitted = emit(&python, &provider.url(), &edge, &key, instrumentation, wire).await;
        assert_eq!(
            emitted["exported"], true,
            "{instrumentation}: the exporter was answered with success"
        );
        let spans = emitted["spans"].as_array().expect("spans");
        assert_eq!(
            emitted["calls"],
            spans.len(),
            "{instrumentation}: one span a call"
        );
        let path = format!("/api/v1/audit/logs?application={instrumentation}&kind=event&limit=500");
        let records = until("every span is stored", || async {
            let (_, page) = pipeline.get(&token, &path).await;
            let items = page["items"].as_array()?.clone();
            (items.len() >= spans.len()).then_some(items)
        })
        .await;
        let ids: BTreeSet<&str> = records
            .iter()
            .filter_map(|record| record["event_id"].as_str())
            .collect();
        assert_eq!(
            (records.len(), ids.len()),
            (spans.len(), spans.len()),
            "none twice, none more"
        );
        for span in spans {
            let id = |name: &str| u128::from_str_radix(span[name].as_str().expect("an id"), 16).expect("hex");
            let span_id = (id("span_id") as u64).to_be_bytes();
            let event_id = aal_otlp::event_id(tenant, &id("trace_id").to_be_bytes(), &span_id).to_string();
            let record = records.iter().find(|record| record["event_id"] == event_id);
            check(span, record.expect("its event is stored under the span's id"));
            let (status, detail) = pipeline
                .get(&token, &format!("/api/v1/audit/logs/{event_id}"))
                .await;
            assert_eq!(status, 200);
            let detail = detail.to_string();
            assert!(
                !detail.contains("provider-secret"),
                "the provider's key is in the record"
            );
            if tells_content && span["status"] != "ERROR" {
                assert!(detail.contains(QUESTION), "{detail}");
            }
        }
    }
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_ne!(status, 1, "nothing is refuted: {report}");
}
