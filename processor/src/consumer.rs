//! The thread that polls Kafka. Shards talk to it by commands, it feeds them messages.
//!
//! A thread of its own because librdkafka's rebalance callbacks run where `poll` is called and must
//! never wait for the runtime. Offsets are positioned by seek only: the store decides where a shard
//! begins, never the group.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aal_kafka::{
    EVENTS, KafkaConfig,
    rdkafka::{
        ClientContext, Message as _, Offset, TopicPartitionList,
        consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance},
        error::{KafkaError, RDKafkaErrorCode},
    },
};
use tokio::sync::mpsc;

use crate::config::{Assignment, ProcessorConfig};

/// One message of a shard.
#[derive(Debug)]
pub struct Message {
    pub offset: u64,
    /// Kafka's time of the message, microseconds.
    pub at_us: i64,
    pub value: Vec<u8>,
}

/// What the consumer thread tells the runtime.
#[derive(Debug)]
pub enum Event {
    Assigned(u32),
    Revoked(u32),
    /// The thread ended for good.
    Failed(String),
}

/// What a shard asks of the consumer thread.
#[derive(Debug)]
pub enum Command {
    /// Begin at `offset` and send messages there from now on.
    Seek {
        shard: u32,
        offset: u64,
        messages: mpsc::Sender<Message>,
    },
    /// The shard's records below `offset` are stored.
    Commit {
        shard: u32,
        offset: u64,
    },
    /// The shard has dropped its state; a revocation may go on.
    Released {
        shard: u32,
    },
    Stop,
}

/// When the consumer last polled, readable by every shard.
#[derive(Clone, Debug)]
pub struct LastPoll {
    origin: Instant,
    at_ms: Arc<AtomicU64>,
}

impl LastPoll {
    fn new() -> LastPoll {
        LastPoll {
            origin: Instant::now(),
            at_ms: Arc::default(),
        }
    }

    fn touch(&self) {
        self.at_ms
            .store(self.origin.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// Milliseconds since the last poll.
    pub fn age_ms(&self) -> u64 {
        (self.origin.elapsed().as_millis() as u64).saturating_sub(self.at_ms.load(Ordering::Relaxed))
    }
}

const METADATA_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(2);

struct Context {
    events: mpsc::UnboundedSender<Event>,
    released: std::sync::Mutex<std::sync::mpsc::Receiver<u32>>,
    longest_release: Duration,
}

impl ClientContext for Context {}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(partitions) = rebalance else {
            return;
        };
        let mut waiting: Vec<u32> = Vec::new();
        for element in partitions.elements() {
            let shard = element.partition() as u32;
            if self.events.send(Event::Revoked(shard)).is_ok() {
                waiting.push(shard);
            }
        }
        // The insert in flight must end before another processor owns the shard; bounded, because
        // the group waits for us and the compare-and-set protects what the bound does not.
        let deadline = Instant::now() + self.longest_release;
        let Ok(released) = self.released.lock() else {
            return;
        };
        while !waiting.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            match released.recv_timeout(left) {
                Ok(shard) => waiting.retain(|candidate| *candidate != shard),
                Err(_) => {
                    tracing::warn!(shards = ?waiting, "shards were not released in time");
                    return;
                }
            }
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            for element in partitions.elements() {
                let _ = self.events.send(Event::Assigned(element.partition() as u32));
            }
        }
    }
}

struct Feed {
    messages: mpsc::Sender<Message>,
    /// A message that did not fit; while there is one the partition is paused.
    waiting: Option<Message>,
}

/// The handle that shards hold.
#[derive(Clone, Debug)]
pub struct ConsumerHandle {
    commands: std::sync::mpsc::Sender<Command>,
    released: std::sync::mpsc::Sender<u32>,
    pub last_poll: LastPoll,
}

impl ConsumerHandle {
    /// Sends a command; the thread takes it at its next turn.
    pub fn send(&self, command: Command) {
        if let Command::Released { shard } = command {
            let _ = self.released.send(shard);
        }
        let _ = self.commands.send(command);
    }
}

