use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn start(config: HttpConfig) -> (Bound, Shutdown, Metrics) {
    let limit = crate::body::BodyLimit {
        max_bytes: 8,
        timeout: Duration::from_secs(5),
    };
    let hello = warp::path!("hello").and(warp::get()).map(|| "hello");
    let panics = warp::path!("panics")
        .and(warp::get())
        .map(|| -> &'static str { panic!("on purpose") });
    let peer = warp::path!("peer")
        .and(warp::ext::get::<Peer>())
        .map(|peer: Peer| peer.0.ip().to_string());
    let echo = warp::path!("echo")
        .and(warp::post())
        .and(crate::body::bytes(limit))
        .map(|body: Result<bytes::Bytes, Problem>| {
            crate::problem::respond(body.map(|bytes| Response::new(bytes.into())))
        });
    let routes = hello
        .or(panics)
        .or(peer)
        .or(echo)
        .recover(crate::problem::recover);
    let shutdown = Shutdown::new();
    let metrics = Metrics::default();
    let bound = serve_measured(routes, &config, shutdown.clone(), &metrics)
        .await
        .unwrap();
    (bound, shutdown, metrics)
}

/// Sends raw bytes and reads until the server closes.
async fn raw(addr: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn answers_counts_and_survives_a_panic() {
    let (bound, shutdown, metrics) = start(HttpConfig::default()).await;
    assert!(raw(bound.addr, &get("/hello")).await.ends_with("hello"));
    let panicked = raw(bound.addr, &get("/panics")).await;
    assert!(
        panicked.starts_with("HTTP/1.1 500") && panicked.contains("/problems/internal"),
        "{panicked}"
    );
    assert!(
        raw(bound.addr, &get("/nowhere"))
            .await
            .contains("/problems/not-found")
    );
    assert!(raw(bound.addr, &get("/peer")).await.ends_with("127.0.0.1"));
    let text = metrics.render();
    assert!(
        text.contains("http_requests_total{method=\"GET\",status=\"200\"} 2"),
        "{text}"
    );
    shutdown.request();
    bound.stopped().await;
}

#[tokio::test]
async fn a_long_body_gets_its_413_also_when_chunked() {
    let (bound, shutdown, _) = start(HttpConfig::default()).await;
    let long = format!(
        "POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100000\r\n\r\n{}",
        "a".repeat(100_000)
    );
    let answer = raw(bound.addr, long.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("limit of 8 bytes"),
        "{answer}"
    );
    let chunked =
        b"POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n5\r\nefghi\r\n0\r\n\r\n";
    assert!(raw(bound.addr, chunked).await.starts_with("HTTP/1.1 413"));
    let short = b"POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n";
    assert!(raw(bound.addr, short).await.contains("abcd"));
    shutdown.request();
    bound.stopped().await;
}

#[tokio::test]
async fn half_a_request_head_is_given_up() {
    let config = HttpConfig {
        header_timeout_ms: 50,
        ..HttpConfig::default()
    };
    let (bound, shutdown, _) = start(config).await;
    // The connection ends by the server's own time-out; without it this would wait for ever.
    raw(bound.addr, b"GET /hello HTTP/1.1\r\nhost:").await;
    shutdown.request();
    bound.stopped().await;
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_room() {
    let config = HttpConfig {
        max_connections: 1,
        ..HttpConfig::default()
    };
    let (bound, shutdown, _) = start(config).await;
    let mut first = TcpStream::connect(bound.addr).await.unwrap();
    first
        .write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut some = [0; 16];
    first.read_exact(&mut some).await.unwrap();
    let second = tokio::spawn(raw_owned(bound.addr));
    drop(first);
    assert!(second.await.unwrap().ends_with("hello"));
    shutdown.request();
    bound.stopped().await;
}

async fn raw_owned(addr: SocketAddr) -> String {
    raw(addr, &get("/hello")).await
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let (bound, shutdown, _) = start(HttpConfig::default()).await;
    let config = HttpConfig {
        listen: bound.addr,
        ..HttpConfig::default()
    };
    let routes = warp::any().map(|| "x");
    let error = serve(routes, &config, Shutdown::new())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains(&bound.addr.to_string()), "{error}");
    shutdown.request();
    bound.stopped().await;
}
