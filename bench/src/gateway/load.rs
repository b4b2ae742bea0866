//! The load generator: HTTP/1.1 over kept connections, as light as it goes, because it shares the machine.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri, header::HOST};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::Mutex};

use crate::Failure;

/// Connections of the open loop: more than are busy at once, unless the target falls behind.
const OPEN_CONNECTIONS: usize = 128;
const WARM_UP: usize = 200;

/// What is called.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) stream_body: Bytes,
}

impl Target {
    /// Whether the figures are about it, or rest on it.
    pub(crate) fn is_ours(&self) -> bool {
        ["direct", "nginx", "gateway"].contains(&self.name.as_str())
    }
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    target: Arc<Target>,
}

impl Connection {
    async fn open(target: &Arc<Target>) -> Result<Self, Failure> {
        let authority = target.uri.authority().ok_or("the target has no address")?;
        let stream = TcpStream::connect(authority.as_str()).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            target: Arc::clone(target),
        })
    }

    fn request(&self, body: &Bytes) -> Result<Request<Full<Bytes>>, Failure> {
        let target = &self.target;
        let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(path)
            .header(
                HOST,
                target.uri.authority().map_or("", |authority| authority.as_str()),
            )
            .header("content-type", "application/json")
            .body(Full::new(body.clone()))?;
        request.headers_mut().extend(target.headers.clone());
        Ok(request)
    }

    /// Whether the call was answered with 200; the whole answer is read.
    async fn call(&mut self) -> Result<bool, Failure> {
        let request = self.request(&self.target.body.clone())?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status == StatusCode::OK)
    }

    /// Time to the first byte of a stream; the rest is read.
    async fn first_byte(&mut self) -> Result<Duration, Failure> {
        let request = self.request(&self.target.stream_body.clone())?;
        self.sender.ready().await?;
        let asked = Instant::now();
        let mut response = self.sender.send_request(request).await?;
        let first = response.body_mut().frame().await.ok_or("the stream is empty")??;
        let took = asked.elapsed();
        drop(first);
        if response.status() != StatusCode::OK {
            return Err(format!("{} answered {}", self.target.name, response.status()).into());
        }
        response.into_body().collect().await?;
        Ok(took)
    }
}

/// Calls begin at fixed times whatever the target does; a latency counts from the time at which its call was due.
pub(crate) async fn open_loop(
    target: &Target,
    rate: u32,
    length: Duration,
) -> Result<(Vec<Duration>, usize), Failure> {
    let target = Arc::new(target.clone());
    warm(&target).await?;
    let idle: Arc<Mutex<Vec<Connection>>> = Arc::default();
    for _ in 0..8 {
        idle.lock().await.push(Connection::open(&target).await?);
    }
    let began = Instant::now();
    let interval = Duration::from_secs(1) / rate;
    let count = (length.as_secs_f64() * f64::from(rate)) as u32;
    let room = Arc::new(tokio::sync::Semaphore::new(OPEN_CONNECTIONS));
    let mut calls = Vec::with_capacity(count as usize);
    for number in 0..count {
        let due = began + interval * number;
        tokio::time::sleep_until(due.into()).await;
        let (idle, target, room) = (Arc::clone(&idle), Arc::clone(&target), Arc::clone(&room));
        calls.push(tokio::spawn(async move {
            let _room = room.acquire_owned().await?;
            let kept = idle.lock().await.pop();
            let mut connection = match kept {
                Some(connection) => connection,
                None => Connection::open(&target).await?,
            };
            let is_right = connection.call().await?;
            let took = due.elapsed();
            idle.lock().await.push(connection);
            Ok::<_, Failure>((took, is_right))
        }));
    }
    let mut latencies = Vec::with_capacity(calls.len());
    let mut failed = 0;
    for call in calls {
        match call.await? {
            Ok((took, true)) => latencies.push(took),
            Ok((_, false)) | Err(_) => failed += 1,
        }
    }
    Ok((latencies, failed))
}

/// Each connection calls again as soon as it was answered. Answers calls, time and failures.
pub(crate) async fn closed_loop(
    target: &Target,
    connections: usize,
    length: Duration,
) -> Result<(usize, Duration, usize), Failure> {
    let target = Arc::new(target.clone());
    warm(&target).await?;
    let began = Instant::now();
    let mut callers = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut connection = Connection::open(&target).await?;
        callers.push(tokio::spawn(async move {
            let (mut right, mut failed) = (0, 0);
            while began.elapsed() < length {
                match connection.call().await {
                    Ok(true) => right += 1,
                    Ok(false) => failed += 1,
                    Err(_) => {
                        failed += 1;
                        connection = Connection::open(&connection.target).await?;
                    }
                }
            }
            Ok::<_, Failure>((right, failed))
        }));
    }
    let (mut right, mut failed) = (0, 0);
    for caller in callers {
        let (one_right, one_failed) = caller.await??;
        right += one_right;
        failed += one_failed;
    }
    Ok((right, began.elapsed(), failed))
}

/// Times to the first byte of streams, one after the other.
pub(crate) async fn first_bytes(target: &Target, streams: usize) -> Result<Vec<Duration>, Failure> {
    let target = Arc::new(target.clone());
    let mut connection = Connection::open(&target).await?;
    let mut times = Vec::with_capacity(streams);
    for _ in 0..streams {
        times.push(connection.first_byte().await?);
    }
    Ok(times)
}

async fn warm(target: &Arc<Target>) -> Result<(), Failure> {
    let mut connection = Connection::open(target).await?;
    for _ in 0..WARM_UP {
        if !connection.call().await? {
            return Err(format!("{} does not answer with 200", target.name).into());
        }
    }
    Ok(())
}
