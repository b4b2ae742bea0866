//! Bodies that are looked at while they pass. Nothing is held back: each frame goes on as it comes.

use std::{
    collections::VecDeque,
    error::Error,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, Sleep};

use super::{
    capture::SharedCapture,
    draft::{Call, End},
};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// The application's request on its way to the provider.
#[derive(Debug)]
pub(crate) struct RequestTee {
    /// Read already, for an intent.
    ahead: VecDeque<Frame<Bytes>>,
    is_read_whole: bool,
    rest: Incoming,
    capture: SharedCapture,
    broke_off: Arc<AtomicBool>,
}

impl RequestTee {
    pub(crate) fn new(rest: Incoming, capture: SharedCapture) -> Self {
        Self {
            ahead: VecDeque::new(),
            is_read_whole: false,
            rest,
            capture,
            broke_off: Arc::default(),
        }
    }

    /// Becomes true when the application's connection breaks before the body's end.
    pub(crate) fn broke_off(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.broke_off)
    }

    /// Reads on until the end or until `limit_bytes` are passed; what was read is sent later as it came. Answers
    /// whether the end was reached.
    pub(crate) async fn read_ahead(&mut self, limit_bytes: usize) -> Result<bool, hyper::Error> {
        let mut read_bytes = 0;
        while !self.is_read_whole && read_bytes <= limit_bytes {
            match self.rest.frame().await {
                Some(frame) => {
                    let frame = frame?;
                    read_bytes += self.note(&frame);
                    self.ahead.push_back(frame);
                }
                None => self.is_read_whole = true,
            }
        }
        Ok(self.is_read_whole)
    }

    /// Digest of what was read ahead.
    pub(crate) fn sha256_ahead(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let chunks = self.ahead.iter().filter_map(Frame::data_ref);
        chunks.for_each(|chunk| digest.update(chunk));
        digest.finalize().into()
    }

    fn note(&self, frame: &Frame<Bytes>) -> usize {
        let Some(data) = frame.data_ref() else { return 0 };
        self.capture.lock().push(data);
        data.len()
    }
}

impl Body for RequestTee {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(frame) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        let frame = ready!(Pin::new(&mut self.rest).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                self.note(frame);
            }
            Some(Err(_)) => self.broke_off.store(true, Ordering::Relaxed),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead: u64 = self
            .ahead
            .iter()
            .filter_map(|frame| frame.data_ref().map(|data| data.len() as u64))
            .sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(ahead + rest.lower());
        if let Some(upper) = rest.upper() {
            hint.set_upper(ahead + upper);
        }
        hint
    }
}

/// The provider's answer on its way to the application. Ends the call when it ends, breaks, stalls, or is dropped.
#[derive(Debug)]
pub(crate) struct ResponseTee {
    body: Incoming,
    call: Call,
    idle: Duration,
    /// Made when the provider is waited for the first time.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl ResponseTee {
    pub(crate) fn new(body: Incoming, call: Call, idle: Duration) -> Self {
        let mut tee = Self {
            body,
            call,
            idle,
            timer: None,
            is_waiting: false,
        };
        // A body without content may never be polled.
        tee.end_if_whole();
        tee
    }

    fn end_if_whole(&mut self) {
        if self.body.is_end_stream() {
            self.call.end(End::Complete);
        }
    }

    fn has_stalled(&mut self, context: &mut Context<'_>) -> bool {
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(self.idle)));
        if !self.is_waiting {
            timer.as_mut().reset(Instant::now() + self.idle);
            self.is_waiting = true;
        }
        timer.as_mut().poll(context).is_ready()
    }
}

impl Body for ResponseTee {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Pending if this.has_stalled(context) => {
                this.call.end(End::ProviderStalled);
                Poll::Ready(Some(Err("the provider sent nothing for too long".into())))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                this.is_waiting = false;
                if let Some(data) = frame.data_ref() {
                    this.call.saw(data);
                }
                this.end_if_whole();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.call.end(End::ProviderGone(error.to_string()));
                // The application's connection breaks as the provider's did.
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                this.call.end(End::Complete);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
