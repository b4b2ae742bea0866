//! Runner of `tests/sdk-conformance`: makes the calls of a script and prints what the application saw.
//!
//! `conformance CALLS.json PROVIDER EDGE [--plain]`

use std::time::Duration;

use aal_client::{Attribution, AuditLayer, AuditMiddleware, Client, Context, LayerSettings, Subject};
use futures_util::StreamExt;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Call {
    name: String,
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    url: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    context: Map<String, Value>,
    #[serde(default)]
    leave_early: bool,
    #[serde(default)]
    record: Option<Value>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let calls: Vec<Call> = serde_json::from_str(&std::fs::read_to_string(&arguments[1])?)?;
    let settings = LayerSettings {
        environment: Some("test".into()),
        enabled: !arguments.iter().any(|argument| argument == "--plain"),
        linger: Duration::from_millis(20),
        ..LayerSettings::new("conformance")
    };
    let layer = AuditLayer::new(Client::new(&arguments[3], "aal_test")?, settings);
    let mut results = Vec::new();
    for call in &calls {
        let context = Context::new(&attribution(&call.context));
        let result = match &call.record {
            Some(event) => {
                json!({"recorded": context.scope(async { layer.record(event.clone()) }).await.is_ok()})
            }
            None => {
                let middleware = AuditMiddleware::new(layer.clone(), call.provider.as_deref());
                let http = reqwest::Client::builder().no_proxy().build()?;
                let client = ClientBuilder::new(http).with(middleware).build();
                context.scope(made(&client, call, &arguments[2])).await
            }
        };
        results.push(json!({"name": call.name, "result": result}));
    }
    layer.close(Duration::from_secs(20)).await;
    println!(
        "{}",
        json!({"results": results, "counts": format!("{:?}", layer.counts())})
    );
    Ok(())
}

fn attribution(fields: &Map<String, Value>) -> Attribution {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let tags = fields
        .get("tags")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    Attribution {
        user_id: text("user_id"),
        session_id: text("session_id"),
        decision_type: text("decision_type"),
        subject: text("subject").map(|id| Subject { id, email: None }),
        tags: tags
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        ..Attribution::default()
    }
}

async fn made(client: &ClientWithMiddleware, call: &Call, provider: &str) -> Value {
    let mut request = client
        .post(call.url.replace("{provider}", provider))
        .header("content-type", "application/json")
        .body(call.body.clone());
    for (name, value) in &call.headers {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let Ok(response) = request.send().await else {
        return json!({"error": "connection"});
    };
    let status = response.status().as_u16();
    let content_type = response
        .headers()
        .get("content-type")
        .map(|value| value.to_str().unwrap_or_default().to_owned());
    let mut digest = Sha256::new();
    let mut bytes = 0;
    let mut error = Value::Null;
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(_) if call.leave_early => return json!({"status": status, "left": true}),
            Ok(chunk) => {
                bytes += chunk.len();
                digest.update(&chunk);
            }
            Err(_) => error = json!("connection"),
        }
    }
    json!({
        "status": status,
        "content_type": content_type,
        "bytes": bytes,
        "sha256": hex::encode(digest.finalize()),
        "error": error,
    })
}
