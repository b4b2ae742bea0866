//! One call from the application to the provider and back.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use aal_event::{Limits, Source};
use aal_service::{
    Problem,
    times::{now_us, rfc3339_us},
};
use aal_sigv4::Signer;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri,
    header::{CONTENT_ENCODING, CONTENT_TYPE, UPGRADE},
};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use uuid::Uuid;
use warp::reply::Reply;

use super::{
    assemble::NAME,
    attribution::{Attribution, EVENT_ID, KEY},
    capture::{Capture, Room, SharedCapture},
    client::ProviderClient,
    config::{AnonymousConfig, CapturePolicy, GatewayConfig},
    draft::{Call, Draft, End, ResponseHead, token_counts, trace_of},
    headers::{for_one_connection, for_provider},
    intent::Intents,
    policy::Policies,
    recorder::Recorder,
    target::Upstreams,
    tee::{BoxError, RequestTee, ResponseTee},
};
use crate::auth::{Authenticator, Caller};

/// A started gateway, without its tasks.
pub(crate) struct Gateway {
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) policies: Policies,
    pub(crate) upstreams: Upstreams,
    pub(crate) client: ProviderClient,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) intents: Intents,
    pub(crate) room: Room,
    pub(crate) config: GatewayConfig,
    /// New at each start.
    pub(crate) instance: String,
    pub(crate) next_sequence: AtomicI64,
}

/// What goes back to the application.
pub(crate) enum GatewayBody {
    Provider(Box<ResponseTee>),
    Own(UnsyncBoxBody<Bytes, BoxError>),
}

impl GatewayBody {
    /// A body that was not made by the gateway.
    pub(crate) fn own<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::Own(body.map_err(Into::into).boxed_unsync())
    }
}

impl Body for GatewayBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Provider(body) => Pin::new(body.as_mut()).poll_frame(context),
            Self::Own(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Provider(body) => body.is_end_stream(),
            Self::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Provider(body) => body.size_hint(),
            Self::Own(body) => body.size_hint(),
        }
    }
}

