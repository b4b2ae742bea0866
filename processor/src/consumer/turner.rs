//! The consumer thread at work.

use std::{collections::HashMap, time::Duration};

use aal_kafka::{
    EVENTS,
    rdkafka::{
        Message as _, Offset, TopicPartitionList,
        consumer::{BaseConsumer, CommitMode, Consumer},
        error::{KafkaError, RDKafkaErrorCode},
    },
};
use tokio::sync::mpsc;

use super::{Command, Context, LastPoll, Message};
use crate::shards::Shards;

const POLL: Duration = Duration::from_millis(20);
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(2);

struct Feed {
    messages: mpsc::Sender<Message>,
    /// A message that did not fit; while there is one the partition is paused.
    waiting: Option<Message>,
}

/// Polls, and does what shards ask between polls.
pub(super) struct Turner {
    consumer: BaseConsumer<Context>,
    shards: Shards,
    feeds: HashMap<u32, Feed>,
    last_poll: LastPoll,
}

impl Turner {
    pub(super) fn new(consumer: BaseConsumer<Context>, shards: Shards, last_poll: LastPoll) -> Turner {
        Turner {
            consumer,
            shards,
            feeds: HashMap::new(),
            last_poll,
        }
    }

    /// Runs until it is stopped.
    pub(super) fn run(&mut self, commands: &std::sync::mpsc::Receiver<Command>) -> Result<(), KafkaError> {
        loop {
            while let Ok(command) = commands.try_recv() {
                if matches!(command, Command::Stop) {
                    self.consumer.unsubscribe();
                    return Ok(());
                }
                self.take(command);
            }
            let waiting = self.offer_waiting();
            let timeout = if waiting { QUEUE_FULL_PAUSE } else { POLL };
            self.last_poll.touch();
            let polled = match self.consumer.poll(timeout) {
                None => continue,
                Some(Ok(message)) => {
                    let shard = self.shards.shard_of(message.partition());
                    let at_us = message.timestamp().to_millis().unwrap_or(0) * 1000;
                    let key = message.key().map(<[u8]>::to_vec);
                    let value = message.payload().unwrap_or_default().to_vec();
                    (
                        shard,
                        Message {
                            offset: message.offset() as u64,
                            at_us,
                            key,
                            value,
                        },
                    )
                }
                Some(Err(error)) => {
                    if is_fatal(&error) {
                        return Err(error);
                    }
                    tracing::warn!(%error, "kafka consumer");
                    continue;
                }
            };
            let (shard, message) = polled;
            self.deliver(shard, message);
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Seek {
                shard,
                offset,
                messages,
            } => {
                let partition = self.shards.partition_of(shard);
                // A partition that waits for its seek has no feed: whatever is still in librdkafka's queue is dropped.
                match self.consumer.seek(
                    EVENTS,
                    partition,
                    Offset::Offset(offset as i64),
                    Duration::from_secs(10),
                ) {
                    Ok(()) => {
                        self.feeds.insert(
                            shard,
                            Feed {
                                messages,
                                waiting: None,
                            },
                        );
                        self.resume(partition);
                    }
                    // The shard sees its feed close and reads the head again.
                    Err(error) => tracing::warn!(%error, shard, offset, "kafka did not seek"),
                }
            }
            Command::Commit { shard, offset } => {
                let mut list = TopicPartitionList::new();
                let partition = self.shards.partition_of(shard);
                let added = list.add_partition_offset(EVENTS, partition, Offset::Offset(offset as i64));
                if let Err(error) = added.and_then(|()| self.consumer.commit(&list, CommitMode::Async)) {
                    tracing::debug!(%error, shard, "offset gauge not committed");
                }
            }
            Command::Released { shard } => {
                self.feeds.remove(&shard);
            }
            Command::Extend { shards } => self.extend(&shards),
            Command::Stop => {}
        }
    }

    /// Takes partitions over, paused until their shards have read the store and seek.
    fn extend(&mut self, shards: &[u32]) {
        let mut list = TopicPartitionList::new();
        for shard in shards {
            let partition = self.shards.partition_of(*shard);
            if let Err(error) = list.add_partition_offset(EVENTS, partition, Offset::Beginning) {
                tracing::error!(%error, shard, "a new partition cannot be taken");
            }
        }
        let taken = self
            .consumer
            .incremental_assign(&list)
            .and_then(|()| self.consumer.pause(&list));
        match taken {
            Ok(()) => tracing::info!(?shards, "took the topic's new partitions"),
            Err(error) => tracing::error!(%error, ?shards, "the topic's new partitions cannot be taken"),
        }
    }

    fn deliver(&mut self, shard: u32, message: Message) {
        let Some(feed) = self.feeds.get_mut(&shard) else {
            return;
        };
        if feed.waiting.is_some() {
            // Paused partitions may still yield what was queued before; the seek when resumed fetches it again.
            return;
        }
        match feed.messages.try_send(message) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(message)) => {
                feed.waiting = Some(message);
                self.pause(self.shards.partition_of(shard));
            }
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.feeds.remove(&shard);
            }
        }
    }

    /// Offers what did not fit; says whether anything still waits.
    fn offer_waiting(&mut self) -> bool {
        let mut freed = Vec::new();
        for (shard, feed) in &mut self.feeds {
            let Some(message) = feed.waiting.take() else {
                continue;
            };
            let next_offset = message.offset + 1;
            match feed.messages.try_send(message) {
                Ok(()) => freed.push((*shard, next_offset)),
                Err(mpsc::error::TrySendError::Full(message)) => feed.waiting = Some(message),
                Err(mpsc::error::TrySendError::Closed(_)) => {}
            }
        }
        for (shard, next_offset) in freed {
            let partition = self.shards.partition_of(shard);
            let offset = Offset::Offset(next_offset as i64);
            if let Err(error) = self
                .consumer
                .seek(EVENTS, partition, offset, Duration::from_secs(10))
            {
                tracing::warn!(%error, shard, "kafka did not seek after a pause");
                self.feeds.remove(&shard);
                continue;
            }
            self.resume(partition);
        }
        self.feeds.values().any(|feed| feed.waiting.is_some())
    }

    fn pause(&self, partition: i32) {
        let list = partition_list(partition);
        if let Err(error) = self.consumer.pause(&list) {
            tracing::warn!(%error, partition, "kafka did not pause");
        }
    }

    fn resume(&self, partition: i32) {
        let list = partition_list(partition);
        if let Err(error) = self.consumer.resume(&list) {
            tracing::warn!(%error, partition, "kafka did not resume");
        }
    }
}

fn partition_list(partition: i32) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition(EVENTS, partition);
    list
}

fn is_fatal(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal)
}
