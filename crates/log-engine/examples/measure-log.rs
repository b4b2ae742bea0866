//! Measures the embedded broker through `rdkafka`: start, acknowledged produce rate, consume rate, a crash.
//!
//! `cargo run --release -p aal-log-engine --example measure-log` (build the package's binary in the same profile first)

use aal_child::Child;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::process::Command;

const TOPIC: &str = "measured";
const PARTITIONS: i32 = 4;

async fn start(binary: &Path, data: &Path) -> Result<(Child, ClientConfig), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let mut command = Command::new(binary);
    command.arg("--data").arg(data).arg("--follow-parent");
    let child = Child::start(command, Duration::from_secs(60)).await?;
    println!("start to ready: {} ms", started.elapsed().as_millis());
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", child.address().to_string());
    Ok((child, config))
}

async fn produce(
    config: &ClientConfig,
    count: u32,
    in_flight: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = config.clone();
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5");
    let producer: FutureProducer = config.create()?;
    let payload = vec![b'x'; 1024];
    let started = Instant::now();
    let mut waiting = std::collections::VecDeque::new();
    for n in 0..count {
        let record = FutureRecord::<(), _>::to(TOPIC)
            .payload(&payload)
            .partition((n % 4) as i32);
        waiting.push_back(producer.send_result(record).map_err(|(error, _)| error)?);
        if waiting.len() >= in_flight
            && let Some(delivery) = waiting.pop_front()
        {
            delivery.await?.map_err(|(error, _)| error)?;
        }
    }
    for delivery in waiting {
        delivery.await?.map_err(|(error, _)| error)?;
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    println!("{count} acknowledged records of 1 KiB, {in_flight} in flight: {rate:.0} a second");
    Ok(())
}

fn consume(config: &ClientConfig, count: u32, fetch_bytes: u32) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = config.clone();
    config
        .set("group.id", "measure")
        .set("fetch.message.max.bytes", fetch_bytes.to_string());
    let consumer: BaseConsumer = config.create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(TOPIC, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let started = Instant::now();
    let mut read = 0;
    while read < count {
        if let Some(message) = consumer.poll(Duration::from_secs(10)) {
            message?;
            read += 1;
        }
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    println!("{count} records consumed with fetches of {fetch_bytes} bytes: {rate:.0} a second");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u32 = std::env::args()
        .nth(1)
        .map_or(Ok(50_000), |count| count.parse())?;
    let example = std::env::current_exe()?;
    let target = example
        .parent()
        .and_then(Path::parent)
        .ok_or("no target directory")?;
    let binary = target.join("aal-log-engine");
    let data = tempfile::TempDir::new()?;
    let (child, config) = start(&binary, data.path()).await?;
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    let topic = NewTopic::new(TOPIC, PARTITIONS, TopicReplication::Fixed(1));
    for created in admin.create_topics([&topic], &AdminOptions::new()).await? {
        created.map_err(|(_, code)| format!("cannot create the topic: {code}"))?;
    }
    produce(&config, count / 50, 1).await?;
    produce(&config, count, 10_000).await?;
    let total = count + count / 50;
    for fetch_bytes in [1 << 20, 16 << 20] {
        let config = config.clone();
        tokio::task::spawn_blocking(move || consume(&config, total, fetch_bytes).map_err(|e| e.to_string()))
            .await??;
    }
    child.kill().await?;
    let (child, config) = start(&binary, data.path()).await?;
    tokio::task::spawn_blocking(move || consume(&config, total, 16 << 20).map_err(|e| e.to_string()))
        .await??;
    let started = Instant::now();
    child.terminate(Duration::from_secs(10)).await?;
    println!("stop: {} ms", started.elapsed().as_millis());
    Ok(())
}
