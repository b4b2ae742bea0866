//! Accepts connections (HTTP/1.1 and HTTP/2 with prior knowledge) and answers requests.

use std::{convert::Infallible, io, io::Write, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    Recordings,
    answer::{Answer, answer, error},
    behaviour::Behaviour,
    call::Call,
    script::{play, script},
    seen::{Seen, SeenRequest},
};

const MOST_BODY_BYTES: usize = 64 * 1024 * 1024;
/// A recorded stream is sent in pieces of this many bytes where it has no blank lines to cut at.
const RECORDED_CHUNK_BYTES: usize = 512;
/// Header that asks for a compressed answer; only `gzip` is known.
const ENCODING: &str = "x-fake-encoding";
/// Header that asks for trailers.
const TRAILERS: &str = "x-fake-trailers";

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// How the provider is started.
#[derive(Clone, Debug)]
pub struct Options {
    pub listen: SocketAddr,
    pub recordings: Recordings,
    /// Pause between two chunks of a stream.
    pub pace: Duration,
    /// How many requests are remembered.
    pub keep: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            recordings: Recordings::default(),
            pace: Duration::from_millis(2),
            keep: 4096,
        }
    }
}

/// A provider that listens; it ends with its runtime or with [`Running::stop`].
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    pub seen: Seen,
    task: JoinHandle<()>,
}

impl Running {
    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting; open connections end with the runtime.
    pub fn stop(&self) {
        self.task.abort();
    }
}

struct Provider {
    options: Options,
    seen: Seen,
}

/// Starts a provider.
///
/// # Errors
/// The address cannot be listened on.
pub async fn start(options: Options) -> io::Result<Running> {
    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    let seen = Seen::new(options.keep);
    let provider = Arc::new(Provider {
        options,
        seen: seen.clone(),
    });
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let provider = Arc::clone(&provider);
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let service = service_fn(move |request| respond(Arc::clone(&provider), request));
                // Cut connections and callers that go away are this program's daily bread.
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(Running { address, seen, task })
}

async fn respond(provider: Arc<Provider>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if path == "/_fake/requests" {
        return Ok(about_requests(&provider.seen, &head.method));
    }
    let Ok(body) = Limited::new(body, MOST_BODY_BYTES).collect().await else {
        return Ok(plain(
            400,
            "text/plain",
            Bytes::from_static(b"the body broke off or is too large"),
        ));
    };
    let body = body.to_bytes();
    if provider.seen.keeps() {
        let whole_path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        provider.seen.add(SeenRequest {
            method: head.method.to_string(),
            path: whole_path.to_owned(),
            version: format!("{:?}", head.version),
            headers: head.headers.clone(),
            body: body.clone(),
        });
    }
    let query = head.uri.query().unwrap_or("");
    let (answer, behaviour) = match Behaviour::asked(&head.headers, query, &body) {
        Err(message) => {
            let call = Call::new(&path, query, &body, Behaviour::Well);
            (
                error(&call, 400, "invalid_request_error", &message),
                Behaviour::Well,
            )
        }
        Ok(behaviour) => (
            chosen(&provider, &head.method, &path, query, &body, behaviour),
            behaviour,
        ),
    };
    let wants_gzip = head.headers.get(ENCODING).is_some_and(|value| value == "gzip");
    let has_trailers = head.headers.contains_key(TRAILERS);
    Ok(written(&provider, answer, behaviour, wants_gzip, has_trailers))
}

fn chosen(
    provider: &Provider,
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
    behaviour: Behaviour,
) -> Answer {
    let recorded = provider.options.recordings.find(method.as_str(), path, body);
    if let Some(recorded) = recorded.filter(|_| behaviour == Behaviour::Well) {
        let content_type = recorded.content_type.as_deref().unwrap_or("application/json");
        let is_stream = content_type.contains("stream") || content_type.contains("ndjson");
        let chunks = if is_stream {
            recorded_chunks(&recorded.body)
        } else {
            vec![recorded.body.clone()]
        };
        return Answer {
            status: recorded.status,
            // A handful of different types, kept for the life of this small program.
            content_type: content_type.to_owned().leak(),
            chunks,
            is_stream,
        };
    }
    answer(method, &Call::new(path, query, body, behaviour), behaviour)
}

/// Cuts after blank lines, as providers flush; binary streams at fixed lengths.
fn recorded_chunks(body: &Bytes) -> Vec<Bytes> {
    let mut chunks = Vec::new();
    let mut start = 0;
    while start < body.len() {
        let rest = &body[start..];
        let blank = rest.windows(2).position(|pair| pair == b"\n\n").map(|at| at + 2);
        let len = blank.unwrap_or(RECORDED_CHUNK_BYTES).min(rest.len());
        chunks.push(body.slice(start..start + len));
        start += len;
    }
    chunks
}

fn written(
    provider: &Provider,
    mut answer: Answer,
    behaviour: Behaviour,
    wants_gzip: bool,
    has_trailers: bool,
) -> Response<Body> {
    if wants_gzip {
        answer = gzipped(answer);
    }
    let mut builder = Response::builder()
        .status(answer.status)
        .header(header::CONTENT_TYPE, answer.content_type)
        .header("x-request-id", "req_fake");
    if wants_gzip {
        builder = builder.header(header::CONTENT_ENCODING, "gzip");
    }
    if answer.status == 429 {
        builder = builder.header(header::RETRY_AFTER, "1");
    }
    if !answer.is_stream && !has_trailers {
        let length: usize = answer.chunks.iter().map(Bytes::len).sum();
        builder = builder.header(header::CONTENT_LENGTH, length);
    }
    if has_trailers {
        builder = builder.header(header::TRAILER, "x-fake-trailer");
    }
    let mut steps = script(&answer, behaviour, provider.options.pace, has_trailers);
    let body = match (steps.pop_front(), steps.is_empty()) {
        // The quick way, for benchmarks.
        (Some(crate::script::Step::Data(only)), true) => {
            Full::new(only).map_err(|never| match never {}).boxed_unsync()
        }
        (first, _) => {
            steps.extend(first.clone());
            steps.rotate_right(usize::from(first.is_some()));
            StreamBody::new(play(steps)).boxed_unsync()
        }
    };
    builder.body(body).unwrap_or_default()
}

/// Compressed as one stream that is flushed after every chunk, as a provider's edge does it.
fn gzipped(mut answer: Answer) -> Answer {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut chunks = Vec::new();
    for chunk in &answer.chunks {
        // Writing into memory does not fail.
        let _ = encoder.write_all(chunk);
        let _ = encoder.flush();
        chunks.push(Bytes::from(std::mem::take(encoder.get_mut())));
    }
    chunks.push(encoder.finish().unwrap_or_default().into());
    if !answer.is_stream {
        chunks = vec![chunks.concat().into()];
    }
    answer.chunks = chunks;
    answer
}

fn about_requests(seen: &Seen, method: &Method) -> Response<Body> {
    match *method {
        Method::GET => plain(200, "application/json", seen.to_json().to_string().into()),
        Method::DELETE => {
            seen.clear();
            plain(204, "application/json", Bytes::new())
        }
        _ => plain(405, "text/plain", Bytes::from_static(b"GET or DELETE")),
    }
}

fn plain(status: u16, content_type: &str, body: Bytes) -> Response<Body> {
    let full = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .body(full)
        .unwrap_or_default()
}
