//! The spool: events on disk while Kafka does not take them. Append-only segment files, replayed oldest first.

mod form;
mod segments;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{Notify, mpsc, oneshot};

pub(crate) use form::Record;
pub(crate) use segments::Segment;
use segments::Segments;

use super::{
    config::{Fsync, SpoolConfig},
    stats::GatewayStats,
};

const QUEUED_COMMANDS: usize = 1_024;
/// Appends that share one write to the disk at most.
const GROUP: usize = 256;

/// Why the spool does not work.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("another gateway uses the spool {0}; give each gateway a `gateway.spool.directory` of its own")]
    InUse(PathBuf),
    #[error("the spool is full: `gateway.spool.max_bytes` is {0}")]
    Full(u64),
    #[error("the event has {0} bytes, more than a spool record takes")]
    TooLong(usize),
    #[error("the spool is closed")]
    Closed,
}

impl SpoolError {
    /// As the metric names it.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            SpoolError::Io { .. } => "spool_io",
            SpoolError::InUse(_) => "spool_in_use",
            SpoolError::Full(_) => "spool_full",
            SpoolError::TooLong(_) => "too_large",
            SpoolError::Closed => "spool_closed",
        }
    }
}

enum Command {
    Append(Record, oneshot::Sender<Result<(), SpoolError>>),
    Oldest(oneshot::Sender<Result<Option<Segment>, SpoolError>>),
    Remove(u64, oneshot::Sender<Result<u64, SpoolError>>),
}

/// A handle to the spool's thread, which alone touches the files. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Appended or being appended, and not removed yet.
    records: AtomicU64,
    appended: Notify,
    stats: GatewayStats,
}

impl Spool {
    /// Opens the directory, makes it when missing, and finds what an earlier gateway left there.
    pub(crate) fn open(config: &SpoolConfig, stats: GatewayStats) -> Result<Self, SpoolError> {
        let mut segments = Segments::open(config)?;
        let shared = Arc::new(Shared {
            records: AtomicU64::new(segments.records()),
            appended: Notify::new(),
            stats,
        });
        shared.publish(&segments);
        let (commands, mut receiver) = mpsc::channel(QUEUED_COMMANDS);
        let of_thread = Arc::clone(&shared);
        let fsync = config.fsync;
        let path = config.directory.clone();
        std::thread::Builder::new()
            .name("gateway-spool".to_owned())
            .spawn(move || {
                while let Some(command) = receiver.blocking_recv() {
                    serve(command, &mut receiver, &mut segments, fsync);
                    of_thread.publish(&segments);
                }
            })
            .map_err(|source| SpoolError::Io { path, source })?;
        Ok(Self { commands, shared })
    }

    /// Whether events wait here, or are about to.
    pub(crate) fn holds_any(&self) -> bool {
        self.shared.records.load(Ordering::Acquire) > 0
    }

    /// Completes after something was appended.
    pub(crate) async fn appended(&self) {
        self.shared.appended.notified().await;
    }

    /// Returns when the record is on the disk, as far as `fsync` promises.
    pub(crate) async fn append(&self, record: Record) -> Result<(), SpoolError> {
        self.shared.records.fetch_add(1, Ordering::AcqRel);
        let result = self.ask(|answer| Command::Append(record, answer)).await;
        if result.is_err() {
            self.shared.records.fetch_sub(1, Ordering::AcqRel);
        }
        self.shared.appended.notify_one();
        result
    }

    /// The oldest segment with what can be read of it; it takes no more records.
    pub(crate) async fn oldest(&self) -> Result<Option<Segment>, SpoolError> {
        self.ask(Command::Oldest).await
    }

    /// Removes a segment whose records are settled.
    pub(crate) async fn remove(&self, segment: &Segment) -> Result<(), SpoolError> {
        let number = segment.number;
        let removed = self.ask(|answer| Command::Remove(number, answer)).await?;
        self.shared.records.fetch_sub(removed, Ordering::AcqRel);
        Ok(())
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, SpoolError>>) -> Command,
    ) -> Result<T, SpoolError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.commands.send(command(answer)).await;
        sent.map_err(|_| SpoolError::Closed)?;
        answered.await.unwrap_or(Err(SpoolError::Closed))
    }
}

impl Shared {
    fn publish(&self, segments: &Segments) {
        let as_gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.stats.spool_records.set(as_gauge(segments.records()));
        self.stats.spool_bytes.set(as_gauge(segments.bytes()));
    }
}

/// Serves a command; appends that wait behind it are written together, with one call to force them to the disk.
fn serve(first: Command, receiver: &mut mpsc::Receiver<Command>, segments: &mut Segments, fsync: Fsync) {
    let mut next = Some(first);
    let mut appended = Vec::new();
    let mut failed = Vec::new();
    while let Some(Command::Append(record, answer)) =
        next.take_if(|command| matches!(command, Command::Append(..)))
    {
        match segments.append(&record) {
            Ok(()) => appended.push(answer),
            Err(error) => failed.push((answer, error)),
        }
        if appended.len() >= GROUP {
            break;
        }
        next = receiver.try_recv().ok();
    }
    if !appended.is_empty() {
        let synced = if fsync == Fsync::Always {
            segments.sync()
        } else {
            Ok(())
        };
        settle(appended, synced);
    }
    for (answer, error) in failed {
        let _ = answer.send(Err(error));
    }
    // A receiver that is gone has stopped caring; here and below.
    match next {
        Some(Command::Oldest(answer)) => {
            let _ = answer.send(segments.oldest());
        }
        Some(Command::Remove(number, answer)) => {
            let _ = answer.send(segments.remove(number));
        }
        Some(Command::Append(..)) | None => {}
    }
}

fn settle(answers: Vec<oneshot::Sender<Result<(), SpoolError>>>, synced: Result<(), SpoolError>) {
    let failure = synced.err().map(|error| error.to_string());
    for answer in answers {
        let result = match &failure {
            None => Ok(()),
            Some(text) => Err(SpoolError::Io {
                path: PathBuf::from("fsync"),
                source: io::Error::other(text.clone()),
            }),
        };
        let _ = answer.send(result);
    }
}

#[cfg(test)]
mod tests;
