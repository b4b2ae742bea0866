//! The thread that polls Kafka. Shards talk to it by commands, it feeds them messages.
//!
//! A thread of its own because librdkafka's rebalance callbacks run where `poll` is called and must
//! never wait for the runtime. Offsets are positioned by seek only: the store decides where a shard
//! begins, never the group.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aal_kafka::{
    EVENTS, KafkaConfig,
    rdkafka::{
        ClientContext, Offset, TopicPartitionList,
        consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance},
        error::KafkaError,
    },
};
use tokio::sync::mpsc;

use crate::{
    config::{Assignment, ProcessorConfig},
    shards::Shards,
};

mod turner;
use turner::Turner;

/// One message of a shard.
#[derive(Debug)]
pub struct Message {
    pub offset: u64,
    /// Kafka's time of the message, microseconds.
    pub at_us: i64,
    pub key: Option<Vec<u8>>,
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
    /// The topic has new partitions: take these shards too. For a processor that takes every shard.
    Extend {
        shards: Vec<u32>,
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

struct Context {
    shards: Shards,
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
            let shard = self.shards.shard_of(element.partition());
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
                let _ = self
                    .events
                    .send(Event::Assigned(self.shards.shard_of(element.partition())));
            }
        }
    }
}

/// The handle that shards hold.
#[derive(Clone, Debug)]
pub struct ConsumerHandle {
    commands: std::sync::mpsc::Sender<Command>,
    released: std::sync::mpsc::Sender<u32>,
    events: mpsc::UnboundedSender<Event>,
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

    /// Takes shards of new partitions, in a processor that takes every shard.
    pub fn extend(&self, shards: Vec<u32>) {
        self.send(Command::Extend {
            shards: shards.clone(),
        });
        for shard in shards {
            let _ = self.events.send(Event::Assigned(shard));
        }
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
    let shards = Shards::new(processor.first_shard);
    let context = Context {
        shards,
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
        // New partitions are noticed by the group as soon as by the watch on them.
        .set(
            "topic.metadata.refresh.interval.ms",
            processor.partition_poll_ms.to_string(),
        )
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
            let all = assign_all(&consumer, shards)?;
            for shard in all {
                let _ = event_sender.send(Event::Assigned(shard));
            }
        }
    }
    let last_poll = LastPoll::new();
    let handle = ConsumerHandle {
        commands: command_sender,
        released: released_sender,
        events: event_sender.clone(),
        last_poll: last_poll.clone(),
    };
    let thread = std::thread::Builder::new()
        .name("kafka-consumer".to_owned())
        .spawn(move || {
            let mut turner = Turner::new(consumer, shards, last_poll);
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
fn assign_all(consumer: &BaseConsumer<Context>, shards_of: Shards) -> Result<Vec<u32>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(EVENTS), METADATA_TIMEOUT)?;
    let mut list = TopicPartitionList::new();
    let mut shards = Vec::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        list.add_partition_offset(EVENTS, partition.id(), Offset::Beginning)?;
        shards.push(shards_of.shard_of(partition.id()));
    }
    consumer.assign(&list)?;
    consumer.pause(&list)?;
    Ok(shards)
}
