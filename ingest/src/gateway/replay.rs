//! Spooled events go to Kafka when it takes them again: segment by segment, in their order.

use std::time::Duration;

use aal_service::Shutdown;
use http::StatusCode;
use uuid::Uuid;

use super::{
    spool::{Record, Spool},
    stats::GatewayStats,
};
use crate::{accept::Prepared, delivery::Delivery};

const PAUSE: Duration = Duration::from_millis(500);
/// Records queued to Kafka before their acknowledgements are waited for.
const BATCH: usize = 256;

/// Replays until `shutdown`. What Kafka acknowledged twice, because this process died in between, is recorded once: the
/// event's id and content are the same.
pub(crate) async fn replay(spool: Spool, delivery: Delivery, stats: GatewayStats, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        if !spool.holds_any() {
            shutdown.unless_requested(spool.appended()).await;
            continue;
        }
        let segment = match spool.oldest().await {
            Ok(Some(segment)) => segment,
            Ok(None) => {
                // An append is on its way to the file.
                tokio::task::yield_now().await;
                shutdown.unless_requested(tokio::time::sleep(PAUSE / 10)).await;
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "the spool cannot be read");
                shutdown.unless_requested(tokio::time::sleep(PAUSE)).await;
                continue;
            }
        };
        let sending = send_all(&segment.records, &delivery, &stats);
        if shutdown.unless_requested(sending).await.is_none() {
            return;
        }
        if let Err(error) = spool.remove(&segment).await {
            tracing::error!(%error, "a replayed spool file cannot be removed; it will be sent again");
        }
    }
}

/// Sends every record; returns when all of them are acknowledged.
async fn send_all(records: &[Record], delivery: &Delivery, stats: &GatewayStats) {
    let mut done = 0;
    while done < records.len() {
        let end = (done + BATCH).min(records.len());
        let acknowledged = send_batch(&records[done..end], delivery, stats).await;
        stats.replayed.add(acknowledged as u64);
        done += acknowledged;
        if done < end {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Answers how many records from the first on are settled.
async fn send_batch(records: &[Record], delivery: &Delivery, stats: &GatewayStats) -> usize {
    let mut pending = Vec::with_capacity(records.len());
    for record in records {
        let prepared = Prepared {
            event_id: Uuid::nil(),
            receipt: String::new(),
            key: String::from_utf8_lossy(&record.key).into_owned(),
            value: record.value.clone(),
        };
        match delivery.queue(&prepared) {
            Ok(queued) => pending.push(Some(queued)),
            Err(problem) if problem.status == StatusCode::PAYLOAD_TOO_LARGE.as_u16() => {
                stats.lost("too_large", 1);
                pending.push(None);
            }
            Err(_) => break,
        }
    }
    let mut settled = 0;
    let mut is_unbroken = true;
    for queued in pending {
        let is_settled = match queued {
            None => true,
            Some(queued) => match delivery.acknowledged(queued).await {
                Ok(()) => true,
                Err(problem) if problem.status == StatusCode::PAYLOAD_TOO_LARGE.as_u16() => {
                    stats.lost("too_large", 1);
                    true
                }
                Err(_) => false,
            },
        };
        is_unbroken &= is_settled;
        settled += usize::from(is_unbroken);
    }
    settled
}
