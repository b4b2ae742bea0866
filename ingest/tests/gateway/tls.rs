//! Providers as they are reached in earnest: over TLS, with HTTP/2 where both sides know it.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use ingest::GatewayConfig;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;

use crate::rigging::{chat, gateway, response_body, see, upstream};

const PATH: &str = "secure/v1/chat/completions";
const CHUNKS: [&str; 3] = ["data: one\n\n", "data: two\n\n", "data: [DONE]\n\n"];

/// A provider behind TLS. It sends a chunk for each permit.
struct Provider {
    url: String,
    authority: PathBuf,
    connections: Arc<AtomicUsize>,
    versions: Arc<Mutex<Vec<Version>>>,
    permits: Arc<Semaphore>,
    _folder: tempfile::TempDir,
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// An authority and a certificate for `localhost`, made for this run.
fn certificate(folder: &Path) -> ServerConfig {
    const NEW: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        folder,
        &format!("req -x509 {NEW} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"),
    );
    openssl(
        folder,
        &format!("req {NEW} -keyout server.key -out server.csr -subj /CN=localhost"),
    );
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    );
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

async fn provider(protocols: &[&str]) -> Provider {
    let folder = tempfile::tempdir().unwrap();
    let mut config = certificate(folder.path());
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider = Provider {
        url: format!("https://localhost:{}", listener.local_addr().unwrap().port()),
        authority: folder.path().join("ca.pem"),
        connections: Arc::default(),
        versions: Arc::default(),
        permits: Arc::new(Semaphore::new(0)),
        _folder: folder,
    };
    let (connections, versions, permits) = (
        provider.connections.clone(),
        provider.versions.clone(),
        provider.permits.clone(),
    );
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, connections) = (acceptor.clone(), connections.clone());
            let (versions, permits) = (versions.clone(), permits.clone());
            let service = service_fn(move |request| answer(request, versions.clone(), permits.clone()));
            tokio::spawn(async move {
                // Who does not trust the certificate breaks off here.
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                connections.fetch_add(1, Ordering::Relaxed);
                let serving = Builder::new(TokioExecutor::new());
                let _ = serving.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    provider
}

async fn answer(
    request: Request<Incoming>,
    versions: Arc<Mutex<Vec<Version>>>,
    permits: Arc<Semaphore>,
) -> Result<Response<impl http_body_util::BodyExt<Data = Bytes, Error = Infallible>>, hyper::Error> {
    versions.lock().unwrap().push(request.version());
    request.into_body().collect().await?;
    let frames = stream::unfold(0, move |at| {
        let permits = permits.clone();
        async move {
            let frame = match CHUNKS.get(at) {
                Some(chunk) => {
                    permits.acquire().await.unwrap().forget();
                    Frame::data(Bytes::from_static(chunk.as_bytes()))
                }
                None if at == CHUNKS.len() => {
                    let end = HeaderValue::from_static("the end");
                    Frame::trailers(HeaderMap::from_iter([(
                        http::HeaderName::from_static("x-fake-trailer"),
                        end,
                    )]))
                }
                None => return None,
            };
            Some((Ok(frame), at + 1))
        }
    });
    let response = Response::builder()
        .header("content-type", "text/event-stream")
        .header("trailer", "x-fake-trailer");
    Ok(response.body(StreamBody::new(frames)).unwrap())
}

fn towards(provider: &Provider) -> impl FnOnce(&mut GatewayConfig) {
    let (url, authority) = (provider.url.clone(), provider.authority.clone());
    move |config| {
        config
            .upstreams
            .insert("secure".to_owned(), upstream(&url, "openai"));
        config.ca_file = Some(authority);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_calls_share_one_http2_connection_and_pass_chunk_by_chunk() {
    const AT_ONCE: usize = 8;
    let provider = provider(&["h2", "http/1.1"]).await;
    let gateway = gateway(towards(&provider)).await;
    let call = |text: &str| gateway.post(PATH, &chat(text, true));

    // The second chunk leaves the provider only after the application has the first.
    provider.permits.add_permits(1);
    let mut first = call("first").send().await.unwrap();
    assert_eq!(first.chunk().await.unwrap().unwrap(), CHUNKS[0]);
    provider.permits.add_permits(2);
    assert_eq!(first.text().await.unwrap(), CHUNKS[1..].concat());

    provider.permits.add_permits(AT_ONCE * CHUNKS.len());
    let calls = (0..AT_ONCE).map(|number| see(call(&format!("call {number}"))));
    for seen in futures_util::future::join_all(calls).await {
        assert_eq!((seen.status.as_u16(), seen.is_whole), (200, true));
        assert_eq!(seen.body, CHUNKS.concat().into_bytes());
    }
    assert_eq!(provider.connections.load(Ordering::Relaxed), 1);
    assert_eq!(*provider.versions.lock().unwrap(), [Version::HTTP_2; 1 + AT_ONCE]);
    for event in gateway.events(1 + AT_ONCE).await {
        assert_eq!(response_body(&event), CHUNKS.concat().as_bytes());
        assert!(!event.interrupted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_http2_reach_an_application_of_http1() {
    let provider = provider(&["h2"]).await;
    let gateway = gateway(towards(&provider)).await;
    provider.permits.add_permits(CHUNKS.len());
    let body = chat("with trailers", true).to_string();
    // A raw connection, because client libraries hide trailers.
    let mut stream = tokio::net::TcpStream::connect(gateway.rig.running.address)
        .await
        .unwrap();
    let head = format!(
        "POST /gateway/{PATH} HTTP/1.1\r\nhost: x\r\nte: trailers\r\nx-audit-key: {}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        gateway.rig.key,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.ends_with("0\r\nx-fake-trailer: the end\r\n\r\n"),
        "{answer}"
    );
    assert_eq!(*provider.versions.lock().unwrap(), [Version::HTTP_2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_knows_http1_only_is_spoken_to_so() {
    let provider = provider(&["http/1.1"]).await;
    let gateway = gateway(towards(&provider)).await;
    provider.permits.add_permits(2 * CHUNKS.len());
    for text in ["one", "two"] {
        let seen = see(gateway.post(PATH, &chat(text, true))).await;
        assert_eq!(seen.body, CHUNKS.concat().into_bytes());
    }
    assert_eq!(*provider.versions.lock().unwrap(), [Version::HTTP_11; 2]);
    assert_eq!(provider.connections.load(Ordering::Relaxed), 1, "it was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_502_and_no_call() {
    let provider = provider(&["h2"]).await;
    let url = provider.url.clone();
    let gateway = gateway(|config| {
        config
            .upstreams
            .insert("secure".to_owned(), upstream(&url, "openai"));
    })
    .await;
    let seen = see(gateway.post(PATH, &chat("never sent", false))).await;
    assert_eq!(seen.status.as_u16(), 502);
    let problem: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(problem["type"], "/problems/provider-unreachable");
    assert!(provider.versions.lock().unwrap().is_empty());
}
