//! Pages and metrics over HTTP, at the full number of rows.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    Failure,
    inputs::{self, Sizes},
    kafka,
    percentiles::Percentiles,
    report::{Limit, Report},
    running::{Running, seed},
};

/// Rows that really went through the pipeline; the others are copies of them.
const GENUINE_ROWS: u64 = 20_000;
/// Shards of the copies: numbers that no partition has.
const FIRST_COPY_SHARD: u64 = 1_000;
const COPY_SHARDS: u64 = 4;
/// Copies of the genuine rows that one statement makes.
const COPIES_AT_ONCE: u64 = 5;
const BLOCK_ROWS: u64 = 500;
const TIMES: usize = 50;
const DEEP_PAGES: u64 = 40;
const DEEP_PAGE_ROWS: u64 = 500;
const MERGES_AT_MOST: Duration = Duration::from_secs(300);

const RAW_PAGE: &str =
    "SELECT occurred_at, event_id FROM records ORDER BY occurred_at DESC, event_id DESC LIMIT 51 FORMAT Null";
const RAW_METRICS: &str =
    "SELECT toStartOfDay(occurred_at) AS day, count(), sum(cost) FROM records GROUP BY day FORMAT Null";

/// Fills the table and reads it.
pub(crate) async fn measure(running: &mut Running, sizes: Sizes, report: &mut Report) -> Result<(), Failure> {
    let genuine = fill(running, sizes.rows).await?;
    let rows = running.pipeline.count("1").await;
    let parts = settled(running).await?;
    report.note(format!(
        "reads: {rows} rows in {parts} parts, {genuine} events through the pipeline, the others copied inside the table \
         with new ids and places (such a table does not verify)"
    ));
    let page = Limit::new(
        "bare SELECT of the page's keys, p50 ms",
        raw(running, RAW_PAGE).await?.p50_ms(),
    );
    let metrics = Limit::new(
        "bare SELECT count, sum(cost) by day, p50 ms",
        raw(running, RAW_METRICS).await?.p50_ms(),
    );

    let first = "/api/v1/audit/logs?limit=50";
    report.latency(
        "list, first page of 50",
        &timed(running, first).await?,
        Some(&page),
    );
    let filtered = "/api/v1/audit/logs?limit=50&provider=anthropic&has_pii=true";
    report.latency(
        "list, provider and has_pii",
        &timed(running, filtered).await?,
        Some(&page),
    );
    let worded = "/api/v1/audit/logs?limit=50&q=account";
    report.latency(
        "list, full text, one word",
        &timed(running, worded).await?,
        Some(&page),
    );
    let (deep, before) = deep_page(running, rows).await?;
    let name = format!("list, page {} of {DEEP_PAGE_ROWS} by cursor", before + 1);
    report.latency(name, &timed(running, &deep).await?, Some(&page));
    let by_day = "/api/v1/metrics?interval=day";
    report.latency("metrics by day", &timed(running, by_day).await?, Some(&metrics));
    let by_model = "/api/v1/metrics?interval=day&group_by=model";
    report.latency(
        "metrics by day and model",
        &timed(running, by_model).await?,
        Some(&metrics),
    );
    Ok(())
}

async fn fill(running: &mut Running, rows: u64) -> Result<u64, Failure> {
    let inputs = inputs::events(seed::READS, GENUINE_ROWS.min(rows));
    let messages = inputs::messages(&inputs, running.tenant, &running.receipt)?;
    kafka::produce(&running.producer, aal_kafka::EVENTS, &messages).await?;
    running.sent(messages.len() as u64);
    running.all_stored().await?;

    running.copy_of_the_table().await?;
    let client = running
        .pipeline
        .store()
        .client()
        .clone()
        .with_setting("max_execution_time", "0");
    client.query(GENUINE).execute().await?;
    let genuine: u64 = client
        .query("SELECT count() FROM bench.genuine")
        .fetch_one()
        .await?;
    let missing = rows.saturating_sub(running.pipeline.count("1").await);
    let copies = missing.div_ceil(genuine);
    for first in (0..copies).step_by(COPIES_AT_ONCE as usize) {
        let statement = copy_statement(genuine, first, copies.min(first + COPIES_AT_ONCE), missing);
        client
            .query(&statement)
            .with_setting("insert_deduplicate", "0")
            .execute()
            .await?;
        eprintln!("bench: {} of {copies} copies", copies.min(first + COPIES_AT_ONCE));
    }
    // Chains and blocks without holes, as the processor would have left them; else the figures mean nothing.
    for shard in FIRST_COPY_SHARD..FIRST_COPY_SHARD + COPY_SHARDS {
        running.pipeline.store().shard_head(shard as u32).await?;
    }
    Ok(genuine)
}

