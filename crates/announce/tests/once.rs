//! Nothing is told twice: not before the ledger holds it (a crash in between), and not after.

use aal_announce::{Change, Incident, Incidents, Shard, Teller};
use aal_event::{Event, Kind};
use aal_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use aal_kafka::rdkafka::mocking::MockCluster;
use aal_kafka::rdkafka::producer::DefaultProducerContext;
use aal_kafka::rdkafka::{Message, Offset, TopicPartitionList};
use aal_kafka::{EVENTS, KafkaConfig, Producer};
use aal_record::{Pipeline, Place, SubjectKey, draft_event};
use aal_seal::{DATA_KEY_LEN, DataKey, IndexKey, KeyRef};
use aal_service::{Metrics, Shutdown};
use aal_store::{RecordRow, Store, StoreConfig};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const PARTITIONS: i32 = 3;
const PATIENCE: Duration = Duration::from_secs(30);

/// The engine of this process: it holds only one, so all parts are one test with a database each.
struct Engine {
    url: String,
    shutdown: Shutdown,
    _dir: tempfile::TempDir,
}

struct Rig {
    cluster: MockCluster<'static, DefaultProducerContext>,
    store: Store,
    /// Rows stored: index and hash of the last leaf.
    tip: (u64, [u8; 32]),
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

async fn engine() -> Option<Engine> {
    let Ok(library) = aal_olap_engine::default_library_path() else {
        eprintln!("skipped: no engine library; run scripts/fetch-engine.sh");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    let config = aal_olap_engine::Config::new(library, dir.path().join("store"));
    let server = aal_olap_engine::Server::bind(config).await.unwrap();
    let url = format!("http://{}/", server.address());
    let shutdown = Shutdown::new();
    let stop = shutdown.clone();
    tokio::spawn(server.serve(async move { stop.requested().await }));
    Some(Engine {
        url,
        shutdown,
        _dir: dir,
    })
}

async fn rig(engine: &Engine, database: &str) -> Rig {
    let config: StoreConfig =
        serde_json::from_value(json!({"url": engine.url, "database": database})).unwrap();
    let store = Store::new(&config);
    store.migrate().await.unwrap();
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(EVENTS, PARTITIONS, 1).unwrap();
    Rig {
        cluster,
        store,
        tip: (0, [0; 32]),
    }
}

impl Rig {
    /// A service as it starts.
    fn teller(&self, component: &'static str) -> Teller {
        let kafka = KafkaConfig::new(self.cluster.bootstrap_servers());
        let producer = Producer::new(&kafka, "test", PATIENCE).unwrap();
        Teller::new(producer, self.store.clone(), component)
    }

    /// What is on the topic, with its partition.
    fn messages(&self) -> Vec<(i32, Event)> {
        let kafka = KafkaConfig::new(self.cluster.bootstrap_servers());
        let consumer: BaseConsumer = kafka.client("test").set("group.id", "test").create().unwrap();
        let mut partitions = TopicPartitionList::new();
        let mut left = 0;
        for partition in 0..PARTITIONS {
            partitions
                .add_partition_offset(EVENTS, partition, Offset::Beginning)
                .unwrap();
            left += consumer.fetch_watermarks(EVENTS, partition, PATIENCE).unwrap().1;
        }
        consumer.assign(&partitions).unwrap();
        let mut events = Vec::new();
        for _ in 0..left {
            let message = consumer
                .poll(PATIENCE)
                .expect("a message within the time")
                .unwrap();
            events.push((
                message.partition(),
                aal_event::decode(message.payload().unwrap()).unwrap(),
            ));
        }
        events
    }

    /// Records events as a processor would.
    async fn consume(&mut self, events: &[Event]) {
        let key = SubjectKey {
            key: KeyRef {
                subject_key_id: Uuid::from_u128(5),
                version: 1,
            },
            data_key: DataKey::from_bytes([9; DATA_KEY_LEN]),
        };
        let index_key = IndexKey::new("test", &[7; 32]);
        let pipeline = Pipeline::builtin();
        let block = self.tip.0;
        let mut rows = Vec::new();
        for (row, event) in events.iter().enumerate() {
            let at_us = 1_790_000_000_000_000 + self.tip.0 as i64;
            let place = Place {
                shard: 0,
                partition: 0,
                block,
                block_row: row as u32,
                block_month: 202_609,
                offset: self.tip.0,
                chain_index: self.tip.0,
                prev_leaf_hash: self.tip.1,
            };
            let draft = draft_event(&pipeline, event, &index_key, &key, &key, at_us);
            let record = draft.place([3; 32], place).unwrap();
            self.tip = (self.tip.0 + 1, record.leaf_hash);
            rows.push(RecordRow::project(record).unwrap());
        }
        self.store.insert_block(&rows, 0).await.unwrap();
    }
}

fn change(digest: u8, partitions: u32) -> Change<'static> {
    let facts = json!({"partitions": partitions});
    Change {
        kind: Kind::ConfigChange,
        component: "events-topic",
        digest: [digest; 32],
        facts: facts.as_object().cloned().unwrap_or_default(),
    }
}

fn detail(event: &Event) -> Value {
    Value::Object(aal_event::detail(event))
}

fn incident(index: u64) -> Incident {
    Incident {
        code: "record_mismatch",
        about: json!({"shard": 1, "index": index})
            .as_object()
            .cloned()
            .unwrap_or_default(),
        reason: "column model differs".to_owned(),
    }
}

async fn a_change_is_told_under_one_id_until_the_ledger_holds_it_and_then_no_more(mut rig: Rig) {
    assert!(rig.teller("processor").changed(change(1, 2)).await.unwrap());
    // Killed before anybody consumed it; another processor starts at the same time.
    assert!(rig.teller("processor").changed(change(1, 2)).await.unwrap());
    let told = rig.messages();
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[0], told[1],
        "the same bytes in the same partition, so a duplicate and no conflict"
    );
    let first = told[0].1.clone();
    assert_eq!(detail(&first)["old_digest"], "00".repeat(32));
    rig.consume(&[first]).await;
    assert!(!rig.teller("processor").changed(change(1, 2)).await.unwrap());