impl Gateway {
    /// Answers one request below `/gateway/`.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<GatewayBody> {
        let mut event_id = None;
        let result = self.forward(request, &mut event_id).await;
        let mut response = result.unwrap_or_else(|problem| {
            if event_id.is_none() {
                self.recorder.stats.refused(problem.status);
            }
            problem.into_response().map(GatewayBody::own)
        });
        if let Some(id) = event_id
            && let Ok(value) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
        {
            response.headers_mut().insert(EVENT_ID, value);
        }
        response
    }

    async fn forward(
        &self,
        request: Request<Incoming>,
        event_id: &mut Option<Uuid>,
    ) -> Result<Response<GatewayBody>, Problem> {
        let started = Instant::now();
        let started_at_us = now_us();
        let (mut head, body) = request.into_parts();
        let target = self.upstreams.target(&head.uri)?;
        let caller = self.caller(&head.headers).await?;
        if head.headers.contains_key(UPGRADE) {
            let detail = "the gateway cannot record upgraded connections (WebSocket); connect to the provider directly";
            return Err(Problem::new(
                "not-implemented",
                "Not implemented",
                StatusCode::NOT_IMPLEMENTED,
                detail,
            ));
        }
        let attribution = Attribution::take(&mut head.headers);
        let policy = self.policies.of(&caller).await;
        check(&attribution, &caller, policy)?;
        let id = attribution.event_id.unwrap_or_else(Uuid::now_v7);
        let request_capture = SharedCapture::new(self.capture());
        let draft = Draft {
            event_id: id,
            trace: trace_of(&head.headers),
            request_encoding: text(&head.headers, CONTENT_ENCODING),
            method: head.method.clone(),
            source: self.next_source(),
            request: request_capture.clone(),
            response: self.capture(),
            has_intent: policy == CapturePolicy::FailClosed,
            response_head: None,
            first_byte: None,
            caller,
            attribution,
            target,
            started_at_us,
            started,
        };
        let uri = draft.target.uri.clone();
        let mut call = Call::new(draft, Arc::clone(&self.recorder));
        let mut body = RequestTee::new(body, request_capture);
        if policy == CapturePolicy::FailClosed {
            call = self.intend(call, &mut body).await?;
        }
        for_provider(&mut head.headers);
        if let Some(signer) = signer_of(&mut call) {
            match self
                .signed(&mut body, &uri, &mut head, &signer, started_at_us)
                .await
            {
                Ok(()) => {}
                Err(problem) => {
                    call.forget();
                    return Err(problem);
                }
            }
        }
        *event_id = Some(id);
        let mut forwarded = Request::new(body);
        *forwarded.method_mut() = head.method;
        *forwarded.uri_mut() = uri;
        *forwarded.headers_mut() = head.headers;
        self.exchange(forwarded, call).await
    }

    /// Reads the request and puts its intent on the log; gives the call back when it may be made.
    async fn intend(&self, mut call: Call, body: &mut RequestTee) -> Result<Call, Problem> {
        if body.read_ahead(self.config.limits.capture_bytes).await.is_err() {
            call.forget();
            return Err(Problem::bad_request("the request broke off"));
        }
        let acknowledged = match call.draft() {
            Some(draft) => self.intents.acknowledge(draft).await,
            None => Ok(()),
        };
        match acknowledged {
            Ok(()) => Ok(call),
            Err(problem) => {
                // The provider saw nothing; an intent that arrives late stands for a call that was not made.
                call.forget();
                Err(problem)
            }
        }
    }

    /// Signs the request, which must be read whole for it.
    async fn signed(
        &self,
        body: &mut RequestTee,
        uri: &Uri,
        head: &mut http::request::Parts,
        signer: &Signer,
        at_us: i64,
    ) -> Result<(), Problem> {
        let limit_bytes = self.config.limits.capture_bytes;
        match body.read_ahead(limit_bytes).await {
            Ok(true) => {}
            Ok(false) => {
                let detail = format!("a request that is signed here may have {limit_bytes} bytes");
                return Err(Problem::too_large(detail));
            }
            Err(_) => return Err(Problem::bad_request("the request broke off")),
        }
        // 2026-03-01T12:00:00.000000Z becomes 20260301T120000Z.
        let text = rfc3339_us(at_us);
        let digits = text
            .chars()
            .take(19)
            .filter(|character| !"-:".contains(*character));
        let at: String = digits.chain(['Z']).collect();
        signer.sign(&head.method, uri, &mut head.headers, body.sha256_ahead(), &at);
        Ok(())
    }

    async fn exchange(
        &self,
        request: Request<RequestTee>,
        mut call: Call,
    ) -> Result<Response<GatewayBody>, Problem> {
        let timeouts = &self.config.timeouts;
        let broke_off = request.body().broke_off();
        let started = Instant::now();
        let answered = tokio::time::timeout(
            Duration::from_millis(timeouts.head_ms),
            self.client.request(request),
        )
        .await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(_)) if broke_off.load(Ordering::Relaxed) => {
                call.end(End::ClientGone);
                return Err(Problem::bad_request("the request broke off"));
            }
            Ok(Err(error)) => {
                let (end, problem) = failure(&error);
                call.end(end);
                return Err(problem);
            }
            Err(_) => {
                call.end(End::ProviderStalled);
                let detail = format!(
                    "the provider did not begin to answer within {} ms",
                    timeouts.head_ms
                );
                return Err(Problem::new(
                    "provider-timeout",
                    "The provider does not answer",
                    StatusCode::GATEWAY_TIMEOUT,
                    detail,
                ));
            }
        };
        self.recorder.stats.head_seconds.observe(started.elapsed());
        let (head, body) = response.into_parts();
        let mut headers = head.headers;
        for_one_connection(&mut headers);
        if let Some(draft) = call.draft() {
            draft.response_head = Some(ResponseHead {
                status: head.status.as_u16(),
                content_type: text(&headers, CONTENT_TYPE)
                    .filter(|text| text.len() <= Limits::DEFAULT.id_bytes),
                encoding: text(&headers, CONTENT_ENCODING),
                token_counts: token_counts(&headers),
            });
        }
        let tee = ResponseTee::new(body, call, Duration::from_millis(timeouts.idle_ms));
        let mut response = Response::new(GatewayBody::Provider(Box::new(tee)));
        *response.status_mut() = head.status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let presented = headers.get(KEY).map(|value| value.to_str().unwrap_or_default());
        match (presented, &self.config.anonymous) {
            (Some(presented), _) => self.authenticator.caller_with(presented).await,
            (None, Some(AnonymousConfig { tenant, application })) => Ok(Caller {
                tenant: *tenant,
                application: application.as_str().into(),
            }),
            (None, None) => Err(Problem::unauthorized(
                "the gateway needs its own API key in the header `x-audit-key`; `Authorization` goes to the provider",
            )),
        }
    }

    fn next_source(&self) -> Source {
        Source {
            sdk: Some(NAME.to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            instance: self.instance.clone(),
            epoch: 0,
            sequence: self.next_sequence.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn capture(&self) -> Capture {
        Capture::new(self.room.clone(), self.config.limits.capture_bytes)
    }
}

fn signer_of(call: &mut Call) -> Option<Signer> {
    call.draft()?.target.upstream.signer.clone()
}

/// Another application's name is refused always; what cannot be used, only where recording comes first.
fn check(attribution: &Attribution, caller: &Caller, policy: CapturePolicy) -> Result<(), Problem> {
    if let Some(named) = attribution.application.as_deref()
        && *named != *caller.application
    {
        let detail = format!(
            "x-audit-application: this key is for {:?}, not for {:?}",
            caller.application,
            aal_event::shown_name(named)
        );
        return Err(Problem::forbidden(detail));
    }
    if policy == CapturePolicy::FailClosed && !attribution.errors.is_empty() {
        let problem =
            Problem::validation("headers cannot be used, and the application's policy is fail_closed");
        return Err(attribution.errors.iter().fold(problem, |problem, error| {
            let (name, message) = error.split_once(": ").unwrap_or(("", error));
            problem.with_error(name, message)
        }));
    }
    Ok(())
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn failure(error: &hyper_util::client::legacy::Error) -> (End, Problem) {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    let bad_gateway =
        |slug: &str, title: &str| Problem::new(slug, title, StatusCode::BAD_GATEWAY, reason.clone());
    if error.is_connect() {
        let problem = bad_gateway("provider-unreachable", "The provider cannot be reached");
        (End::Unreachable(reason), problem)
    } else {
        let problem = bad_gateway("provider-disconnected", "The provider broke the connection");
        (End::ProviderGone(reason), problem)
    }
}
