//! The client and its single-event calls.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    ClientError, Counts, Problem, Receipt, RetryPolicy,
    counters::{Counters, add},
    retry::{is_transient, retry_after},
};

/// How a client behaves. Change what you need: `Settings { max_in_flight: 8, ..Settings::default() }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Requests that may be under way at once.
    pub max_in_flight: usize,
    pub connect_timeout: Duration,
    /// From the first byte sent to the last byte received, for each attempt.
    pub request_timeout: Duration,
    pub retry: RetryPolicy,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_in_flight: 64,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
        }
    }
}

/// A connection pool to one edge, with one application's key. Clones share the pool, the limit and the counters.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: Arc<str>,
    settings: Settings,
    permits: Arc<Semaphore>,
    counters: Arc<Counters>,
}

/// What one call sends, each time it is tried.
pub(crate) struct Outgoing<'a> {
    pub path: &'a str,
    pub content_type: &'static str,
    pub idempotency_key: Option<Uuid>,
    pub body: Bytes,
}

/// An answer that is not worth another attempt.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

impl Client {
    /// A client with default settings. `base_url` is the edge's address without path, e.g. `http://127.0.0.1:8081`.
    ///
    /// # Errors
    /// [`ClientError::Setup`] when the key holds characters that cannot stand in a header.
    pub fn new(base_url: &str, api_key: &str) -> Result<Self, ClientError> {
        Self::with_settings(base_url, api_key, Settings::default())
    }

    /// A client with settings of its own.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_settings(base_url: &str, api_key: &str, settings: Settings) -> Result<Self, ClientError> {
        let mut credential = HeaderValue::from_str(&format!("Bearer {api_key}"))
            .map_err(|_| ClientError::Setup("the api key holds characters that no header may hold".into()))?;
        credential.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, credential);
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.request_timeout)
            .pool_max_idle_per_host(settings.max_in_flight)
            // A proxy from the environment must not see what is being audited.
            .no_proxy()
            .build()
            .map_err(|error| ClientError::Setup(error.to_string()))?;
        let base_url = base_url.trim_end_matches('/');
        if !base_url.starts_with("http://") && !base_url.starts_with("https://") {
            return Err(ClientError::Setup(format!(
                "{base_url:?} does not begin with http:// or https://"
            )));
        }
        Ok(Self {
            http,
            base_url: base_url.into(),
            settings,
            permits: Arc::new(Semaphore::new(settings.max_in_flight.max(1))),
            counters: Arc::default(),
        })
    }

    /// Records one event (the body of `POST /api/v1/audit/log`). Without an `event_id` it gets one here, so that every
    /// attempt carries the same.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn record<E: Serialize + ?Sized>(&self, event: &E) -> Result<Receipt, ClientError> {
        let mut event = serde_json::to_value(event).map_err(|error| ClientError::Event(error.to_string()))?;
        let Value::Object(fields) = &mut event else {
            return Err(ClientError::Event("an event is a JSON object".into()));
        };
        fields
            .entry("event_id")
            .or_insert_with(|| Value::String(Uuid::now_v7().to_string()));
        self.record_json(event.to_string().into()).await
    }

    /// Records one event that is already JSON text and carries its `event_id`; nothing is parsed or copied.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn record_json(&self, event: Bytes) -> Result<Receipt, ClientError> {
        let outgoing = Outgoing {
            path: "/api/v1/audit/log",
            content_type: "application/json",
            idempotency_key: None,
            body: event,
        };
        self.post_for_receipt(&outgoing).await
    }

    /// Records what became of a decision: `{outcome, reviewer?, override?, flag?, note?}`. The same `outcome_id` with the
    /// same content is recorded once, however often it is sent; `Uuid::now_v7()` will do for an outcome sent once.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn record_outcome<O: Serialize + ?Sized>(
        &self,
        event_id: Uuid,
        outcome_id: Uuid,
        outcome: &O,
    ) -> Result<Receipt, ClientError> {
        let body = serde_json::to_vec(outcome).map_err(|error| ClientError::Event(error.to_string()))?;
        let outgoing = Outgoing {
            path: &format!("/api/v1/audit/logs/{event_id}/outcomes"),
            content_type: "application/json",
            idempotency_key: Some(outcome_id),
            body: body.into(),
        };
        self.post_for_receipt(&outgoing).await
    }

    /// What this client and its clones have done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        self.settings.retry
    }

    async fn post_for_receipt(&self, outgoing: &Outgoing<'_>) -> Result<Receipt, ClientError> {
        let answer = self.post(outgoing).await.inspect_err(|error| match error {
            ClientError::GaveUp { .. } => add(&self.counters.given_up, 1),
            _ => add(&self.counters.refused, 1),
        })?;
        if answer.status != StatusCode::CREATED {
            add(&self.counters.refused, 1);
            let problem = Box::new(Problem::from_body(&answer.body));
            return Err(ClientError::Refused {
                status: answer.status.as_u16(),
                problem,
            });
        }
        let receipt =
            serde_json::from_slice(&answer.body).map_err(|error| ClientError::Protocol(error.to_string()))?;
        add(&self.counters.recorded, 1);
        Ok(receipt)
    }

    /// Sends until the edge gives an answer that another attempt would not change.
    pub(crate) async fn post(&self, outgoing: &Outgoing<'_>) -> Result<Answer, ClientError> {
        // The semaphore is never closed, so waiting for a permit cannot fail.
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|error| ClientError::Setup(error.to_string()))?;
        let policy = self.settings.retry;
        let begun = Instant::now();
        let mut attempts = 0;
        loop {
            attempts += 1;
            add(&self.counters.bytes_sent, outgoing.body.len());
            let (last, asked_pause) = match self.attempt(outgoing).await {
                Ok((answer, _)) if !is_transient(answer.status) => return Ok(answer),
                Ok((answer, asked_pause)) => (
                    format!(
                        "status {}: {}",
                        answer.status.as_u16(),
                        Problem::from_body(&answer.body)
                    ),
                    asked_pause,
                ),
                Err(error) if error.is_builder() => return Err(ClientError::Setup(error.to_string())),
                Err(error) => (chain(&error), None),
            };
            let pause = policy.pause(attempts, asked_pause, rand::random());
            let waited = begun.elapsed();
            if attempts >= policy.max_attempts || waited + pause > policy.give_up_after {
                return Err(ClientError::GaveUp {
                    attempts,
                    waited,
                    last,
                });
            }
            tokio::time::sleep(pause).await;
            add(&self.counters.retries, 1);
        }
    }

    async fn attempt(&self, outgoing: &Outgoing<'_>) -> Result<(Answer, Option<Duration>), reqwest::Error> {
        let mut request = self
            .http
            .post(format!("{}{}", self.base_url, outgoing.path))
            .header(CONTENT_TYPE, outgoing.content_type)
            .body(outgoing.body.clone());
        if let Some(key) = outgoing.idempotency_key {
            request = request.header("idempotency-key", key.to_string());
        }
        let response = request.send().await?;
        let status = response.status();
        let asked_pause = retry_after(response.headers());
        let body = response.bytes().await?;
        Ok((Answer { status, body }, asked_pause))
    }
}

/// An error with its causes, as one line; `reqwest` alone says only "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
