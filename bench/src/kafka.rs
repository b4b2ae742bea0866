//! Raw Kafka: the same bytes, the same producer, a topic that nobody reads.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use aal_kafka::{
    KafkaConfig, Producer,
    rdkafka::{
        admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
        client::DefaultClientContext,
    },
};

use crate::{
    Failure,
    inputs::{self, Message, Sizes},
    percentiles::ROUNDS,
    report::{Limit, Report},
    running::{Running, seed},
};

const TOPIC: &str = "bench.raw";
/// Records that may wait for their acknowledgement at one time.
const WINDOW: usize = 5_000;

/// Measures acknowledged records per second, which every later stage is held against.
pub(crate) async fn measure(running: &Running, sizes: Sizes, report: &mut Report) -> Result<Limit, Failure> {
    let messages = inputs::messages(
        &inputs::events(seed::RAW, sizes.events),
        running.tenant,
        &running.receipt,
    )?;
    create_topic(&running.kafka, TOPIC).await?;
    let mut fastest = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        produce(&running.producer, TOPIC, &messages).await?;
        fastest = fastest.min(began.elapsed());
    }
    let rate = messages.len() as f64 / fastest.as_secs_f64();
    let bytes: usize = messages.iter().map(|message| message.value.len()).sum();
    report.raw("raw Kafka produce, acks=all, same Avro bytes", rate, "records/s");
    report.note(format!(
        "an event is {} bytes of Avro on average",
        bytes / messages.len().max(1)
    ));
    Ok(Limit::new("raw Kafka, records/s", rate))
}

/// Makes a topic like that of the events.
pub(crate) async fn create_topic(kafka: &KafkaConfig, name: &str) -> Result<(), Failure> {
    let admin: AdminClient<DefaultClientContext> = kafka.client("bench-admin").create()?;
    let topic = NewTopic::new(name, kafka.partitions, TopicReplication::Fixed(kafka.replication));
    for made in admin.create_topics([&topic], &AdminOptions::new()).await? {
        made.map_err(|(name, code)| format!("the topic {name} was not made: {code}"))?;
    }
    Ok(())
}

/// Produces all messages in order and waits for every acknowledgement.
pub(crate) async fn produce(producer: &Producer, topic: &str, messages: &[Message]) -> Result<(), Failure> {
    let mut under_way = VecDeque::with_capacity(WINDOW);
    for message in messages {
        under_way.push_back(producer.queue(topic, message.key.as_bytes(), &message.value)?);
        if under_way.len() > WINDOW
            && let Some(first) = under_way.pop_front()
        {
            first.acknowledged().await?;
        }
    }
    for pending in under_way {
        pending.acknowledged().await?;
    }
    Ok(())
}
