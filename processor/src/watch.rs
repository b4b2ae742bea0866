//! What a processor looks after beside its shards: the topic's partitions, the clock, and what it runs with.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aal_announce::{Change, TellError, digest_of};
use aal_event::Kind;
use aal_flow::ClockWatch;
use aal_kafka::EVENTS;
use aal_ledger::hash::sha256;
use aal_service::Shutdown;
use serde_json::{Map, Value, json};

use crate::{config::Assignment, worker::Shared};

const CLOCK_INTERVAL: Duration = Duration::from_secs(1);
const TELL_RETRY: Duration = Duration::from_secs(2);
/// How long after new partitions every event id is looked up in the store: by then every producer has learned of
/// them (librdkafka's and the Java client's own limit is 5 minutes), and sends an event again where it sent it first.
const UNSETTLED: Duration = Duration::from_secs(15 * 60);

/// Tells what this processor runs with, and that it runs; tries until it is told.
pub async fn announce(shared: Arc<Shared>, shutdown: Shutdown) {
    while let Err(error) = tell_start(&shared).await {
        tracing::warn!(%error, "the ledger was not told of the start; trying again");
        if shutdown
            .unless_requested(tokio::time::sleep(TELL_RETRY))
            .await
            .is_none()
        {
            return;
        }
    }
}

async fn tell_start(shared: &Shared) -> Result<(), TellError> {
    for change in changes(shared) {
        shared.teller.changed(change).await?;
    }
    for (shard, next_offset) in shared.store.unclosed_shards(shared.config.first_shard).await? {
        shared.teller.shard_close(shard, next_offset).await?;
    }
    shared.teller.heartbeat("start", None).await
}

/// What is announced: settings, price table, detector rules. Nothing secret is among them.
fn changes(shared: &Shared) -> Vec<Change<'static>> {
    let pipeline = shared.policies.base();
    let settings = json!({"processor": shared.config, "program": pipeline.program_version()});
    let facts = |value: Value| value.as_object().cloned().unwrap_or_default();
    let config = digest_of(&settings).map(|digest| Change {
        kind: Kind::ConfigChange,
        component: "processor",
        digest,
        facts: facts(json!({"version": pipeline.program_version()})),
    });
    let prices = Change {
        kind: Kind::PriceTableChange,
        component: "prices",
        digest: sha256(pipeline.price_version().as_bytes()),
        facts: facts(json!({"version": pipeline.price_version()})),
    };
    let detector = Change {
        kind: Kind::PolicyChange,
        component: "detector",
        digest: sha256(pipeline.detector_version().as_bytes()),
        facts: facts(json!({"version": pipeline.detector_version()})),
    };
    config.into_iter().chain([prices, detector]).collect()
}

/// Follows the number of partitions of the events topic, which an administrator may raise at any time.
pub async fn watch_partitions(shared: Arc<Shared>, shutdown: Shutdown) {
    let interval = Duration::from_millis(shared.config.partition_poll_ms.max(100));
    let mut known: Option<u32> = None;
    let mut told: Option<u32> = None;
    let mut unsettled_since: Option<Instant> = None;
    loop {
        if let Some(count) = count_partitions(&shared).await {
            if let Some(before) = known.filter(|before| count > *before) {
                tracing::warn!(before, count, "the events topic has new partitions");
                shared.seen.distrust();
                unsettled_since = Some(Instant::now());
                take_new(&shared, before, count);
            }
            known = Some(count);
            if told != Some(count) {
                match shared.teller.changed(topic_change(&shared, count)).await {
                    Ok(_) => told = Some(count),
                    Err(error) => tracing::warn!(%error, "the ledger was not told of the topic's partitions"),
                }
            }
        }
        if unsettled_since.is_some_and(|since| since.elapsed() > UNSETTLED) {
            match shared.store.all_event_ids().await {
                Ok(ids) => {
                    shared.seen.trust(ids);
                    unsettled_since = None;
                }
                Err(error) => tracing::warn!(%error, "event ids not re-read"),
            }
        }
        if shutdown
            .unless_requested(tokio::time::sleep(interval))
            .await
            .is_none()
        {
            return;
        }
    }
}

async fn count_partitions(shared: &Shared) -> Option<u32> {
    let kafka = shared.kafka.clone();
    let counted = tokio::task::spawn_blocking(move || aal_kafka::partition_count(&kafka, EVENTS)).await;
    match counted {
        Ok(Ok(count)) => u32::try_from(count).ok(),
        Ok(Err(error)) => {
            tracing::debug!(%error, "partitions not counted");
            None
        }
        Err(_) => None,
    }
}

/// In a group the new partitions are shared out by Kafka; a processor that takes all takes them itself.
fn take_new(shared: &Shared, before: u32, count: u32) {
    if shared.config.assignment != Assignment::All {
        return;
    }
    let new = before..count;
    let shards = new.map(|partition| shared.shards.shard_of(partition as i32));
    shared.consumer.extend(shards.collect());
}

fn topic_change(shared: &Shared, count: u32) -> Change<'static> {
    let mut facts = Map::new();
    facts.insert("partitions".to_owned(), count.into());
    facts.insert("first_shard".to_owned(), shared.config.first_shard.into());
    let text = format!("{EVENTS}\n{count}\n{}", shared.config.first_shard);
    Change {
        kind: Kind::ConfigChange,
        component: "events-topic",
        digest: sha256(text.as_bytes()),
        facts,
    }
}

/// Watches this machine's clock and tells the ledger of steps.
pub async fn watch_clock(shared: Arc<Shared>, shutdown: Shutdown) {
    let mut watch = ClockWatch::new(shared.config.clock_tolerance_ms as i64 * 1_000);
    let origin = Instant::now();
    loop {
        let monotonic_us = origin.elapsed().as_micros() as i64;
        if let Some(step_us) = watch.observe(monotonic_us, aal_service::times::now_us()) {
            tracing::error!(step_us, "this machine's clock made a step");
            if let Err(error) = shared.teller.clock_step(step_us).await {
                tracing::warn!(%error, "the ledger was not told of the clock's step");
            }
        }
        if shutdown
            .unless_requested(tokio::time::sleep(CLOCK_INTERVAL))
            .await
            .is_none()
        {
            return;
        }
    }
}
