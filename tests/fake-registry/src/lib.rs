//! A schema registry for tests, by Confluent's HTTP API (docs.confluent.io, "Schema Registry API Reference"): what its
//! clients use to register a schema and to read it by its id, with its error codes, and some bad manners on request.

mod answers;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Request, Response, header::AUTHORIZATION};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::answers::{Answer, failure, fetched, found, registered};

/// How it behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Well,
    /// Answers this status with an HTML page, as something before it would.
    Status(u16),
    /// 200 and no JSON.
    Page,
    /// 200 and a megabyte.
    Flood,
    /// Takes the request and never answers.
    Silent,
    /// Closes the connection instead of answering.
    Cut,
}

/// A running registry; it ends when dropped.
#[derive(Debug)]
pub struct FakeRegistry {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    requests: AtomicU64,
    /// The `Authorization` header it wants.
    wanted: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    manner: Manner,
    /// What `GET /schemas/ids/{id}` answers; ids begin with 1.
    schemas: Vec<Value>,
    /// Ids of each subject's versions.
    subjects: BTreeMap<String, Vec<u32>>,
}

impl FakeRegistry {
    /// Starts on a free port; with `credentials` (user, password) it answers nobody else.
    pub async fn start(credentials: Option<(&str, &str)>) -> FakeRegistry {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let encoded =
            credentials.map(|(user, password)| BASE64_STANDARD.encode(format!("{user}:{password}")));
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            requests: AtomicU64::new(0),
            wanted: encoded.map(|encoded| format!("Basic {encoded}")),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        FakeRegistry {
            address,
            shared,
            server,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Registers an Avro schema, as a client does; answers its id.
    pub fn register(&self, subject: &str, schema: &str) -> u32 {
        let answer = serde_json::json!({ "schema": schema });
        register(&mut self.shared.lock(), subject, answer)
    }

    /// Makes `answer` what a new id is answered with; answers the id.
    pub fn put(&self, answer: Value) -> u32 {
        let mut state = self.shared.lock();
        state.schemas.push(answer);
        state.schemas.len() as u32
    }

    pub fn behave(&self, manner: Manner) {
        self.shared.lock().manner = manner;
    }

    /// How many requests came.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

impl Drop for FakeRegistry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| answer(Arc::clone(&shared), request));
        // One request a connection: what is cut or silent must not be felt by the next.
        tokio::spawn(
            http1::Builder::new()
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    shared.requests.fetch_add(1, Ordering::SeqCst);
    let manner = shared.lock().manner;
    match manner {
        Manner::Well => {}
        Manner::Status(status) => return Ok(answers::page(status, "<html>not here</html>".into())),
        Manner::Page => return Ok(answers::page(200, "<html>welcome</html>".into())),
        Manner::Flood => return Ok(answers::page(200, "x".repeat(1 << 20))),
        Manner::Silent => return std::future::pending().await,
        Manner::Cut => return Err(std::io::Error::other("cut")),
    }
    let presented = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if shared.wanted.is_some() && shared.wanted.as_deref() != presented {
        return Ok(failure(401, 401, "Unauthorized").into_response());
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let path: Vec<&str> = parts.uri.path().trim_matches('/').split('/').collect();
    let mut state = shared.lock();
    let answer = match (parts.method.as_str(), path.as_slice()) {
        ("GET", ["schemas", "ids", id]) => fetched(&state, id),
        ("POST", ["subjects", subject, "versions"]) => match serde_json::from_slice::<Value>(&body) {
            Ok(sent) if sent["schema"].is_string() => {
                let id = register(&mut state, subject, sent);
                registered(id)
            }
            _ => failure(
                422,
                42_201,
                "Either the input schema or one its references is invalid",
            ),
        },
        ("POST", ["subjects", subject]) => found(&state, subject, &body),
        _ => failure(404, 404, "HTTP 404 Not Found"),
    };
    Ok(answer.into_response())
}

/// A schema that the registry has already keeps its id, under whatever subject.
fn register(state: &mut State, subject: &str, answer: Value) -> u32 {
    let known = state
        .schemas
        .iter()
        .position(|schema| schema["schema"] == answer["schema"]);
    let index = known.unwrap_or_else(|| {
        state.schemas.push(answer);
        state.schemas.len() - 1
    });
    let id = index as u32 + 1;
    let versions = state.subjects.entry(subject.to_owned()).or_default();
    if !versions.contains(&id) {
        versions.push(id);
    }
    id
}

impl Answer {
    fn into_response(self) -> Response<Full<Bytes>> {
        answers::response(
            self.status,
            "application/vnd.schemaregistry.v1+json",
            self.body.to_string(),
        )
    }
}