/// The genuine rows with their place in a chain that holds all of their tenant's.
const GENUINE: &str = "CREATE TABLE bench.genuine ENGINE = MergeTree ORDER BY bench_row AS
    SELECT *, toUInt64(row_number() OVER (PARTITION BY tenant ORDER BY shard, chain_index) - 1) AS bench_index,
        toUInt64(row_number() OVER (ORDER BY tenant, shard, chain_index) - 1) AS bench_row,
        count() OVER (PARTITION BY tenant) AS bench_size
    FROM audit.records WHERE kind = 'event'";

/// Copies number `first` to before `end`; the last one ends where `missing` rows are made.
fn copy_statement(genuine: u64, first: u64, end: u64, missing: u64) -> String {
    let blocks = genuine.div_ceil(BLOCK_ROWS);
    format!(
        "INSERT INTO audit.records
         SELECT * EXCEPT (bench_index, bench_row, bench_size, bench_copy) REPLACE (
             toUInt32({FIRST_COPY_SHARD} + bench_copy % {COPY_SHARDS}) AS shard,
             toUInt64(intDiv(bench_row, {BLOCK_ROWS}) + intDiv(bench_copy, {COPY_SHARDS}) * {blocks}) AS block,
             toUInt32(bench_row % {BLOCK_ROWS}) AS block_row,
             toUInt64(bench_row + intDiv(bench_copy, {COPY_SHARDS}) * {genuine}) AS kafka_offset,
             toUInt64(bench_index + intDiv(bench_copy, {COPY_SHARDS}) * bench_size) AS chain_index,
             reinterpretAsUUID(sipHash128(event_id, bench_copy)) AS event_id,
             occurred_at + toIntervalMicrosecond(bench_copy * 7919003) AS occurred_at,
             if(session_id = '', '', concat(session_id, '-', toString(bench_copy))) AS session_id)
         FROM bench.genuine CROSS JOIN (SELECT number AS bench_copy FROM numbers({first}, {})) AS copies
         WHERE bench_copy * {genuine} + bench_row < {missing}",
        end - first
    )
}

/// Waits until merges are done, a few minutes at most; answers the number of parts.
async fn settled(running: &Running) -> Result<u64, Failure> {
    let store = running.pipeline.store();
    let began = Instant::now();
    let merges = "SELECT count() FROM system.merges";
    while store.client().query(merges).fetch_one::<u64>().await? > 0 && began.elapsed() < MERGES_AT_MOST {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(store.active_parts().await?)
}

async fn raw(running: &Running, statement: &str) -> Result<Percentiles, Failure> {
    let store = running.pipeline.store();
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let began = Instant::now();
        store.client().query(statement).execute().await?;
        took.push(began.elapsed());
    }
    Ok(Percentiles::of(took))
}

async fn timed(running: &Running, path: &str) -> Result<Percentiles, Failure> {
    read(running, path).await?;
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let began = Instant::now();
        read(running, path).await?;
        took.push(began.elapsed());
    }
    Ok(Percentiles::of(took))
}

/// Follows the cursors; answers the path of the page after the last one read, and how many were read.
async fn deep_page(running: &Running, rows: u64) -> Result<(String, u64), Failure> {
    let pages = DEEP_PAGES.min(rows / DEEP_PAGE_ROWS / 2);
    let first = format!("/api/v1/audit/logs?limit={DEEP_PAGE_ROWS}");
    let mut path = first.clone();
    for _ in 0..pages {
        let page: Value = serde_json::from_str(&read(running, &path).await?)?;
        let cursor = page["next_cursor"]
            .as_str()
            .ok_or("the list ends before the deep page")?;
        path = format!("{first}&cursor={cursor}");
    }
    Ok((path, pages))
}

async fn read(running: &Running, path: &str) -> Result<String, Failure> {
    let url = format!("http://{}{path}", running.pipeline.endpoints.console);
    let answer = running.http.get(&url).bearer_auth(&running.token).send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        return Err(format!("{url} answered {status}: {text:.500}").into());
    }
    Ok(text)
}
