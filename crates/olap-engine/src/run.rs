//! Running statements: each on a thread of its own with a session of its own, because the C API blocks.

use crate::engine::{Engine, SessionOptions};
use crate::error::{EngineError, code};
use crate::ffi::{Counters, QueryStream, Statement};
use crate::formats::Joining;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

/// The piece size in which data goes to the engine: a huge one is half as fast as many of up to 1 MiB.
const APPEND_BYTES: usize = 1 << 20;
/// How often and how far apart an abandoned statement is killed, until it has ended. The first attempt can come
/// before the engine lists the statement.
const KILL_ATTEMPTS: u32 = 50;
const KILL_INTERVAL: Duration = Duration::from_millis(100);

/// A statement that is ready to run.
#[derive(Debug)]
pub struct Job {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Settings and database; must set [`Ticket::log_comment`].
    pub session: SessionOptions,
    /// SQL without data.
    pub sql: String,
    /// Input or output format.
    pub format: String,
    /// Values for placeholders.
    pub parameters: Vec<(String, String)>,
    /// Whether anybody still wants the result.
    pub ticket: Arc<Ticket>,
    /// The place among the running statements, given back at the end.
    pub _permit: OwnedSemaphorePermit,
}

impl Job {
    fn statement(&self) -> Statement<'_> {
        Statement {
            sql: &self.sql,
            format: &self.format,
            parameters: &self.parameters,
        }
    }
}

/// Says whether a statement runs and whether it is still wanted.
#[derive(Debug)]
pub struct Ticket {
    /// Marks the statement's session, so that another session can kill it.
    pub log_comment: String,
    abandoned: AtomicBool,
    ended: AtomicBool,
}

impl Ticket {
    /// A ticket for a statement that has not started.
    pub fn new(log_comment: String) -> Arc<Self> {
        Arc::new(Self {
            log_comment,
            abandoned: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        })
    }

    fn check(&self) -> Result<(), EngineError> {
        if !self.abandoned.load(Ordering::Acquire) {
            return Ok(());
        }
        let message = "the client is gone";
        Err(EngineError::query(
            code::QUERY_WAS_CANCELLED,
            "QUERY_WAS_CANCELLED",
            message,
        ))
    }
}

/// Marks the ticket as ended, also when the statement panics.
struct Ended(Arc<Ticket>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

/// Kills the statement when dropped before its end. Lives where the answer is made: hyper drops that when the
/// client goes away.
#[derive(Debug)]
pub struct KillOnDrop {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The statement.
    pub ticket: Arc<Ticket>,
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if self.ticket.ended.load(Ordering::Acquire) {
            return;
        }
        self.ticket.abandoned.store(true, Ordering::Release);
        let engine = self.engine.clone();
        let ticket = self.ticket.clone();
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn_blocking(move || {
            for _ in 0..KILL_ATTEMPTS {
                if ticket.ended.load(Ordering::Acquire) {
                    return;
                }
                if let Err(error) = engine.kill(&ticket.log_comment) {
                    tracing::warn!(%error, "cannot kill an abandoned statement");
                }
                std::thread::sleep(KILL_INTERVAL);
            }
        });
    }
}

/// A step of a streamed result. The stream is complete only after `End`.
#[derive(Debug)]
pub enum Event {
    /// A part of the answer.
    Data(Bytes),
    /// The statement failed; nothing follows.
    Failed(EngineError),
    /// The result is complete.
    End,
}

/// Runs a SELECT on the blocking pool and gives its result in pieces.
///
/// Nothing is taken from the engine while nobody takes pieces; a reader that takes none for `stall_timeout` loses
/// the statement.
pub fn select(job: Job, joining: Joining, stall_timeout: Duration) -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let sender = PacedSender {
            sender,
            stall_timeout,
            runtime: Handle::current(),
        };
        let ended = Ended(job.ticket.clone());
        let last = match stream_select(&job, joining, &sender) {
            Ok(true) => Event::End,
            Ok(false) => return,
            Err(error) => Event::Failed(error),
        };
        // Before the last event is out the statement must count as ended, or its reader would kill nothing.
        drop(ended);
        sender.send(last);
    });
    receiver
}

