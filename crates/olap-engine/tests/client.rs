//! The unmodified `clickhouse` crate against the engine.

mod common;

use clickhouse::Row;
use clickhouse::error::Error;
use common::client;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Wide {
    n: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
    hash: [u8; 32],
    at_us: i64,
    cost: i128,
    model: String,
    tags: Vec<(String, String)>,
    maybe: Option<u32>,
}

impl Wide {
    fn new(n: u64) -> Self {
        Self {
            n,
            id: Uuid::from_u128(u128::from(n) + 7),
            hash: [n as u8; 32],
            at_us: 1_700_000_000_000_000 + n as i64,
            cost: i128::from(n) * 1_000_000_000_000 + 1,
            model: format!("model-{}", n % 5),
            tags: vec![("k".to_owned(), n.to_string())],
            maybe: n.is_multiple_of(2).then_some(n as u32),
        }
    }
}

const WIDE: &str = "CREATE TABLE wide (
    n UInt64, id UUID, hash FixedString(32), at_us DateTime64(6, 'UTC'), cost Decimal(38, 12),
    model LowCardinality(String), tags Map(String, String), maybe Nullable(UInt32)
) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 1000";

/// `Code: N` of an error.
fn code(error: Error) -> u32 {
    let Error::BadResponse(text) = error else {
        panic!("not a bad response: {error:?}")
    };
    text.strip_prefix("Code: ")
        .unwrap()
        .split('.')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn rows_of_every_type_come_back_as_they_were() {
    let client = client("types").await;
    client.query(WIDE).execute().await.unwrap();
    let rows: Vec<Wide> = (0..1000).map(Wide::new).collect();
    let mut insert = client.insert::<Wide>("wide").await.unwrap();
    for row in &rows {
        insert.write(row).await.unwrap();
    }
    insert.end().await.unwrap();

    let all = client
        .query("SELECT ?fields FROM wide ORDER BY n")
        .fetch_all::<Wide>()
        .await
        .unwrap();
    assert_eq!(all, rows);
    // 499,500 units and 1,000 of the twelfth digit: exact.
    let sum = client
        .query("SELECT toString(sum(cost)) FROM wide")
        .fetch_one::<String>()
        .await
        .unwrap();
    assert_eq!(sum, "499500.000000001");
}

#[tokio::test]
async fn values_are_bound_on_either_side() {
    let client = client("bound").await;
    client.query(WIDE).execute().await.unwrap();
    let mut insert = client.insert::<Wide>("wide").await.unwrap();
    for n in 0..10 {
        insert.write(&Wide::new(n)).await.unwrap();
    }
    insert.end().await.unwrap();

    let by_bind = client
        .query("SELECT n FROM wide WHERE model = ? AND n > ?")
        .bind("model-3")
        .bind(4);
    assert_eq!(by_bind.fetch_all::<u64>().await.unwrap(), [8]);
    let by_param = client
        .query("SELECT n FROM wide WHERE id = {id:UUID}")
        .param("id", Uuid::from_u128(9).to_string());
    assert_eq!(by_param.fetch_one::<u64>().await.unwrap(), 2);
    for awkward in [
        "it's",
        "a\\b",
        "tab\there",
        "line\nbreak",
        "; DROP TABLE wide --",
        "",
        "ünï",
    ] {
        let echo = client
            .query("SELECT {text:String}")
            .param("text", awkward)
            .fetch_one::<String>()
            .await
            .unwrap();
        assert_eq!(echo, awkward);
        let echo = client
            .query("SELECT ?")
            .bind(awkward)
            .fetch_one::<String>()
            .await
            .unwrap();
        assert_eq!(echo, awkward);
    }
    let list = client
        .query("SELECT arraySum({list:Array(UInt32)})")
        .param("list", vec![1_u32, 2, 3]);
    assert_eq!(list.fetch_one::<u64>().await.unwrap(), 6);
}

#[tokio::test]
async fn an_empty_result_has_its_header() {
    let client = client("empty").await;
    for wait in ["0", "1"] {
        let query = client.query("SELECT number, toString(number) FROM numbers(3) WHERE number > 5");
        let rows = query
            .with_setting("wait_end_of_query", wait)
            .fetch_all::<(u64, String)>()
            .await
            .unwrap();
        assert_eq!(rows, []);
        let row = client
            .query("SELECT number FROM numbers(0)")
            .fetch_optional::<u64>()
            .await
            .unwrap();
        assert_eq!(row, None);
    }
}

#[tokio::test]
async fn a_token_inserts_once() {
    let client = client("tokens").await;
    client.query(WIDE).execute().await.unwrap();
    for n in [1, 2, 2] {
        let mut insert = client
            .insert::<Wide>("wide")
            .await
            .unwrap()
            .with_setting("insert_deduplicate", "1")
            .with_setting("insert_deduplication_token", "0:7");
        insert.write(&Wide::new(n)).await.unwrap();
        insert.end().await.unwrap();
    }
    assert_eq!(
        client
            .query("SELECT n FROM wide")
            .fetch_all::<u64>()
            .await
            .unwrap(),
        [1]
    );
}

#[tokio::test]
async fn a_large_result_streams_without_a_second_header() {
    let client = client("large").await;
    let sql = "SELECT number, concat('row ', toString(number)) FROM numbers(200000)";
    let mut cursor = client.query(sql).fetch::<(u64, String)>().unwrap();
    let mut expected = 0_u64;
    while let Some((n, text)) = cursor.next().await.unwrap() {
        assert_eq!((n, text), (expected, format!("row {expected}")));
        expected += 1;
    }
    assert_eq!(expected, 200_000);
}

#[tokio::test]
async fn an_insert_larger_than_a_frame_is_one_part() {
    let client = client("parts").await;
    client.query(WIDE).execute().await.unwrap();
    let mut insert = client.insert::<Wide>("wide").await.unwrap();
    for n in 0..20_000 {
        insert.write(&Wide::new(n)).await.unwrap();
    }
    insert.end().await.unwrap();
    let parts = "SELECT count(), sum(rows) FROM system.parts WHERE database = 'parts' AND active";
    assert_eq!(
        client.query(parts).fetch_one::<(u64, u64)>().await.unwrap(),
        (1, 20_000)
    );
}

#[tokio::test]
async fn errors_carry_their_code() {
    let client = client("errors").await;
    client.query(WIDE).execute().await.unwrap();
    let run = async |sql: &str| code(client.query(sql).execute().await.unwrap_err());
    assert_eq!(run("SELECT * FROM nothing").await, 60);
    assert_eq!(run("SELEC 1").await, 62);
    assert_eq!(run("SELECT nothing FROM wide").await, 47);
    assert_eq!(run("SELECT toUInt8('x')").await, 6);
    assert_eq!(run("CREATE TABLE wide (a UInt8) ENGINE = Memory").await, 57);
    assert_eq!(run("SELECT * FROM wide; DROP TABLE wide").await, 62);
    let sql = "SELECT groupArray(number) FROM numbers(10000000)";
    let limited = client
        .query(sql)
        .with_setting("max_memory_usage", "10000000")
        .fetch_one::<Vec<u64>>()
        .await;
    assert_eq!(code(limited.unwrap_err()), 241);
    let slow = client
        .query("SELECT sleep(3)")
        .with_setting("max_execution_time", "1")
        .fetch_one::<u8>()
        .await;
    assert_eq!(code(slow.unwrap_err()), 159);
    let wrong = clickhouse::Client::default()
        .with_url(common::shared_url())
        .with_database("nowhere");
    assert_eq!(
        code(wrong.query("SELECT 1").fetch_one::<u8>().await.unwrap_err()),
        81
    );
    let unknown = client
        .query("SELECT 1")
        .with_setting("no_such_setting", "1")
        .fetch_one::<u8>()
        .await;
    assert_eq!(code(unknown.unwrap_err()), 115);
}

#[tokio::test]
async fn an_error_after_the_first_rows_is_seen() {
    let client = client("late").await;
    // Far more blocks before the error than the engine makes ahead of its reader.
    let sql = "SELECT number, throwIf(number = 3000000) FROM numbers(3100000) SETTINGS max_threads = 1";
    let mut cursor = client.query(sql).fetch::<(u64, u8)>().unwrap();
    let mut rows = 0;
    let error = loop {
        match cursor.next().await {
            Ok(Some(_)) => rows += 1,
            Ok(None) => panic!("the result looks complete after {rows} rows"),
            Err(error) => break error,
        }
    };
    assert!(rows > 0);
    assert_eq!(code(error), 395);
}

#[tokio::test]
async fn an_insert_that_is_dropped_stores_nothing() {
    let client = client("dropped").await;
    client.query(WIDE).execute().await.unwrap();
    let mut insert = client.insert::<Wide>("wide").await.unwrap();
    for n in 0..50_000 {
        insert.write(&Wide::new(n)).await.unwrap();
    }
    drop(insert);
    common::until("no insert runs", || async {
        let sql = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT%' AND current_database = 'dropped'";
        client.query(sql).fetch_one::<u64>().await.unwrap() == 0
    })
    .await;
    assert_eq!(
        client
            .query("SELECT count() FROM wide")
            .fetch_one::<u64>()
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn what_a_ledger_table_needs_is_there() {
    let client = client("features").await;
    client
        .query(
            "CREATE TABLE f (shard UInt32, block UInt64, month Date, app LowCardinality(String), text String,
                cost Decimal(38, 12), attrs Map(String, String),
                INDEX words text TYPE text(tokenizer = 'splitByNonAlpha'),
                INDEX app_bloom app TYPE bloom_filter,
                PROJECTION by_app (SELECT app, count(), sum(cost) GROUP BY app)
            ) ENGINE = MergeTree PARTITION BY toYYYYMM(month) ORDER BY (shard, block)
            SETTINGS non_replicated_deduplication_window = 10000, lightweight_mutation_projection_mode = 'rebuild',
                fsync_after_insert = 1",
        )
        .execute()
        .await
        .unwrap();
    let rows =
        "INSERT INTO f SELECT 0, number, '2026-01-01', 'bank', concat('needle', toString(number)), 0.5, map()
        FROM numbers(1000)";
    client.query(rows).execute().await.unwrap();
    let found = client
        .query("SELECT block FROM f WHERE hasToken(text, 'needle77')")
        .fetch_all::<u64>()
        .await
        .unwrap();
    assert_eq!(found, [77]);
    client
        .query("DELETE FROM f WHERE block < 10")
        .execute()
        .await
        .unwrap();
    client
        .query("ALTER TABLE f UPDATE text = '' WHERE block = 11 SETTINGS mutations_sync = 2")
        .execute()
        .await
        .unwrap();
    let (count, cost) = client
        .query("SELECT count(), toString(sum(cost)) FROM f GROUP BY app")
        .fetch_one::<(u64, String)>()
        .await
        .unwrap();
    assert_eq!((count, cost.as_str()), (990, "495"));
}

#[derive(Row, Deserialize)]
struct Setting {
    name: String,
    value: String,
}

#[tokio::test]
async fn a_session_has_the_settings_of_its_request_only() {
    let client = client("settings").await;
    let sql = "SELECT ?fields FROM system.settings WHERE name IN ('max_threads', 'async_insert', 'session_timezone')";
    let of = async |query: clickhouse::query::Query| -> HashMap<String, String> {
        let rows = query.fetch_all::<Setting>().await.unwrap();
        rows.into_iter().map(|row| (row.name, row.value)).collect()
    };
    let set = of(client
        .query(sql)
        .with_setting("max_threads", "3")
        .with_setting("async_insert", "1"))
    .await;
    assert_eq!(
        (set["max_threads"].as_str(), set["async_insert"].as_str()),
        ("3", "1")
    );
    let unset = of(client.query(sql)).await;
    assert_ne!(unset["max_threads"], "3");
    assert_eq!(
        (unset["async_insert"].as_str(), unset["session_timezone"].as_str()),
        ("0", "UTC")
    );
}
