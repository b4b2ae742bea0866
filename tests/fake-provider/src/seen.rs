//! The requests that were seen, for tests to look at. Bounded in number and bytes: the oldest go first.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

const MOST_BYTES: usize = 64 * 1024 * 1024;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    pub method: String,
    /// With the query.
    pub path: String,
    pub version: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Shared by all connections.
#[derive(Clone, Debug)]
pub struct Seen {
    keep: usize,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: VecDeque<SeenRequest>,
    bytes: usize,
}

impl Seen {
    /// Remembers the last `keep` requests.
    pub fn new(keep: usize) -> Seen {
        Seen {
            keep,
            inner: Arc::default(),
        }
    }

    /// Whether anything is remembered at all.
    pub fn keeps(&self) -> bool {
        self.keep > 0
    }

    /// Notes a request.
    pub fn add(&self, request: SeenRequest) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += request.body.len();
        inner.requests.push_back(request);
        while inner.requests.len() > self.keep || inner.bytes > MOST_BYTES {
            let Some(oldest) = inner.requests.pop_front() else {
                return;
            };
            inner.bytes -= oldest.body.len();
        }
    }

    /// The requests in order of arrival.
    pub fn all(&self) -> Vec<SeenRequest> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.requests.iter().cloned().collect()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        *inner = Inner::default();
    }

    /// `[{method, path, version, headers: {name: [values]}, body_base64}]`.
    pub(crate) fn to_json(&self) -> Value {
        let one = |request: SeenRequest| {
            let mut headers = serde_json::Map::new();
            for (name, value) in &request.headers {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                let values = headers.entry(name.as_str()).or_insert_with(|| json!([]));
                if let Value::Array(values) = values {
                    values.push(value.into());
                }
            }
            json!({
                "method": request.method, "path": request.path, "version": request.version, "headers": headers,
                "body_base64": STANDARD.encode(&request.body),
            })
        };
        self.all().into_iter().map(one).collect()
    }
}
