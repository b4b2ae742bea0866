//! One shard at work: carries out what `aal_flow` decides.

use std::{sync::Arc, time::Duration};

use aal_announce::{Shard as TellShard, Teller};
use aal_flow::{Decision, Fact, InsertAnswer, Placement, Shard};
use aal_kafka::{KafkaConfig, Producer};
use aal_schema_registry::Registry;
use aal_store::{ShardHead, Store, StoreError};
use tokio::{sync::mpsc, time::Instant};

use crate::{
    block::{self, Block, Tips},
    config::ProcessorConfig,
    consumer::{Command, ConsumerHandle, Message},
    feed,
    keys::Keys,
    metrics::ProcessorMetrics,
    partition::PartitionRange,
    policies::Policies,
    price_books::PriceBooks,
    search::SearchTokens,
    seen::SeenIds,
    shards::Shards,
};

/// What all shards of a process share.
#[derive(Debug)]
pub struct Shared {
    pub config: ProcessorConfig,
    pub shards: Shards,
    pub teller: Teller,
    pub kafka: KafkaConfig,
    pub store: Store,
    pub keys: Keys,
    pub tokens: SearchTokens,
    pub price_books: PriceBooks,
    pub producer: Producer,
    pub policies: Policies,
    pub registry: Option<Registry>,
    pub seen: SeenIds,
    pub metrics: ProcessorMetrics,
    pub topic_hash: [u8; 32],
    pub consumer: ConsumerHandle,
}

/// How long a block that could not be built waits before the next try.
const BUILD_RETRY: Duration = Duration::from_millis(500);
/// How often the consumer is sent to the same offset before what it delivers is taken as it is.
const MOST_SEEKS: u32 = 5;

struct Worker {
    shared: Arc<Shared>,
    shard: u32,
    flow: Shard,
    tips: Tips,
    messages: Option<mpsc::Receiver<Message>>,
    /// The first offset nobody accounts for, as far as messages were taken.
    expected: u64,
    /// Where the consumer was sent and has not been seen to be yet, and how often it was sent there.
    positioning: Option<(u64, u32)>,
    block: Option<Block>,
    last_insert_ms: u64,
    /// The attempt of the last insert.
    attempt: u32,
}

/// Works on a shard until it is revoked; then everything of it is dropped.
pub async fn run(shared: Arc<Shared>, shard: u32, revoked: aal_service::Shutdown) {
    let flow = Shard::new(shared.config.session_timeout_ms);
    let mut worker = Worker {
        shared,
        shard,
        flow,
        tips: Tips::default(),
        messages: None,
        expected: 0,
        positioning: None,
        block: None,
        last_insert_ms: 0,
        attempt: 0,
    };
    let mut fact = Fact::Assigned;
    loop {
        let decision = worker.flow.step(fact);
        // An insert in flight is finished and settled; everything else stops at once.
        if revoked.is_requested() && !matches!(decision, Decision::ReadBack { .. }) {
            break;
        }
        let in_flight = worker.flow.is_in_flight();
        let next = if in_flight {
            Some(worker.carry_out(decision).await)
        } else {
            revoked.unless_requested(worker.carry_out(decision)).await
        };
        match next {
            Some(Some(next)) => fact = next,
            Some(None) | None => break,
        }
    }
    let shared = Arc::clone(&worker.shared);
    drop(worker);
    shared.consumer.send(Command::Released { shard });
    tracing::info!(shard, "released shard");
}

