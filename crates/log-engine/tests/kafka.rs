//! The broker as `rdkafka` sees it: what was acknowledged stays, in order, through `kill -9`.

mod common;

use common::{PARTITIONS, TOPIC, admin, command, consumer, create_topic, next, offsets, producer, start};
use rdkafka::admin::{AdminOptions, ResourceSpecifier};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, VecDeque};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const QUEUE: Duration = Duration::from_secs(30);

/// Numbers `from..to`, each to partition `n % 4`. Returns when all are acknowledged.
async fn produce(child: &aal_child::Child, from: u32, to: u32) {
    let producer = producer(child);
    let mut waiting = Vec::new();
    for n in from..to {
        let (key, value) = (n.to_string(), format!("value {n}"));
        let record = FutureRecord::to(TOPIC)
            .key(&key)
            .payload(&value)
            .partition((n % PARTITIONS as u32) as i32);
        waiting.push(producer.send_result(record).map_err(|(error, _)| error).unwrap());
    }
    for delivery in waiting {
        delivery.await.unwrap().unwrap();
    }
}

fn assign_all(consumer: &rdkafka::consumer::BaseConsumer, offset: Offset) {
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(TOPIC, partition, offset).unwrap();
    }
    consumer.assign(&list).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_records_survive_kill_9_in_order() {
    const COUNT: u32 = 5_000;
    let data = TempDir::new().unwrap();
    let child = start(data.path()).await.unwrap();
    create_topic(&child, &[]).await;
    produce(&child, 0, COUNT / 2).await;
    child.kill().await.unwrap();
    let child = start(data.path()).await.unwrap();
    produce(&child, COUNT / 2, COUNT).await;
    child.kill().await.unwrap();

    let child = start(data.path()).await.unwrap();
    let consumer = consumer(&child, "readers");
    let expected: BTreeMap<i32, (i64, i64)> =
        (0..PARTITIONS).map(|p| (p, (0, i64::from(COUNT) / 4))).collect();
    assert_eq!(offsets(&consumer), expected);
    assign_all(&consumer, Offset::Beginning);
    let mut read: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for _ in 0..COUNT {
        let message = next(&consumer);
        let numbers = read.entry(message.partition()).or_default();
        assert_eq!(message.offset(), numbers.len() as i64);
        let value = message.payload_view::<str>().unwrap().unwrap();
        numbers.push(value.strip_prefix("value ").unwrap().parse().unwrap());
    }
    for partition in 0..PARTITIONS {
        let expected: Vec<u32> = (0..COUNT).filter(|n| (n % 4) as i32 == partition).collect();
        assert_eq!(read[&partition], expected);
    }
}

