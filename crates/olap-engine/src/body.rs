//! Reading a request's body: with a limit on silence, decompressed when it comes in blocks.

use crate::error::{EngineError, code};
use crate::framing::Decoder;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::timeout;

/// How much of a body that nobody needs is read, so that the client gets to see its answer.
const DRAIN_LIMIT_BYTES: usize = 1 << 30;

/// A request's body.
#[derive(Debug)]
pub struct Body {
    incoming: Incoming,
    decoder: Option<Decoder>,
    stall_timeout: Duration,
    ended: bool,
}

impl Body {
    /// A body that fails when no byte comes for `stall_timeout`.
    pub fn new(incoming: Incoming, stall_timeout: Duration) -> Self {
        Self {
            incoming,
            decoder: None,
            stall_timeout,
            ended: false,
        }
    }

    /// The same body, whose bytes are compressed blocks.
    pub fn decompressed(self) -> Self {
        Self {
            decoder: Some(Decoder::default()),
            ..self
        }
    }

    /// The next piece, none at the end.
    ///
    /// # Errors
    /// [`EngineError::Query`]: 210 when the client is gone, 209 when it is silent, 40, 271 or 432 when a compressed
    /// block is bad.
    pub async fn next(&mut self) -> Result<Option<Bytes>, EngineError> {
        loop {
            if let Some(decoder) = &mut self.decoder
                && let Some(data) = decoder.next_block()?
            {
                return Ok(Some(data));
            }
            let Some(bytes) = self.next_raw().await? else {
                return match &self.decoder {
                    Some(decoder) => decoder.finish().map(|()| None),
                    None => Ok(None),
                };
            };
            match &mut self.decoder {
                Some(decoder) => decoder.push(&bytes),
                None => return Ok(Some(bytes)),
            }
        }
    }

    async fn next_raw(&mut self) -> Result<Option<Bytes>, EngineError> {
        while !self.ended {
            let frame = match timeout(self.stall_timeout, self.incoming.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => {
                    self.ended = true;
                    break;
                }
                Ok(Some(Err(error))) => {
                    self.ended = true;
                    let message = format!("the request's body broke off: {error}");
                    return Err(EngineError::query(code::NETWORK_ERROR, "NETWORK_ERROR", message));
                }
                Err(_elapsed) => {
                    self.ended = true;
                    let message = format!(
                        "no byte of the request's body for {} ms",
                        self.stall_timeout.as_millis()
                    );
                    return Err(EngineError::query(
                        code::SOCKET_TIMEOUT,
                        "SOCKET_TIMEOUT",
                        message,
                    ));
                }
            };
            // Trailers carry nothing for us.
            if let Ok(data) = frame.into_data()
                && !data.is_empty()
            {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// Appends pieces to `buffer` until it holds `limit` bytes or more, or the body ends. True at the end.
    ///
    /// # Errors
    /// As [`Body::next`].
    pub async fn read_until(&mut self, buffer: &mut Vec<u8>, limit: usize) -> Result<bool, EngineError> {
        while buffer.len() < limit {
            match self.next().await? {
                Some(piece) => buffer.extend_from_slice(&piece),
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Reads what is left and throws it away: a client that is still sending does not read an answer.
    pub async fn drain(&mut self) {
        let mut read = 0;
        while read < DRAIN_LIMIT_BYTES {
            match self.next_raw().await {
                Ok(Some(piece)) => read += piece.len(),
                Ok(None) | Err(_) => return,
            }
        }
    }
}