impl Worker {
    /// Does what was decided and reports what came of it; none: the shard stands still.
    async fn carry_out(&mut self, decision: Decision) -> Option<Fact> {
        match decision {
            Decision::ReadHead { after_ms } => {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                Some(self.read_head().await)
            }
            Decision::StepBack => {
                tracing::warn!(
                    shard = self.shard,
                    "another processor's block stands in place of ours: reading the head again"
                );
                self.shared.metrics.steps_back.inc();
                self.block = None;
                self.messages = None;
                Some(self.read_head().await)
            }
            Decision::Consume { block, start } => {
                self.expected = start.gap.map_or(start.offset, |(first, _)| first);
                self.position(start.offset, 0);
                Some(self.collect(block).await)
            }
            Decision::Insert { after_ms, attempt } => {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                Some(Fact::InsertAnswered(self.insert(attempt).await))
            }
            Decision::InsertVanished { after_ms, attempt } => {
                tracing::error!(
                    shard = self.shard,
                    block = self.block_number(),
                    "the store knows this block's number and not its rows, which were stored once: somebody removed \
                     them; the shard waits until they are put back (docs/limits.md, Ledger)"
                );
                self.shared.metrics.vanished.inc();
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                Some(Fact::InsertAnswered(self.insert(attempt).await))
            }
            Decision::ReadBack { after_ms } => {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                let number = self.block_number();
                match self.shared.store.block_hashes(self.shard, number).await {
                    Ok(hashes) => Some(Fact::ReadBack(hashes)),
                    Err(error) => {
                        tracing::warn!(%error, shard = self.shard, block = number, "block could not be read back");
                        Some(Fact::ReadBackFailed)
                    }
                }
            }
            Decision::Committed {
                next_block,
                next_offset,
            } => {
                self.committed(next_offset);
                Some(self.collect(next_block).await)
            }
            Decision::Stop => None,
            Decision::Halt(halt) => {
                tracing::error!(shard = self.shard, reason = %halt, "shard halted: it needs somebody to look");
                self.shared.metrics.halted.inc();
                // Stands still until it is revoked, rather than hiding the halt behind restarts.
                std::future::pending().await
            }
        }
    }

    async fn read_head(&mut self) -> Fact {
        let head = match self.shared.store.shard_head(self.shard).await {
            Ok(head) => head,
            Err(StoreError::Broken { what, .. }) => return Fact::HeadBroken(what),
            Err(error) => {
                tracing::warn!(%error, shard = self.shard, "head could not be read");
                return Fact::HeadUnreadable;
            }
        };
        match self.shared.store.event_ids(self.shard).await {
            Ok(ids) => self.shared.seen.add(ids),
            Err(error) => {
                tracing::warn!(%error, shard = self.shard, "event ids could not be read");
                return Fact::HeadUnreadable;
            }
        }
        let partition = self.shared.shards.partition_of(self.shard);
        let range = PartitionRange::read(&self.shared.kafka, &self.shared.config.group, partition).await;
        let Some(PartitionRange {
            log_start,
            log_end,
            acknowledged,
        }) = range
        else {
            return Fact::HeadUnreadable;
        };
        // Before anything else of the shard is consumed, and again until the first block is stored: the same id.
        if head.blocks == 0
            && let Err(error) = self.shared.teller.shard_open(self.as_told()).await
        {
            tracing::warn!(%error, shard = self.shard, "the ledger was not told of the new shard");
            return Fact::HeadUnreadable;
        }
        tracing::info!(shard = self.shard, blocks = head.blocks, next_offset = ?head.next_offset, ?acknowledged, log_start, log_end, "read head");
        self.tips = tips_of(&head);
        Fact::HeadRead {
            blocks: head.blocks,
            next_offset: head.next_offset,
            acknowledged,
            log_start,
            log_end,
        }
    }

    /// The number of the block that is being stored.
    fn block_number(&self) -> u64 {
        let first = self.block.as_ref().and_then(|block| block.rows.first());
        first.map_or(0, |row| row.block)
    }

    /// Sends the consumer to an offset; what it delivered before is dropped with its channel.
    fn position(&mut self, offset: u64, tries: u32) {
        let (sender, receiver) = mpsc::channel(self.shared.config.max_queued);
        self.messages = Some(receiver);
        self.positioning = Some((offset, tries));
        self.shared.consumer.send(Command::Seek {
            shard: self.shard,
            offset,
            messages: sender,
        });
    }

    /// The next message that nobody accounts for; none when the consumer gave the shard up.
    ///
    /// A seek that comes while librdkafka still looks up where a new assignment begins is overridden by what it
    /// finds there. So the first message after a seek is checked, and the consumer sent again when it is elsewhere.
    async fn next_message(&mut self) -> Option<Message> {
        loop {
            let message = self.messages.as_mut()?.recv().await?;
            if let Some((offset, tries)) = self.positioning.take()
                && message.offset != offset
                && tries < MOST_SEEKS
            {
                tracing::debug!(
                    shard = self.shard,
                    wanted = offset,
                    found = message.offset,
                    "seeking again"
                );
                self.position(offset, tries + 1);
                continue;
            }
            if aal_flow::placement(self.expected, message.offset) != Placement::Old {
                return Some(message);
            }
        }
    }

    fn as_told(&self) -> TellShard {
        TellShard {
            number: self.shard,
            partition: self.shared.shards.partition_of(self.shard),
        }
    }

