//! From accepted to sealed: until the checkpoint of the epoch that holds an event is shown to everybody.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aal_ledger::{ChainId, Heads};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{
    Failure,
    percentiles::Percentiles,
    report::Report,
    running::Running,
    verify::{EpochLine, lines},
};

/// Between two questions for the newest checkpoint.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// When the API first showed each epoch's checkpoint.
pub(crate) struct Watch {
    seen: Arc<Mutex<BTreeMap<u64, Instant>>>,
    task: JoinHandle<()>,
}

#[derive(Row, Deserialize)]
struct PlaceRow {
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    shard: u32,
    chain_index: u64,
}

impl Watch {
    /// Looks until the report is made.
    pub(crate) fn start(running: &Running) -> Watch {
        let seen: Arc<Mutex<BTreeMap<u64, Instant>>> = Arc::default();
        let (http, token) = (running.http.clone(), running.token.clone());
        let url = format!(
            "http://{}/api/v1/checkpoints?limit=1",
            running.pipeline.endpoints.console
        );
        let found = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                if let Ok(answer) = http.get(&url).bearer_auth(&token).send().await
                    && let Ok(answer) = answer.json::<Value>().await
                    && let Some(epoch) = answer["latest"]["epoch"].as_u64()
                {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.entry(epoch).or_insert_with(Instant::now);
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        });
        Watch { seen, task }
    }

    /// `accepted`: when each event had its 201.
    pub(crate) async fn report(
        self,
        running: &Running,
        accepted: &HashMap<Uuid, Instant>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        running.pipeline.sealed().await;
        // What is sealed is shown; one more look sees it.
        tokio::time::sleep(ASK_EVERY * 20).await;
        self.task.abort();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut waiting = places(running, accepted).await?;
        let mut took = Vec::with_capacity(accepted.len());
        for (epoch, shown) in seen {
            let sizes = sizes(running, epoch).await?;
            waiting.retain(|event_id, (chain, index)| {
                let is_sealed = sizes.get(chain).is_some_and(|size| size > index);
                if is_sealed {
                    took.push(shown.saturating_duration_since(accepted[event_id]));
                }
                !is_sealed
            });
        }
        if !waiting.is_empty() {
            return Err(format!("{} events are in no epoch that was seen", waiting.len()).into());
        }
        report.latency(
            "accepted to sealed, epochs of 10 s (promise: p99 below 11 s)",
            &Percentiles::of(took),
            None,
        );
        Ok(())
    }
}

/// Chain and index of each event.
async fn places(
    running: &Running,
    accepted: &HashMap<Uuid, Instant>,
) -> Result<HashMap<Uuid, (ChainId, u64)>, Failure> {
    let ids: Vec<String> = accepted.keys().map(Uuid::to_string).collect();
    let sql =
        "SELECT event_id, tenant, shard, chain_index FROM records WHERE event_id IN ? AND kind = 'event'";
    let query = running.pipeline.store().client().query(sql).bind(ids);
    let rows: Vec<PlaceRow> = query.fetch_all().await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let chain = ChainId {
                tenant: row.tenant,
                shard: row.shard,
            };
            (row.event_id, (chain, row.chain_index))
        })
        .collect())
}

/// Leaves of each chain at the end of an epoch.
async fn sizes(running: &Running, epoch: u64) -> Result<HashMap<ChainId, u64>, Failure> {
    let lines: Vec<EpochLine> = lines(running, &format!("/api/v1/verify/epochs?to={epoch}")).await?;
    let heads = lines
        .last()
        .and_then(|line| line.heads.as_deref())
        .ok_or("an epoch has no heads")?;
    let heads = Heads::parse(heads.as_bytes())?;
    Ok(heads
        .chains()
        .iter()
        .map(|head| (head.chain, head.size))
        .collect())
}
