//! Recorded exchanges, one JSON object a line, as events that have just happened.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Namespace of the version 5 UUIDs made here; itself version 5 of the DNS name `replay.ai-audit-layer.example`.
fn namespace() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"replay.ai-audit-layer.example")
}

/// Query parameters that hold a credential of the caller.
const CREDENTIAL_PARAMETERS: [&str; 8] = [
    "api-key",
    "api_key",
    "apikey",
    "key",
    "sig",
    "signature",
    "token",
    "access_token",
];

/// Why a line is no recording.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Not JSON, or not of the documented shape.
    #[error("the line is not a recorded exchange: {0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Recording {
    id: String,
    provider: String,
    request: Half,
    response: Option<Half>,
}

/// Only these members are taken over: recorded headers, where a recording has them, carry credentials.
#[derive(Deserialize)]
struct Half {
    method: Option<String>,
    url: Option<String>,
    status: Option<u16>,
    content_type: Option<String>,
    body: Option<Value>,
    body_base64: Option<String>,
}

/// Turns one line of `recordings/*.jsonl` into the body of `POST /api/v1/audit/log`.
///
/// The event's id is UUID version 5 of `salt` and the recording's own id: the same line with the same salt is the same
/// event, so a replay may be repeated after a break; another salt (a time, say) makes it a new one. Credentials in the
/// address are removed, headers are not taken over.
///
/// # Errors
/// When the line is no JSON object with `id`, `provider` and `request`.
pub fn replay_event(line: &str, application: &str, salt: &str) -> Result<Value, ReplayError> {
    let recording: Recording = serde_json::from_str(line)?;
    let url = recording.request.url.as_deref().unwrap_or_default();
    let name = format!("{salt}\n{}", recording.id);
    let event_id = Uuid::new_v5(&namespace(), name.as_bytes());
    let mut event = json!({
        "event_id": event_id,
        "application": application,
        "environment": "replay",
        "provider": provider(&recording.provider, url),
        "operation": operation(url),
        "request": half(&recording.request),
        "tags": {"recording": recording.id},
    });
    if let Some(response) = &recording.response {
        event["response"] = half(response);
    }
    Ok(event)
}

fn half(half: &Half) -> Value {
    let mut object = Map::new();
    if let Some(method) = &half.method {
        object.insert("method".into(), json!(method));
    }
    if let Some(url) = &half.url {
        object.insert("url".into(), json!(without_credentials(url)));
    }
    if let Some(status) = half.status {
        object.insert("status".into(), json!(status));
    }
    // The event knows a content type of the response only.
    if let (Some(content_type), Some(_)) = (&half.content_type, half.status) {
        object.insert("content_type".into(), json!(content_type));
    }
    // Some recordings of binary streams have an empty text beside the base64; only the bytes count.
    match (&half.body_base64, &half.body) {
        (Some(base64), _) => object.insert("body_base64".into(), json!(base64)),
        (None, Some(body)) => object.insert("body".into(), body.clone()),
        (None, None) => None,
    };
    Value::Object(object)
}

fn without_credentials(url: &str) -> String {
    let Some((address, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|parameter| {
            let name = parameter
                .split('=')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            !CREDENTIAL_PARAMETERS.contains(&name.as_str()) && !name.starts_with("x-amz-")
        })
        .collect();
    if kept.is_empty() {
        address.to_owned()
    } else {
        format!("{address}?{}", kept.join("&"))
    }
}

/// The recordings name the client library; the event names the provider by OpenTelemetry's GenAI conventions.
fn provider<'a>(recorded: &'a str, url: &str) -> &'a str {
    let hosts = [
        ("azure.com", "azure"),
        ("bedrock", "aws.bedrock"),
        ("api.openai.com", "openai"),
        ("api.anthropic.com", "anthropic"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("api.mistral.ai", "mistral"),
        ("api.groq.com", "groq"),
        ("api.cohere", "cohere"),
        ("api.together", "together"),
        ("api.deepseek.com", "deepseek"),
    ];
    if let Some((_, name)) = hosts.iter().find(|(host, _)| url.contains(host)) {
        return name;
    }
    match recorded {
        "bedrock" => "aws.bedrock",
        "google-generativeai" => "gcp.gemini",
        "mistralai" => "mistral",
        "openai-agents" => "openai",
        other => other,
    }
}

fn operation(url: &str) -> &'static str {
    let path = url.split('?').next().unwrap_or_default();
    let paths = [
        ("/chat/completions", "chat"),
        ("/v1/messages", "messages"),
        ("/responses", "responses"),
        ("/embeddings", "embeddings"),
        ("/embed", "embeddings"),
        ("/completions", "completions"),
        ("/complete", "completions"),
        ("/images/", "images"),
        ("/rerank", "rerank"),
        ("/threads", "assistants"),
        ("/assistants", "assistants"),
        ("/invoke", "invoke_model"),
        ("/converse", "chat"),
        ("generateContent", "generate_content"),
        ("/api/generate", "generate"),
        ("/chat", "chat"),
        ("/traces", "traces"),
    ];
    paths
        .iter()
        .find(|(part, _)| path.contains(part))
        .map_or("other", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_the_address_are_dropped() {
        let url = "https://x.example/openai?api-version=2024-02-01&api-key=abc&Sig=def&X-Amz-Signature=1&n=2";
        assert_eq!(
            without_credentials(url),
            "https://x.example/openai?api-version=2024-02-01&n=2"
        );
        assert_eq!(
            without_credentials("https://x.example/v1?key=abc"),
            "https://x.example/v1"
        );
        assert_eq!(
            without_credentials("https://x.example/v1"),
            "https://x.example/v1"
        );
    }

    #[test]
    fn headers_and_unknown_members_are_left_behind() {
        let line = r#"{"id":"a1","provider":"openai","source":"s","request":{"method":"POST",
            "url":"https://api.openai.com/v1/chat/completions","headers":{"authorization":"Bearer x"},"body":"{}"},
            "response":{"status":200,"content_type":"application/json","body":"{}"}}"#;
        let event = replay_event(line, "replayer", "1").unwrap();
        assert!(!event.to_string().contains("Bearer"));
        assert_eq!(event["operation"], "chat");
        assert_eq!(event["response"]["status"], 200);
        assert_eq!(event, replay_event(line, "replayer", "1").unwrap());
        assert_ne!(
            event["event_id"],
            replay_event(line, "replayer", "2").unwrap()["event_id"]
        );
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        assert!(replay_event("{}", "a", "").is_err());
        assert!(replay_event("not json", "a", "").is_err());
    }
}