/// Starts the thread.
pub fn start(
    config: &KafkaConfig,
    processor: &ProcessorConfig,
) -> Result<
    (
        ConsumerHandle,
        mpsc::UnboundedReceiver<Event>,
        std::thread::JoinHandle<()>,
    ),
    KafkaError,
> {
    let session_timeout_ms = processor.session_timeout_ms;
    let (event_sender, event_receiver) = mpsc::unbounded_channel();
    let (command_sender, command_receiver) = std::sync::mpsc::channel();
    let (released_sender, released_receiver) = std::sync::mpsc::channel();
    let context = Context {
        events: event_sender.clone(),
        released: std::sync::Mutex::new(released_receiver),
        longest_release: Duration::from_millis(session_timeout_ms / 2),
    };
    let mut client = config.client("aal-processor");
    client
        .set("group.id", &processor.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("session.timeout.ms", session_timeout_ms.to_string())
        .set("partition.assignment.strategy", "range")
        .set("fetch.wait.max.ms", "50")
        // Above the largest record a producer may send: some brokers never deliver a larger one than this.
        .set("fetch.message.max.bytes", "34603008")
        .set("fetch.max.bytes", "67108864")
        .set("receive.message.max.bytes", "100000000")
        .set("queued.max.messages.kbytes", "65536");
    let consumer: BaseConsumer<Context> = client.create_with_context(context)?;
    match processor.assignment {
        Assignment::Group => consumer.subscribe(&[EVENTS])?,
        Assignment::All => {
            let all = assign_all(&consumer)?;
            for shard in all {
                let _ = event_sender.send(Event::Assigned(shard));
            }
        }
    }
    let last_poll = LastPoll::new();
    let handle = ConsumerHandle {
        commands: command_sender,
        released: released_sender,
        last_poll: last_poll.clone(),
    };
    let thread = std::thread::Builder::new()
        .name("kafka-consumer".to_owned())
        .spawn(move || {
            let mut turner = Turner {
                consumer,
                feeds: HashMap::new(),
                last_poll,
            };
            if let Err(error) = turner.run(&command_receiver) {
                let _ = event_sender.send(Event::Failed(error.to_string()));
            }
        });
    match thread {
        Ok(thread) => Ok((handle, event_receiver, thread)),
        Err(error) => Err(KafkaError::ClientCreation(format!("no thread: {error}"))),
    }
}

/// Takes every partition, paused until its shard has read the store and seeks.
fn assign_all(consumer: &BaseConsumer<Context>) -> Result<Vec<u32>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(EVENTS), METADATA_TIMEOUT)?;
    let mut list = TopicPartitionList::new();
    let mut shards = Vec::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        list.add_partition_offset(EVENTS, partition.id(), Offset::Beginning)?;
        shards.push(partition.id() as u32);
    }
    consumer.assign(&list)?;
    consumer.pause(&list)?;
    Ok(shards)
}

struct Turner {
    consumer: BaseConsumer<Context>,
    feeds: HashMap<u32, Feed>,
    last_poll: LastPoll,
}

impl Turner {
    fn run(&mut self, commands: &std::sync::mpsc::Receiver<Command>) -> Result<(), KafkaError> {
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
                    let shard = message.partition() as u32;
                    let at_us = message.timestamp().to_millis().unwrap_or(0) * 1000;
                    let value = message.payload().unwrap_or_default().to_vec();
                    (
                        shard,
                        Message {
                            offset: message.offset() as u64,
                            at_us,
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
                let partition = shard as i32;
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
                let added = list.add_partition_offset(EVENTS, shard as i32, Offset::Offset(offset as i64));
                if let Err(error) = added.and_then(|()| self.consumer.commit(&list, CommitMode::Async)) {
                    tracing::debug!(%error, shard, "offset gauge not committed");
                }
            }
            Command::Released { shard } => {
                self.feeds.remove(&shard);
            }
            Command::Stop => {}
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
                self.pause(shard as i32);
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
            let partition = shard as i32;
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