    // There and back again are three changes, each under its own id.
    let mut ids = std::collections::BTreeSet::new();
    for (number, partitions) in [(2, 4), (1, 2), (2, 4)] {
        assert!(
            rig.teller("processor")
                .changed(change(number, partitions))
                .await
                .unwrap()
        );
        let event = rig
            .messages()
            .into_iter()
            .map(|(_, event)| event)
            .find(|event| !ids.contains(&event.event_id) && detail(event)["old_digest"] != "00".repeat(32))
            .unwrap();
        assert_eq!(detail(&event)["new_partitions"], json!(partitions));
        assert_eq!(detail(&event)["old_partitions"], json!(6 - partitions));
        ids.insert(event.event_id);
        rig.consume(&[event]).await;
    }
    assert_eq!(ids.len(), 3);
    assert_eq!(rig.messages().len(), 5);
}

async fn an_incident_has_one_beginning_and_one_end_whoever_dies_in_between(mut rig: Rig) {
    let load = |rig: &Rig| {
        let teller = rig.teller("readback");
        async move { Incidents::load(teller, &Metrics::default()).await.unwrap() }
    };
    let mut incidents = load(&rig).await;
    for _ in 0..3 {
        incidents.begin(incident(4)).await.unwrap();
    }
    // Killed before it was consumed: told again with the same bytes.
    let mut incidents = load(&rig).await;
    incidents.begin(incident(4)).await.unwrap();
    let told = rig.messages();
    assert_eq!((told.len(), &told[0]), (2, &told[1]));
    rig.consume(&[told[0].1.clone()]).await;

    // Killed after: it stands, and is not told again.
    let mut incidents = load(&rig).await;
    assert_eq!(incidents.standing(), 1);
    incidents.begin(incident(4)).await.unwrap();
    assert_eq!(rig.messages().len(), 2);
    incidents
        .settle(&["record_mismatch"], vec![incident(9)])
        .await
        .unwrap();
    let told: Vec<Event> = rig.messages().into_iter().map(|(_, event)| event).collect();
    let actions: Vec<String> = told
        .iter()
        .map(|event| event.access.clone().unwrap().action)
        .collect();
    assert_eq!(actions, ["begin", "begin", "begin", "end"]);
    assert_eq!(detail(&told[3])["index"], json!(4));
    rig.consume(&told[2..]).await;
    let incidents = load(&rig).await;
    assert_eq!(incidents.standing(), 1);
    assert!(incidents.is_open(&incident(9).subject()) && !incidents.is_open(&incident(4).subject()));

    // The same thing going wrong once more is a new incident.
    let mut incidents = incidents;
    incidents.begin(incident(4)).await.unwrap();
    let again = rig.messages().pop().unwrap().1;
    assert_ne!(again.event_id, told[0].event_id);
}

async fn a_flood_of_incidents_is_counted_and_told_up_to_a_bound(rig: Rig) {
    let metrics = Metrics::default();
    let mut incidents = Incidents::load(rig.teller("readback"), &metrics).await.unwrap();
    let flood = aal_announce::MAX_OPEN as u64 + 50;
    for index in 0..flood {
        incidents.begin(incident(index)).await.unwrap();
    }
    assert_eq!(incidents.standing() as u64, flood);
    assert_eq!(rig.messages().len(), aal_announce::MAX_OPEN);
    let rendered = metrics.render();
    assert!(
        rendered.contains("aal_incidents_open{component=\"readback\"} 150"),
        "{rendered}"
    );
}

async fn what_concerns_a_shard_goes_into_its_own_partition(rig: Rig) {
    let teller = rig.teller("processor");
    for partition in [2, 0] {
        let shard = Shard {
            number: partition as u32 + 10,
            partition,
        };
        teller.shard_open(shard).await.unwrap();
        teller.shard_open(shard).await.unwrap();
        teller.heartbeat("idle", Some(shard)).await.unwrap();
    }
    for (partition, event) in rig.messages() {
        assert_eq!(detail(&event)["shard"], json!(partition + 10), "{event:?}");
    }
    let ids: std::collections::BTreeSet<Uuid> =
        rig.messages().iter().map(|(_, event)| event.event_id).collect();
    assert_eq!(ids.len(), 4, "a shard opens once, a heart beats each time");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_twice() {
    let Some(engine) = engine().await else { return };
    a_change_is_told_under_one_id_until_the_ledger_holds_it_and_then_no_more(rig(&engine, "part_0").await)
        .await;
    an_incident_has_one_beginning_and_one_end_whoever_dies_in_between(rig(&engine, "part_1").await).await;
    a_flood_of_incidents_is_counted_and_told_up_to_a_bound(rig(&engine, "part_2").await).await;
    what_concerns_a_shard_goes_into_its_own_partition(rig(&engine, "part_3").await).await;
}
