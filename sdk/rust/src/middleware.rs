//! Captures what goes through a `reqwest` client. Streams are handed on chunk by chunk and copied on the way.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Extensions;
use http_body::{Body as HttpBody, Frame, SizeHint};
use reqwest::{Body, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{Middleware, Next, Result};

use crate::{
    AuditLayer,
    capture::Capture,
    context::{current, lock},
};

/// `reqwest_middleware::ClientBuilder::new(client).with(AuditMiddleware::new(audit, Some("openai")))`.
#[derive(Debug, Clone)]
pub struct AuditMiddleware {
    layer: AuditLayer,
    provider: Option<String>,
}

impl AuditMiddleware {
    /// `provider` is an OpenTelemetry GenAI name; without one the host stands for it.
    #[must_use]
    pub fn new(layer: AuditLayer, provider: Option<&str>) -> Self {
        Self {
            layer,
            provider: provider.map(str::to_owned),
        }
    }

    fn begin(&self, request: &mut Request) -> Shared {
        let url = request.url().to_string();
        let mut capture = Capture::new(self.layer.settings(), request.method().as_str(), &url, current());
        capture.provider.clone_from(&self.provider);
        let traceparent = request.headers().get("traceparent");
        capture.traceparent = traceparent
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        if let Some(bytes) = request.body().and_then(Body::as_bytes) {
            capture.request.add(bytes);
        }
        let is_stream = request.body().is_some_and(|body| body.as_bytes().is_none());
        let shared = Shared(Arc::new(Mutex::new(Some(capture))), self.layer.clone());
        if is_stream {
            let copied = shared.clone();
            *request.body_mut() = request
                .body_mut()
                .take()
                .map(|inner| Body::wrap(RequestTee { inner, copied }));
        }
        shared
    }
}

#[async_trait::async_trait]
impl Middleware for AuditMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        if !self.layer.is_open() {
            return next.run(request, extensions).await;
        }
        let shared = self.begin(&mut request);
        if self.layer.settings().fail_closed {
            // Taken out meanwhile: nothing else looks at it before the request is sent.
            let taken = lock(&shared.0).take();
            if let Some(mut capture) = taken {
                self.layer
                    .acknowledge(&mut capture)
                    .await
                    .map_err(reqwest_middleware::Error::middleware)?;
                *lock(&shared.0) = Some(capture);
            }
        }
        // Dropped without an answer, the call was cancelled.
        let guard = CancelledUnlessAnswered(shared.clone());
        let answered = next.run(request, extensions).await;
        std::mem::forget(guard);
        match answered {
            Ok(response) => Ok(follow(shared, response)),
            Err(error) => {
                let is_timeout =
                    matches!(&error, reqwest_middleware::Error::Reqwest(error) if error.is_timeout());
                shared.finish(|capture| capture.failed(is_timeout, "reqwest::Error"));
                Err(error)
            }
        }
    }
}

/// A capture until it is finished, shared by request and response body.
#[derive(Clone)]
struct Shared(Arc<Mutex<Option<Capture>>>, AuditLayer);

impl Shared {
    fn with(&self, change: impl FnOnce(&mut Capture)) {
        if let Some(capture) = lock(&self.0).as_mut() {
            change(capture);
        }
    }

    fn finish(&self, change: impl FnOnce(&mut Capture)) {
        let taken = lock(&self.0).take();
        if let Some(mut capture) = taken {
            change(&mut capture);
            self.1.take(capture);
        }
    }
}

struct CancelledUnlessAnswered(Shared);

impl Drop for CancelledUnlessAnswered {
    fn drop(&mut self) {
        self.0
            .finish(|capture| capture.error = Some(("cancelled", "dropped".into())));
    }
}

fn follow(shared: Shared, response: Response) -> Response {
    let text = |name: &str| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let (content_type, content_encoding) = (text("content-type"), text("content-encoding"));
    let url = response.url().clone();
    shared.with(|capture| {
        capture.status = Some(response.status().as_u16());
        capture.content_type = content_type;
        capture.content_encoding = content_encoding;
    });
    let (mut parts, inner) = http::Response::<Body>::from(response).into_parts();
    // The address of an answer is an extension that only this builder can make.
    let addressed = http::Response::builder().url(url).body(()).unwrap_or_default();
    parts.extensions.extend(addressed.into_parts().0.extensions);
    http::Response::from_parts(parts, Body::wrap(ResponseTee { inner, shared })).into()
}

struct RequestTee {
    inner: Body,
    copied: Shared,
}

impl HttpBody for RequestTee {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, reqwest::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.copied.with(|capture| capture.request.add(data));
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

struct ResponseTee {
    inner: Body,
    shared: Shared,
}

impl HttpBody for ResponseTee {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, reqwest::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.shared.with(|capture| capture.chunk(data));
                }
            }
            Some(Err(error)) => {
                let is_timeout = error.is_timeout();
                self.shared
                    .finish(|capture| capture.failed(is_timeout, "reqwest::Error"));
            }
            None => self.shared.finish(|_| {}),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for ResponseTee {
    fn drop(&mut self) {
        // Whoever knows the length stops asking at the last byte; anything else was left early.
        let has_ended = self.inner.is_end_stream();
        self.shared.finish(|capture| capture.closed_early = !has_ended);
    }
}