    /// The next message, however long it takes; a shard that gets none for a while gets a heartbeat, which is a
    /// message like any other, so that silence is recorded and told from a processor that hangs.
    async fn first_message(&mut self) -> Option<Message> {
        let silence = Duration::from_millis(self.shared.config.heartbeat_ms);
        if silence.is_zero() {
            return self.next_message().await;
        }
        loop {
            match tokio::time::timeout(silence, self.next_message()).await {
                Ok(message) => return message,
                Err(_) => {
                    let told = self.shared.teller.heartbeat("idle", Some(self.as_told())).await;
                    if let Err(error) = told {
                        tracing::warn!(%error, shard = self.shard, "no heartbeat could be sent");
                    }
                }
            }
        }
    }

    /// Waits for messages, then builds the block; tries until it is built.
    async fn collect(&mut self, number: u64) -> Fact {
        let expected = self.expected;
        let Some(first) = self.first_message().await else {
            // The consumer could not position itself; a moment later it may.
            tokio::time::sleep(BUILD_RETRY).await;
            return Fact::Assigned;
        };
        let linger = Duration::from_millis(aal_flow::linger_ms(
            self.last_insert_ms,
            self.shared.metrics.active_parts(),
        ));
        let deadline = Instant::now() + linger;
        let mut bytes = first.value.len();
        self.expected = first.offset + 1;
        let mut messages = vec![first];
        while messages.len() < self.shared.config.max_block_rows && bytes < self.shared.config.max_block_bytes
        {
            match tokio::time::timeout_at(deadline, self.next_message()).await {
                Ok(Some(message)) => {
                    bytes += message.value.len();
                    self.expected = message.offset + 1;
                    messages.push(message);
                }
                Ok(None) | Err(_) => break,
            }
        }
        loop {
            match block::build(&self.shared, self.shard, number, &messages, expected, &self.tips).await {
                Ok(block) => {
                    let fact = Fact::BlockBuilt {
                        block: number,
                        next_offset: block.next_offset,
                        hashes: block.hashes.clone(),
                        since_poll_ms: self.shared.consumer.last_poll.age_ms(),
                    };
                    self.block = Some(block);
                    return fact;
                }
                Err(error) => {
                    tracing::warn!(%error, shard = self.shard, block = number, "block not built; trying again");
                    tokio::time::sleep(BUILD_RETRY).await;
                }
            }
        }
    }

    async fn insert(&mut self, attempt: u32) -> InsertAnswer {
        let Some(block) = &self.block else {
            return InsertAnswer::Refused;
        };
        if attempt > 0 && self.attempt != attempt {
            tracing::error!(
                shard = self.shard,
                block = self.block_number(),
                attempt,
                "the store noted this block's number and kept no rows, as after a crash: sending it under another"
            );
            self.shared.metrics.swallowed.inc();
        }
        self.attempt = attempt;
        let began = Instant::now();
        let answer = match self.shared.store.insert_block(&block.rows, attempt).await {
            Ok(()) => InsertAnswer::Accepted,
            Err(StoreError::TimedOut(_)) => InsertAnswer::Unknown,
            Err(StoreError::ClickHouse(clickhouse_error)) if is_answer(&clickhouse_error) => {
                tracing::error!(error = %clickhouse_error, shard = self.shard, "store refused a block");
                InsertAnswer::Refused
            }
            Err(error) => {
                tracing::warn!(%error, shard = self.shard, "insert did not end");
                InsertAnswer::Unknown
            }
        };
        self.last_insert_ms = began.elapsed().as_millis() as u64;
        self.shared.metrics.insert.observe(began.elapsed());
        answer
    }

    fn committed(&mut self, next_offset: u64) {
        let Some(block) = self.block.take() else { return };
        self.shared.metrics.records.add(block.rows.len() as u64);
        self.shared.seen.add(block.rows.iter().map(|row| row.event_id));
        self.shared.consumer.send(Command::Commit {
            shard: self.shard,
            offset: next_offset,
        });
        feed::publish(&self.shared.producer, &block.rows);
        self.tips = block.tips;
    }
}

fn tips_of(head: &ShardHead) -> Tips {
    Tips {
        chains: head
            .chains
            .iter()
            .map(|chain| (chain.tenant, (chain.size, chain.last_leaf_hash)))
            .collect(),
    }
}

/// Whether the store answered, as opposed to the connection breaking.
fn is_answer(error: &impl std::fmt::Display) -> bool {
    error.to_string().contains("DB::Exception")
}
