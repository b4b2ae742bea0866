//! What every route shares, and the steps before a body is looked at.

use std::{sync::Arc, time::Duration};

use aal_service::{
    Problem,
    body::{BodyLimit, expect_content_type, read_capped},
};
use bytes::{Buf, Bytes};
use futures_util::Stream;
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};

use crate::{
    accept::Acceptor,
    admission::{Admission, Admitted},
    auth::{Authenticator, Caller},
    config::LimitsConfig,
    delivery::Delivery,
    rate::RateLimit,
    stats::Stats,
};

/// Bodies above this are parsed on a thread for blocking work, so that they do not hold up other requests.
const INLINE_BYTES: usize = 256 * 1024;

/// The parts of a running edge.
pub struct Edge {
    pub authenticator: Arc<Authenticator>,
    pub admission: Admission,
    pub rate: RateLimit,
    pub acceptor: Acceptor,
    pub delivery: Delivery,
    pub limits: LimitsConfig,
    pub body_timeout: Duration,
    pub stats: Stats,
}

/// A request that was let in.
pub struct Received {
    pub caller: Caller,
    pub body: Bytes,
    /// Gives its room back when dropped.
    pub _admitted: Admitted,
}

impl Edge {
    /// Whose request is it, is there room, and then its body.
    pub async fn receive<S, B, E>(
        &self,
        headers: &HeaderMap,
        stream: S,
        limit_bytes: usize,
        content_types: &[&str],
    ) -> Result<Received, Problem>
    where
        S: Stream<Item = Result<B, E>>,
        B: Buf,
        E: std::fmt::Display,
    {
        let caller = self.authenticator.caller(headers).await?;
        expect_content_type(headers, content_types)?;
        let encoding = headers.get(CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            let detail = "a content encoding is not accepted here; send the body as it is";
            return Err(Problem::unsupported_media_type(detail));
        }
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let admitted = self.admission.admit(announced, limit_bytes as u64)?;
        let limit = BodyLimit {
            max_bytes: limit_bytes as u64,
            timeout: self.body_timeout,
        };
        let body = read_capped(headers, stream, limit).await?;
        Ok(Received {
            caller,
            body,
            _admitted: admitted,
        })
    }
}

/// Runs `work` here when it is small, on another thread when it is not.
pub async fn off_thread<T: Send + 'static>(
    edge: &Arc<Edge>,
    body_bytes: usize,
    work: impl FnOnce(&Edge) -> T + Send + 'static,
) -> Result<T, Problem> {
    if body_bytes <= INLINE_BYTES {
        return Ok(work(edge));
    }
    let edge = Arc::clone(edge);
    let done = tokio::task::spawn_blocking(move || work(&edge)).await;
    done.map_err(|_| Problem::internal("the request could not be handled"))
}
