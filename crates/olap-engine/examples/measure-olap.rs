//! Measures the engine through the `clickhouse` crate: start, inserts, reads, a crash.
//!
//! `cargo run --release -p aal-olap-engine --example measure-olap` (build the package's binary in the same profile first)

use aal_child::Child;
use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::process::Command;

#[derive(Debug, Clone, Row, Serialize, Deserialize)]
struct Record {
    shard: u32,
    leaf_index: u64,
    at_us: i64,
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: uuid::Uuid,
    leaf_hash: [u8; 32],
    previous: [u8; 32],
    leaf: String,
    header: String,
    model: String,
    application: String,
    cost: i128,
    input_tokens: u64,
    output_tokens: u64,
    search: String,
}

const TABLE: &str = "CREATE OR REPLACE TABLE records (shard UInt32, leaf_index UInt64, at_us DateTime64(6, 'UTC'), tenant UUID,
    leaf_hash FixedString(32), previous FixedString(32), leaf String, header String, model LowCardinality(String),
    application LowCardinality(String), cost Decimal(38, 12), input_tokens UInt64, output_tokens UInt64, search String,
    INDEX words search TYPE text(tokenizer = 'splitByNonAlpha'),
    PROJECTION by_app (SELECT application, model, toStartOfHour(at_us), count(), sum(cost)
        GROUP BY application, model, toStartOfHour(at_us))
) ENGINE = MergeTree ORDER BY (shard, leaf_index) SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1";

fn record(n: u64) -> Record {
    Record {
        shard: (n % 4) as u32,
        leaf_index: n / 4,
        at_us: 1_760_000_000_000_000 + n as i64 * 1000,
        tenant: uuid::Uuid::from_u128(u128::from(n % 3)),
        leaf_hash: [(n % 251) as u8; 32],
        previous: [(n % 241) as u8; 32],
        leaf: format!("{n:0>300}"),
        header: format!(
            "{{\"n\":{n},\"rest\":\"{:0>400}\"}}",
            n.wrapping_mul(2_654_435_761)
        ),
        model: format!("model-{}", n % 20),
        application: format!("app-{}", n % 10),
        cost: i128::from(n) * 1_000_000,
        input_tokens: n % 4000,
        output_tokens: n % 900,
        search: format!("decision number {n} about loan {} for branch {}", n % 977, n % 53),
    }
}

async fn start(binary: &Path, data: &Path) -> Result<(Child, Client), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let mut command = Command::new(binary);
    command.arg("--data").arg(data).arg("--follow-parent");
    let child = Child::start(command, Duration::from_secs(60)).await?;
    println!("start to ready: {} ms", started.elapsed().as_millis());
    let client = Client::default().with_url(format!("http://{}", child.address()));
    Ok((child, client))
}

async fn insert(client: &Client, from: u64, rows: u64) -> Result<(), clickhouse::error::Error> {
    let token = format!("0:{from}");
    let insert = client.insert::<Record>("records").await?;
    let mut insert = insert.with_setting("insert_deduplication_token", token);
    for n in from..from + rows {
        insert.write(&record(n)).await?;
    }
    insert.end().await
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1000.0
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: u64 = std::env::args().nth(1).map_or(Ok(200_000), |rows| rows.parse())?;
    let example = std::env::current_exe()?;
    let target = example
        .parent()
        .and_then(Path::parent)
        .ok_or("no target directory")?;
    let binary = target.join("aal-olap-engine");
    let data = tempfile::TempDir::new()?;
    let (child, client) = start(&binary, data.path()).await?;
    client.query(TABLE).execute().await?;

    for block in [1000, 20_000] {
        let started = Instant::now();
        for from in (0..rows).step_by(block as usize) {
            insert(&client, from + block * rows, block).await?;
        }
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "insert of {rows} rows in blocks of {block}: {:.0} rows/s",
            rows as f64 / seconds
        );
    }
    for (name, sql, times) in [
        ("SELECT 1", "SELECT toUInt64(1)", 500),
        (
            "a row by its key",
            "SELECT leaf_index FROM records WHERE shard = 1 AND leaf_index = 250005000 LIMIT 1",
            200,
        ),
        (
            "metrics over all rows",
            "SELECT count() FROM (SELECT application, sum(cost) FROM records GROUP BY application)",
            50,
        ),
        (
            "text search",
            "SELECT count() FROM records WHERE hasToken(search, '977')",
            50,
        ),
    ] {
        let mut taken = Vec::new();
        for _ in 0..times {
            let started = Instant::now();
            client.query(sql).fetch_optional::<u64>().await?;
            taken.push(started.elapsed());
        }
        taken.sort();
        println!(
            "{name}: p50 {:.1} ms, p99 {:.1} ms",
            percentile(&taken, 50),
            percentile(&taken, 99)
        );
    }
    let started = Instant::now();
    let mut cursor = client
        .query("SELECT ?fields FROM records LIMIT 200000")
        .fetch::<Record>()?;
    let mut read = 0;
    while cursor.next().await?.is_some() {
        read += 1;
    }
    println!(
        "stream of {read} whole rows: {:.2} s",
        started.elapsed().as_secs_f64()
    );

    child.kill().await?;
    let (child, client) = start(&binary, data.path()).await?;
    let left = client
        .query("SELECT count() FROM records")
        .fetch_one::<u64>()
        .await?;
    println!("after kill -9: {left} rows of {}", rows * 2);
    let started = Instant::now();
    child.terminate(Duration::from_secs(10)).await?;
    println!("stop: {} ms", started.elapsed().as_millis());
    Ok(())
}