/// The edge's own producer lives on: what it had in flight is neither lost, nor doubled, nor out of order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_carries_on_through_a_crash() {
    const COUNT: u32 = 4_000;
    let data = TempDir::new().unwrap();
    let child = start(data.path()).await.unwrap();
    let address = child.address();
    create_topic(&child, &[]).await;
    let sending = producer(&child);
    let (halfway, crash) = tokio::sync::oneshot::channel();
    let sender = tokio::spawn(async move {
        let mut halfway = Some(halfway);
        let mut waiting = VecDeque::new();
        for n in 0..COUNT {
            let value = n.to_string();
            let record = FutureRecord::<(), _>::to(TOPIC).payload(&value).partition(0);
            waiting.push_back(sending.send_result(record).map_err(|(error, _)| error).unwrap());
            if waiting.len() == 200 {
                waiting.pop_front().unwrap().await.unwrap().unwrap();
            }
            if n == COUNT / 2 {
                halfway.take().unwrap().send(()).unwrap();
            }
        }
        for delivery in waiting {
            delivery.await.unwrap().unwrap();
        }
    });
    crash.await.unwrap();
    child.kill().await.unwrap();
    // Clients know the broker by its address: a successor takes the same one.
    let mut command = command(data.path());
    command.arg("--listen").arg(address.to_string());
    let child = aal_child::Child::start(command, common::START_TIMEOUT)
        .await
        .unwrap();
    sender.await.unwrap();

    let consumer = consumer(&child, "readers");
    assert_eq!(offsets(&consumer)[&0], (0, i64::from(COUNT)));
    assign_all(&consumer, Offset::Beginning);
    for n in 0..COUNT {
        assert_eq!(
            next(&consumer).payload_view::<str>().unwrap().unwrap(),
            n.to_string()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_shares_partitions_and_resumes_where_it_committed() {
    let data = TempDir::new().unwrap();
    let child = start(data.path()).await.unwrap();
    create_topic(&child, &[]).await;
    produce(&child, 0, 400).await;

    let first = consumer(&child, "group");
    first.subscribe(&[TOPIC]).unwrap();
    let mut seen = 0;
    while seen < 400 {
        next(&first);
        seen += 1;
    }
    first.commit_consumer_state(CommitMode::Sync).unwrap();

    let second = consumer(&child, "group");
    second.subscribe(&[TOPIC]).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let held = |consumer: &rdkafka::consumer::BaseConsumer| consumer.assignment().unwrap().count();
    while (held(&first), held(&second)) != (2, 2) {
        assert!(
            Instant::now() < deadline,
            "{} and {}",
            held(&first),
            held(&second)
        );
        first.poll(Duration::from_millis(50));
        second.poll(Duration::from_millis(50));
    }
    drop((first, second));

    produce(&child, 400, 404).await;
    let third = consumer(&child, "group");
    third.subscribe(&[TOPIC]).unwrap();
    let mut rest: Vec<String> = (0..4)
        .map(|_| next(&third).payload_view::<str>().unwrap().unwrap().to_owned())
        .collect();
    rest.sort();
    assert_eq!(rest, ["value 400", "value 401", "value 402", "value 403"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_headers_and_large_values_come_back() {
    let data = TempDir::new().unwrap();
    let child = start(data.path()).await.unwrap();
    create_topic(&child, &[]).await;
    let large: Vec<u8> = (0..5_000_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let headers = OwnedHeaders::new().insert(Header {
        key: "edge",
        value: Some(&b"\x00\xff"[..]),
    });
    let producer = producer(&child);
    let record = FutureRecord::to(TOPIC)
        .key(&b"k\x00"[..])
        .payload(&large)
        .headers(headers)
        .partition(1);
    let delivery = producer
        .send(record, QUEUE)
        .await
        .map_err(|(error, _)| error)
        .unwrap();
    assert_eq!((delivery.partition, delivery.offset), (1, 0));
    let small = FutureRecord::to(TOPIC).key("").payload("after").partition(1);
    producer
        .send(small, QUEUE)
        .await
        .map_err(|(error, _)| error)
        .unwrap();

    let consumer = consumer(&child, "readers");
    assign_all(&consumer, Offset::Beginning);
    let message = next(&consumer);
    assert_eq!(message.key(), Some(&b"k\x00"[..]));
    assert!(message.payload() == Some(&large[..]));
    let header = message.headers().unwrap().get(0);
    assert_eq!((header.key, header.value), ("edge", Some(&b"\x00\xff"[..])));
    assert_eq!(next(&consumer).payload(), Some(&b"after"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_records_go_and_offsets_stay() {
    let data = TempDir::new().unwrap();
    let mut command = command(data.path());
    command.args(["--maintenance-interval-ms", "200"]);
    let child = aal_child::Child::start(command, common::START_TIMEOUT)
        .await
        .unwrap();
    create_topic(
        &child,
        &[("cleanup.policy", "delete"), ("retention.ms", "3600000")],
    )
    .await;
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let producer = producer(&child);
    for (n, age_ms) in [(0, 7_200_000), (1, 7_200_000), (2, 0)] {
        let value = format!("value {n}");
        let record = FutureRecord::to(TOPIC)
            .key("k")
            .payload(&value)
            .partition(0)
            .timestamp(now_ms - age_ms);
        producer
            .send(record, QUEUE)
            .await
            .map_err(|(error, _)| error)
            .unwrap();
    }
    let consumer = consumer(&child, "readers");
    let deadline = Instant::now() + Duration::from_secs(30);
    while offsets(&consumer)[&0] != (2, 3) {
        assert!(Instant::now() < deadline, "{:?}", offsets(&consumer)[&0]);
    }
    // From the very beginning: no error, the first record that is left.
    assign_all(&consumer, Offset::Offset(0));
    let message = next(&consumer);
    assert_eq!((message.offset(), message.payload()), (2, Some(&b"value 2"[..])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_knows_its_configuration() {
    let data = TempDir::new().unwrap();
    let child = start(data.path()).await.unwrap();
    create_topic(
        &child,
        &[("cleanup.policy", "delete"), ("retention.ms", "86400000")],
    )
    .await;
    let topic = [ResourceSpecifier::Topic(TOPIC)];
    let described = admin(&child)
        .describe_configs(&topic, &AdminOptions::new())
        .await
        .unwrap();
    let resource = described.into_iter().next().unwrap().unwrap();
    assert_eq!(
        resource.get("retention.ms").unwrap().value.as_deref(),
        Some("86400000")
    );
    let metadata = consumer(&child, "m").fetch_metadata(Some(TOPIC), QUEUE).unwrap();
    assert_eq!(metadata.topics()[0].partitions().len(), PARTITIONS as usize);
}

#[tokio::test]
async fn asked_to_stop_it_ends_at_once_with_clients_connected() {
    let data = TempDir::new().unwrap();
    let child = start(data.path()).await.unwrap();
    create_topic(&child, &[]).await;
    let consumer = consumer(&child, "readers");
    offsets(&consumer);
    let asked = Instant::now();
    let status = child.terminate(Duration::from_secs(20)).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_second_broker_on_a_directory_is_refused() {
    let data = TempDir::new().unwrap();
    let _first = start(data.path()).await.unwrap();
    let second = command(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .await
        .unwrap();
    assert!(!second.status.success() && second.stdout.is_empty());
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains("is in use by another log engine"), "{message}");
}
