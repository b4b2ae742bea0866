//! The life of an engine process: starting, crashing, being refused, stopping, being orphaned.

mod common;

use clickhouse::{Client, Row};
use common::{START_TIMEOUT, command, start, until, url};
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};

#[derive(Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
struct Line {
    writer: u32,
    block: u32,
    row: u32,
}

const LINES: &str = "CREATE TABLE IF NOT EXISTS lines (writer UInt32, block UInt32, row UInt32)
    ENGINE = MergeTree ORDER BY (writer, block, row) SETTINGS non_replicated_deduplication_window = 100000";
const ROWS_PER_BLOCK: u32 = 100;

async fn insert_block(client: &Client, writer: u32, block: u32) -> Result<(), clickhouse::error::Error> {
    let token = format!("{writer}:{block}");
    let mut insert = client
        .insert::<Line>("lines")
        .await?
        .with_setting("insert_deduplicate", "1")
        .with_setting("insert_deduplication_token", token);
    for row in 0..ROWS_PER_BLOCK {
        insert.write(&Line { writer, block, row }).await?;
    }
    insert.end().await
}

/// Three writers; the engine is killed at its busiest; what was acknowledged is there, what is sent again is not doubled.
///
/// A block that the crash interrupted may be missing although it was sent again with success: ClickHouse notes the token
/// before it commits the part, and drops the second one as a duplicate. That is why a processor reads back what it wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_blocks_survive_kill_9() {
    let data = TempDir::new().unwrap();
    let mut next = [0_u32; 3];
    let mut interrupted = BTreeSet::new();
    for round in 0..3 {
        let child = start(data.path()).await.unwrap();
        let client = Client::default().with_url(url(&child));
        client.query(LINES).execute().await.unwrap();
        let mut writers = Vec::new();
        for (writer, first) in next.into_iter().enumerate() {
            let client = client.clone();
            writers.push(tokio::spawn(async move {
                let mut block = first;
                // The block that failed is sent again in the next round, as a processor does.
                while insert_block(&client, writer as u32, block).await.is_ok() {
                    block += 1;
                }
                block
            }));
        }
        let enough = u64::from((round + 1) * 30 * ROWS_PER_BLOCK);
        until("enough rows", || async {
            client
                .query("SELECT count() FROM lines")
                .fetch_one::<u64>()
                .await
                .unwrap()
                > enough
        })
        .await;
        child.kill().await.unwrap();
        for (writer, task) in writers.into_iter().enumerate() {
            next[writer] = task.await.unwrap();
            interrupted.insert((writer as u32, next[writer]));
        }
    }

    let child = start(data.path()).await.unwrap();
    let client = Client::default().with_url(url(&child));
    for (writer, blocks) in next.into_iter().enumerate() {
        for block in 0..blocks {
            insert_block(&client, writer as u32, block).await.unwrap();
        }
    }
    let sql = "SELECT writer, block, count(), uniqExact(row) FROM lines GROUP BY writer, block";
    let found = client
        .query(sql)
        .fetch_all::<(u32, u32, u64, u64)>()
        .await
        .unwrap();
    let mut stored = BTreeSet::new();
    for (writer, block, rows, distinct) in found {
        assert_eq!((rows, distinct), (ROWS_PER_BLOCK.into(), ROWS_PER_BLOCK.into()));
        // One block more than was acknowledged may be stored: the answer was what the crash took.
        assert!(block <= next[writer as usize], "{writer}:{block}");
        stored.insert((writer, block));
    }
    for (writer, blocks) in next.into_iter().enumerate() {
        for block in (0..blocks).map(|block| (writer as u32, block)) {
            assert!(
                stored.contains(&block) || interrupted.contains(&block),
                "{block:?} is lost"
            );
        }
    }
    child.terminate(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn a_second_engine_on_a_directory_is_refused() {
    let data = TempDir::new().unwrap();
    let first = start(data.path()).await.unwrap();
    let second = command(data.path())
        .args(["--open-timeout-ms", "300"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .await
        .unwrap();
    assert!(!second.status.success());
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(
        message.contains("is in use by another engine process"),
        "{message}"
    );
    assert!(second.stdout.is_empty());
    let sum = Client::default()
        .with_url(url(&first))
        .query("SELECT 1")
        .fetch_one::<u8>()
        .await
        .unwrap();
    assert_eq!(sum, 1);
}

#[tokio::test]
async fn a_successor_waits_for_the_directory() {
    let data = TempDir::new().unwrap();
    let first = start(data.path()).await.unwrap();
    let path = data.path().to_owned();
    let second = tokio::spawn(async move { start(&path).await });
    first.terminate(Duration::from_secs(10)).await.unwrap();
    let second = second.await.unwrap().unwrap();
    let one = Client::default()
        .with_url(url(&second))
        .query("SELECT 1")
        .fetch_one::<u8>()
        .await
        .unwrap();
    assert_eq!(one, 1);
}

#[tokio::test]
async fn asked_to_stop_it_ends_within_five_seconds_with_a_statement_running() {
    let data = TempDir::new().unwrap();
    let child = start(data.path()).await.unwrap();
    let client = Client::default().with_url(url(&child));
    let busy = client.clone();
    let query = tokio::spawn(async move {
        busy.query("SELECT max(sipHash64(number)) FROM numbers(1000000000000) AS busy")
            .fetch_one::<u64>()
            .await
    });
    let sql = "SELECT count() FROM system.processes WHERE query LIKE '%AS busy%'";
    until("the query runs", || async {
        client.query(sql).fetch_one::<u64>().await.unwrap() > 1
    })
    .await;
    let asked = Instant::now();
    let status = child.terminate(Duration::from_secs(20)).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    assert!(status.success(), "{status}");
    assert!(query.await.unwrap().is_err());
}

/// A shell starts the engine and is killed; nobody tells the engine.
#[tokio::test]
async fn it_ends_with_its_parent() {
    let data = TempDir::new().unwrap();
    let script = r#""$0" --data "$1" --follow-parent & echo $!; wait"#;
    let mut shell = tokio::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_aal-olap-engine")])
        .arg(data.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    let pid: i32 = lines.next_line().await.unwrap().unwrap().parse().unwrap();
    let ready = tokio::time::timeout(START_TIMEOUT, lines.next_line())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(ready.contains("listening"), "{ready}");
    shell.kill().await.unwrap();
    let pid = Pid::from_raw(pid).unwrap();
    // Gone, or a zombie that nobody has reaped: its files are free either way, which the lock shows.
    until("the directory is free", || async {
        test_kill_process(pid).is_err() || start(data.path()).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_password_is_asked_for() {
    let data = TempDir::new().unwrap();
    let password = format!("{:x}", u128::MAX / 7);
    let mut command = command(data.path());
    command.env("AAL_OLAP_PASSWORD", &password);
    let child = aal_child::Child::start(command, START_TIMEOUT).await.unwrap();
    let client = Client::default().with_url(url(&child));
    let without = client.query("SELECT 1").fetch_one::<u8>().await.unwrap_err();
    assert!(without.to_string().contains("Code: 516"), "{without}");
    let wrong = client.clone().with_user("default").with_password("guess");
    assert!(wrong.query("SELECT 1").fetch_one::<u8>().await.is_err());
    let right = client.with_user("default").with_password(&password);
    assert_eq!(right.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
    let ping = reqwest::get(format!("{}ping", url(&child))).await.unwrap();
    assert_eq!(ping.status(), 200);
}