struct PacedSender {
    sender: mpsc::Sender<Event>,
    stall_timeout: Duration,
    runtime: Handle,
}

impl PacedSender {
    /// False when nobody reads any more.
    fn send(&self, event: Event) -> bool {
        matches!(
            self.runtime
                .block_on(timeout(self.stall_timeout, self.sender.send(event))),
            Ok(Ok(()))
        )
    }
}

/// False when the reader is gone.
fn stream_select(job: &Job, joining: Joining, sender: &PacedSender) -> Result<bool, EngineError> {
    let mut connection = job.engine.session(&job.session)?;
    job.ticket.check()?;
    let refused = match connection.stream(job.statement()) {
        Ok(stream) => return send_pieces(stream, joining, sender),
        Err(error) => error,
    };
    if !is_not_streamable(&refused) {
        return Err(refused);
    }
    // Refused before anything ran: it starts like a SELECT and is something else, WITH .. INSERT for one.
    let output = connection.query(job.statement())?;
    Ok(output.bytes().is_empty() || sender.send(Event::Data(Bytes::copy_from_slice(output.bytes()))))
}

fn send_pieces(
    mut stream: QueryStream<'_>,
    joining: Joining,
    sender: &PacedSender,
) -> Result<bool, EngineError> {
    let mut first = true;
    while let Some(piece) = stream.fetch()? {
        let payload = joining.payload(piece.bytes(), first);
        first = false;
        if !payload.is_empty() && !sender.send(Event::Data(Bytes::copy_from_slice(payload))) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_not_streamable(error: &EngineError) -> bool {
    matches!(error, EngineError::Query { code: code::BAD_ARGUMENTS, text } if text.contains("Streaming query is not supported"))
}

/// Runs any statement on the blocking pool and gives its whole result.
///
/// # Errors
/// [`EngineError::Query`].
pub async fn whole(job: Job) -> Result<(Bytes, Counters), EngineError> {
    blocking(move || {
        let _ended = Ended(job.ticket.clone());
        let mut connection = job.engine.session(&job.session)?;
        job.ticket.check()?;
        let output = connection.query(job.statement())?;
        Ok((Bytes::copy_from_slice(output.bytes()), output.counters()))
    })
    .await
}

/// A step of the data of an INSERT. Data that ends without `End` is not committed.
#[derive(Debug)]
pub enum Input {
    /// A part of the data.
    Data(Bytes),
    /// All data has come: commit.
    End,
}

/// Runs an INSERT on the blocking pool with the data that comes through `input`.
///
/// # Errors
/// [`EngineError::Query`]; 394 when `input` ended without [`Input::End`], and then nothing of the open block (up
/// to about a million rows) is stored.
pub async fn insert(job: Job, mut input: mpsc::Receiver<Input>) -> Result<Counters, EngineError> {
    blocking(move || {
        let _ended = Ended(job.ticket.clone());
        let mut connection = job.engine.session(&job.session)?;
        let mut stream = connection.insert(job.statement())?;
        loop {
            match input.blocking_recv() {
                Some(Input::Data(data)) => {
                    for piece in data.chunks(APPEND_BYTES) {
                        stream.append(piece)?;
                    }
                }
                Some(Input::End) => return stream.finish(),
                None => {
                    drop(stream);
                    let message = "the data of the INSERT broke off";
                    return Err(EngineError::query(
                        code::QUERY_WAS_CANCELLED,
                        "QUERY_WAS_CANCELLED",
                        message,
                    ));
                }
            }
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            let message = format!("the statement's thread failed: {error}");
            Err(EngineError::query(
                code::UNKNOWN_EXCEPTION,
                "UNKNOWN_EXCEPTION",
                message,
            ))
        }
    }
}
