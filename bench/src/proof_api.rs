//! Inclusion proofs over HTTP from a sealed ledger of many leaves, and what sealing that many costs.
//!
//! The records are genuine: drafted, chained and stored as a processor does it, only nobody sent them. What they hold
//! does not matter to a proof, so they are the smallest there are: signs of life of one tenant.

use std::time::{Duration, Instant};

use aal_event::{Event, Kind, SystemEvent};
use aal_ledger::{Hash, ZERO_HASH};
use aal_record::{Pipeline, Place, SubjectKey, draft_event};
use aal_seal::{DataKey, IndexKey, KeyRef};
use aal_store::{RecordRow, Store};
use audit_tests::Start;
use serde_json::Map;
use uuid::Uuid;

use crate::{Failure, percentiles::Percentiles, report::Report, running::Running};

const PROOFS: u64 = 2_000;
/// No partition of the topic has this number: processors leave it alone.
const SHARD: u32 = 1_000;
const BLOCK_ROWS: u64 = 50_000;
const BLOCK_MONTH: u32 = 202_601;
/// 2026-01-01T00:00:00Z.
const BEGAN_US: i64 = 1_767_225_600_000_000;
/// Ten million make 29 days.
const EVERY_US: i64 = 250_000;
const EPOCH_MS: u64 = 10_000;
const NO_EPOCH_MS: u64 = 24 * 3600 * 1000;
const SEALED_WITHIN: Duration = Duration::from_secs(3600);
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Stores, seals and asks.
pub(crate) async fn measure(report: &mut Report, leaves: u64) -> Result<(), Failure> {
    let mut running = Running::start(NO_EPOCH_MS).await?;
    let began = Instant::now();
    fill(&running, leaves).await?;
    eprintln!(
        "bench: {leaves} records stored in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    let ended = running.pipeline.terminate().await;
    if !ended.success() {
        return Err(format!("audit up ended with {ended}").into());
    }
    running
        .pipeline
        .restart_with(Start {
            epoch_ms: EPOCH_MS,
            ..Start::default()
        })
        .await;
    let began = Instant::now();
    running.token = running.pipeline.token().await;
    sealed(&running, leaves).await?;
    report.raw(
        format!("sealer: {leaves} stored leaves read, hashed, put into tiles and signed for"),
        leaves as f64 / began.elapsed().as_secs_f64(),
        "leaves/s",
    );
    let mut durations = Vec::new();
    for number in 0..PROOFS {
        // A step that has no factor in common with the size visits leaves all over the tree.
        let id = event_id(number.wrapping_mul(6_700_417) % leaves);
        let url = format!(
            "http://{}/api/v1/audit/logs/{id}/proof",
            running.pipeline.endpoints.console
        );
        let began = Instant::now();
        let answer = running.http.get(url).bearer_auth(&running.token).send().await?;
        let answer = answer.error_for_status()?.text().await?;
        durations.push(began.elapsed());
        if !answer.starts_with("c2sp.org/tlog-proof@v1\n") {
            return Err(format!("that is no proof: {answer}").into());
        }
    }
    let name = format!(
        "inclusion proof over HTTP, sign-in, record and tiles included, {leaves} sealed leaves (promise: p99 below 20 ms)"
    );
    report.latency(name, &Percentiles::of(durations), None);
    Ok(())
}

fn at_us(number: u64) -> i64 {
    BEGAN_US + number as i64 * EVERY_US
}

fn event_id(number: u64) -> Uuid {
    let at_ms = (at_us(number) / 1_000) as u64;
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(at_ms, &random).into_uuid()
}

fn sign_of_life(tenant: Uuid, number: u64) -> Event {
    SystemEvent {
        kind: Kind::Heartbeat,
        event_id: event_id(number),
        tenant,
        actor: "bench",
        action: "idle",
        target: None,
        reason: None,
        detail: Map::from_iter([("component".to_owned(), "bench".into())]),
        occurred_at_us: Some(at_us(number)),
    }
    .into_event()
}

/// Makes blocks and their rows, one chain through all of them.
struct Maker {
    pipeline: Pipeline,
    index: IndexKey,
    key: SubjectKey,
    tenant: Uuid,
    next: u64,
    last_leaf: Hash,
}

impl Maker {
    fn new(tenant: Uuid) -> Maker {
        let key = SubjectKey {
            key: KeyRef {
                subject_key_id: Uuid::from_u128(1),
                version: 1,
            },
            data_key: DataKey::from_bytes([7; 64]),
        };
        Maker {
            pipeline: Pipeline::builtin(),
            index: IndexKey::new("bench", &[7; 32]),
            key,
            tenant,
            next: 0,
            last_leaf: ZERO_HASH,
        }
    }

    fn block(&mut self, rows: u64) -> Result<Vec<RecordRow>, Failure> {
        let topic = aal_ledger::hash::topic_hash(aal_kafka::EVENTS);
        let block = self.next / BLOCK_ROWS;
        let mut made = Vec::with_capacity(rows as usize);
        for block_row in 0..rows {
            let event = sign_of_life(self.tenant, self.next);
            let draft = draft_event(
                &self.pipeline,
                &event,
                &self.index,
                &self.key,
                &self.key,
                BEGAN_US,
            );
            let record = draft.place(
                topic,
                Place {
                    shard: SHARD,
                    partition: SHARD,
                    block,
                    block_row: block_row as u32,
                    block_month: BLOCK_MONTH,
                    offset: self.next,
                    chain_index: self.next,
                    prev_leaf_hash: self.last_leaf,
                },
            )?;
            self.last_leaf = record.leaf_hash;
            self.next += 1;
            made.push(RecordRow::project(record)?);
        }
        Ok(made)
    }
}

async fn fill(running: &Running, leaves: u64) -> Result<(), Failure> {
    let store = running.pipeline.store();
    let mut maker = Maker::new(running.tenant);
    let mut storing: Option<tokio::task::JoinHandle<Result<(), aal_store::StoreError>>> = None;
    while maker.next < leaves {
        let rows = BLOCK_ROWS.min(leaves - maker.next);
        let (back, made) = tokio::task::spawn_blocking(move || {
            let made = maker.block(rows);
            (maker, made)
        })
        .await?;
        maker = back;
        if let Some(storing) = storing.take() {
            storing.await??;
        }
        let (store, made): (Store, _) = (store.clone(), made?);
        storing = Some(tokio::spawn(async move { store.insert_block(&made, 0).await }));
        if maker.next.is_multiple_of(1_000_000) {
            eprintln!("bench: {} of {leaves} records made", maker.next);
        }
    }
    match storing {
        Some(storing) => Ok(storing.await??),
        None => Ok(()),
    }
}

async fn sealed(running: &Running, leaves: u64) -> Result<(), Failure> {
    let began = Instant::now();
    while began.elapsed() < SEALED_WITHIN {
        let path = "/api/v1/checkpoints?limit=1";
        let (_, checkpoints) = running.pipeline.get(&running.token, path).await;
        if checkpoints["items"][0]["leaves"].as_u64().unwrap_or(0) >= leaves {
            return Ok(());
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    Err("the records were not sealed within an hour".into())
}
