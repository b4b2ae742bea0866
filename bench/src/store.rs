//! Raw ClickHouse: rows that the processor stored, inserted again into a copy of the table.

use std::time::{Duration, Instant};

use aal_store::{RecordRow, Store};

use crate::{
    Failure,
    inputs::Sizes,
    percentiles::{Percentiles, ROUNDS},
    report::{Limit, Report},
    running::Running,
};

const BLOCK_ROWS: usize = 5_000;
/// A shard of their own for blocks of one row.
const SINGLES_SHARD: u32 = ROUNDS;

/// Measures rows per second in blocks of 5,000 through [`Store::insert_block`], so with the processor's settings.
pub(crate) async fn measure(running: &Running, sizes: Sizes, report: &mut Report) -> Result<Limit, Failure> {
    let copy = running.copy_of_the_table().await?;
    let rows = stored_rows(&running.pipeline.store(), sizes.events).await?;
    let mut fastest = Duration::MAX;
    for round in 0..ROUNDS {
        // A shard of its own for each round: a block's number stands for its content.
        let blocks: Vec<Vec<RecordRow>> = rows
            .chunks(BLOCK_ROWS)
            .zip(0u64..)
            .map(|(rows, block)| rows.iter().map(|row| placed(row, round, block)).collect())
            .collect();
        let began = Instant::now();
        for block in &blocks {
            copy.insert_block(block, 0).await?;
        }
        fastest = fastest.min(began.elapsed());
    }
    let rate = rows.len() as f64 / fastest.as_secs_f64();
    let stored: u64 = copy
        .client()
        .query("SELECT count() FROM records WHERE shard = 0")
        .fetch_one()
        .await?;
    if stored != rows.len() as u64 {
        return Err(format!("{} rows were inserted and {stored} are there", rows.len()).into());
    }
    report.raw(
        format!("raw ClickHouse insert, same rows, blocks of {BLOCK_ROWS}"),
        rate,
        "rows/s",
    );
    Ok(Limit::new("raw ClickHouse, rows/s", rate))
}

/// How long a block of one row takes until it is found by its event id, with nothing else going on.
pub(crate) async fn insert_and_find(running: &Running, times: u64) -> Result<Percentiles, Failure> {
    let copy = running.copy_of_the_table().await?;
    let rows = stored_rows(&running.pipeline.store(), times).await?;
    let mut took: Vec<Duration> = Vec::with_capacity(rows.len());
    for (row, block) in rows.into_iter().zip(0u64..) {
        let block = [placed(&row, SINGLES_SHARD, block)];
        let began = Instant::now();
        copy.insert_block(&block, 0).await?;
        copy.find_events(&[block[0].event_id]).await?;
        took.push(began.elapsed());
    }
    Ok(Percentiles::of(took))
}

fn placed(row: &RecordRow, shard: u32, block: u64) -> RecordRow {
    RecordRow {
        shard,
        block,
        ..row.clone()
    }
}

async fn stored_rows(store: &Store, most: u64) -> Result<Vec<RecordRow>, Failure> {
    let sql = "SELECT ?fields FROM records WHERE kind = 'event' ORDER BY tenant, shard, chain_index LIMIT ?";
    let mut rows: Vec<RecordRow> = store.client().query(sql).bind(most).fetch_all().await?;
    // A block lies in one partition; a run over the end of a month has two.
    let month = rows.first().map(|row| row.block_month).unwrap_or_default();
    rows.iter_mut().for_each(|row| row.block_month = month);
    Ok(rows)
}
