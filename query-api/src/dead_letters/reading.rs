//! Reads the dead-letter topic, a stretch at a time.

use std::time::Duration;

use aal_kafka::{DEAD_LETTER, Scan, ScanError, rdkafka::Message};
use aal_service::Problem;

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

/// Up to `limit` of those before the offset `before`.
pub(crate) async fn page(app: &App, before: Option<u64>, limit: u32) -> Result<Page, Problem> {
    scan(app, move |scan| {
        let range = scan.range()?;
        let end = before.unwrap_or(range.end).clamp(range.start, range.end);
        let start = end.saturating_sub(u64::from(limit)).max(range.start);
        let mut letters = Vec::new();
        scan.each(start..end, |message| letters.push(Letter::of(message)))?;
        letters.reverse();
        let next_before = (start > range.start).then_some(start);
        Ok(Page { letters, next_before })
    })
    .await
}

/// The one at an offset, and its bytes.
pub(crate) async fn one(app: &App, offset: u64) -> Result<(Letter, Vec<u8>), Problem> {
    let found = scan(app, move |scan| {
        let mut found = None;
        if scan.range()?.contains(&offset) {
            scan.each(offset..offset + 1, |message| {
                found = Some((
                    Letter::of(message),
                    message.payload().unwrap_or_default().to_vec(),
                ));
            })?;
        }
        Ok(found)
    });
    found
        .await?
        .ok_or_else(|| Problem::not_found("there is no such dead letter, or Kafka no longer holds it"))
}

async fn scan<T: Send + 'static>(
    app: &App,
    look: impl FnOnce(&Scan) -> Result<T, ScanError> + Send + 'static,
) -> Result<T, Problem> {
    let unavailable = |what: &str| {
        tracing::warn!(what, "dead letters not read");
        Problem::unavailable("the dead-letter topic cannot be read; try again").with_retry_after(2)
    };
    let _permit = app.query_permits.acquire().await;
    let config = app.kafka.clone();
    let work = tokio::task::spawn_blocking(move || {
        let scan = Scan::new(&config, DEAD_LETTER, PARTITION, TIMEOUT)?;
        look(&scan)
    });
    match work.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(unavailable(&error.to_string())),
        Err(_) => Err(Problem::internal("the dead-letter topic could not be read")),
    }
}
