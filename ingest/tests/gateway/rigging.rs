//! An edge with a gateway, a fake provider behind it, and calls that are compared byte by byte.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use aal_event::{Event, Kind};
use aal_fake_provider::{Options, Running, start};
use ingest::{Config, GatewayConfig, UpstreamConfig};
use reqwest::{RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use crate::support::{Rig, rig};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Gateway {
    pub rig: Rig,
    pub provider: Running,
    _spool: tempfile::TempDir,
}

/// What an application sees of one call.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub status: StatusCode,
    pub content_type: Option<String>,
    pub encoding: Option<String>,
    pub retry_after: Option<String>,
    pub body: Vec<u8>,
    /// False when the connection broke before the body's end.
    pub is_whole: bool,
}

pub fn upstream(url: &str, provider: &str) -> UpstreamConfig {
    UpstreamConfig {
        url: url.to_owned(),
        provider: Some(provider.to_owned()),
        sign: None,
    }
}

/// Starts one after `adjust` had its way with `[gateway]`.
pub async fn gateway(adjust: impl FnOnce(&mut GatewayConfig)) -> Gateway {
    gateway_in(|_, gateway| adjust(gateway)).await
}

/// As [`gateway`], with the edge's configuration.
pub async fn gateway_in(adjust: impl FnOnce(&mut Config, &mut GatewayConfig)) -> Gateway {
    let provider = start(Options::default()).await.unwrap();
    let spool = tempfile::tempdir().unwrap();
    let mut gateway = GatewayConfig::default();
    gateway.spool.directory = spool.path().join("spool");
    gateway.timeouts.delivery_ms = 1_500;
    gateway.timeouts.intent_ms = 1_500;
    let url = provider.url();
    gateway
        .upstreams
        .insert("openai".to_owned(), upstream(&url, "openai"));
    gateway
        .upstreams
        .insert("anthropic".to_owned(), upstream(&url, "anthropic"));
    gateway
        .upstreams
        .insert("bedrock".to_owned(), upstream(&url, "aws.bedrock"));
    gateway
        .upstreams
        .insert("ollama".to_owned(), upstream(&url, "ollama"));
    gateway
        .upstreams
        .insert("gemini".to_owned(), upstream(&url, "gcp.gemini"));
    let rig = rig(|config| {
        adjust(config, &mut gateway);
        config.gateway = Some(gateway);
    })
    .await;
    Gateway {
        rig,
        provider,
        _spool: spool,
    }
}

impl Gateway {
    /// A call through the gateway; `path` begins with the upstream's name.
    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let url = format!("{}/gateway/{path}", self.rig.base);
        self.with_credentials(self.rig.http.post(url), body)
            .header("x-audit-key", &self.rig.key)
    }

    /// The same call straight to the provider.
    pub fn direct(&self, path: &str, body: &Value) -> RequestBuilder {
        let (_, path) = path.split_once('/').unwrap();
        let url = format!("{}/{path}", self.provider.url());
        self.with_credentials(self.rig.http.post(url), body)
    }

    fn with_credentials(&self, request: RequestBuilder, body: &Value) -> RequestBuilder {
        request
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", secret()))
            .header("x-api-key", secret())
            .body(body.to_string())
    }

    /// Waits until the topic has this many different calls; answers one event of each, and checks that what came more
    /// than once came unchanged.
    pub async fn events(&self, count: usize) -> Vec<Event> {
        let begun = Instant::now();
        loop {
            let records = self.rig.all_records();
            let mut ids = HashSet::new();
            let mut events: Vec<Event> = Vec::new();
            for (_, event) in records {
                if ids.insert(event.event_id) {
                    events.push(event);
                } else {
                    let first = events
                        .iter()
                        .find(|other| other.event_id == event.event_id)
                        .unwrap();
                    assert_eq!(first, &event, "delivered twice with different content");
                }
            }
            if events.len() >= count {
                assert_eq!(events.len(), count, "more events than calls");
                return events;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{} of {count} events arrived",
                events.len()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The only event so far.
    pub async fn event(&self) -> Event {
        self.events(1).await.pop().unwrap()
    }

    /// Waits until a metric has at least this value.
    pub async fn metric(&self, name: &str, least: u64) {
        let begun = Instant::now();
        while metric_of(&self.rig.metrics().await, name) < least {
            assert!(
                begun.elapsed() < PATIENCE,
                "{name} did not reach {least}:\n{}",
                self.rig.metrics().await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A metric's value; 0 when it is not there.
pub fn metric_of(text: &str, name: &str) -> u64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().unwrap())
}

/// What an application sees, the break of a connection included.
pub async fn see(request: RequestBuilder) -> Seen {
    let mut response = request.send().await.unwrap();
    let text =
        |headers: &HeaderMap, name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let headers = response.headers().clone();
    let status = response.status();
    let mut body = Vec::new();
    let is_whole = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    Seen {
        status,
        content_type: text(&headers, "content-type"),
        encoding: text(&headers, "content-encoding"),
        retry_after: text(&headers, "retry-after"),
        body,
        is_whole,
    }
}

/// Made at run time, so that nothing in the repository looks like a credential.
pub fn secret() -> String {
    format!("{}-{}", ["s", "k"].concat(), "0123456789".repeat(4))
}

pub fn chat(text: &str, stream: bool) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "stream": stream})
}

pub fn response_body(event: &Event) -> &[u8] {
    &event.response.as_ref().unwrap().body
}

pub fn request_body(event: &Event) -> &[u8] {
    &event.request.as_ref().unwrap().body
}

/// What the gateway notes in an event's metadata.
pub fn notes(event: &Event) -> Value {
    let metadata: Value = serde_json::from_str(event.metadata.as_deref().unwrap()).unwrap();
    metadata["gateway"].clone()
}

pub fn only(events: Vec<Event>, kind: Kind) -> Vec<Event> {
    events.into_iter().filter(|event| event.kind == kind).collect()
}
