//! Reads the dead-letter topic, a stretch at a time.

use std::borrow::Cow;
use std::time::Duration;

use aal_kafka::rdkafka::Message;
use aal_kafka::{DEAD_LETTER, Scan, ScanError};
use aal_keys::{Keys, OpenError};
use aal_service::Problem;
use tokio::runtime::Handle;

use crate::app::App;
use crate::dead_letters::letter::Letter;

/// The topic has one partition.
const PARTITION: i32 = 0;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Some dead letters, newest first.
pub(crate) struct Page {
    pub(crate) letters: Vec<Letter>,
    /// Ask for those before this offset next; none: there are no older ones.
    pub(crate) next_before: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error(transparent)]
    Open(OpenError),
}

/// Up to `limit` of those before the offset `before`.
pub(crate) async fn page(app: &App, before: Option<u64>, limit: u32) -> Result<Page, Problem> {
    let open = Opener::new(app);
    scan(app, move |scan| {
        let range = scan.range()?;
        let end = before.unwrap_or(range.end).clamp(range.start, range.end);
        let start = end.saturating_sub(u64::from(limit)).max(range.start);
        let mut letters = Vec::new();
        let mut failed = None;
        scan.each(start..end, |message| match open.opened(message) {
            Ok(value) => letters.push(Letter::of(message, &value)),
            Err(error) => failed = Some(error),
        })?;
        failed.map_or(Ok(()), |error| Err(ReadError::Open(error)))?;
        letters.reverse();
        let next_before = (start > range.start).then_some(start);
        Ok(Page { letters, next_before })
    })
    .await
}

/// The one at an offset, and its bytes.
pub(crate) async fn one(app: &App, offset: u64) -> Result<(Letter, Vec<u8>), Problem> {
    let open = Opener::new(app);
    let found = scan(app, move |scan| {
        let mut found = None;
        if scan.range()?.contains(&offset) {
            scan.each(offset..offset + 1, |message| {
                let read = open
                    .opened(message)
                    .map(|value| (Letter::of(message, &value), value.into_owned()));
                found = Some(read);
            })?;
        }
        found.transpose().map_err(ReadError::Open)
    });
    found
        .await?
        .ok_or_else(|| Problem::not_found("there is no such dead letter, or Kafka no longer holds it"))
}

/// Opens what is sealed on the topic, on a thread that may block.
struct Opener {
    keys: Keys,
    runtime: Handle,
}

impl Opener {
    fn new(app: &App) -> Opener {
        Opener {
            keys: app.keys.clone(),
            runtime: Handle::current(),
        }
    }

    /// The value in the clear. What will never open was rejected for that: it is given as it is.
    fn opened<'m>(&self, message: &'m impl Message) -> Result<Cow<'m, [u8]>, OpenError> {
        let value = message.payload().unwrap_or_default();
        let opened = self.runtime.block_on(self.keys.open_payload(DEAD_LETTER, value));
        match opened {
            Err(error) if !error.must_wait() => Ok(Cow::Borrowed(value)),
            opened => opened,
        }
    }
}

async fn scan<T: Send + 'static>(
    app: &App,
    look: impl FnOnce(&Scan) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    let unavailable = |what: &str| {
        tracing::warn!(what, "dead letters not read");
        Problem::unavailable("the dead-letter topic cannot be read; try again").with_retry_after(2)
    };
    let _permit = app.query_permits.acquire().await;
    let config = app.kafka.clone();
    let work = tokio::task::spawn_blocking(move || {
        let scan = Scan::new(&config, DEAD_LETTER, PARTITION, TIMEOUT).map_err(ScanError::from)?;
        look(&scan)
    });
    match work.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(unavailable(&error.to_string())),
        Err(_) => Err(Problem::internal("the dead-letter topic could not be read")),
    }
}
