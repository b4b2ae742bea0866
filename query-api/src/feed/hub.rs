//! One poller of the store per process, shared by all feeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aal_control::{Role, TenantScope, User};
use aal_service::{Component, Problem};
use tokio::sync::{Notify, broadcast, watch};
use uuid::Uuid;

use crate::app::App;
use crate::logs::{Snapshot, SummaryRow, snapshot, summary_columns};
use crate::scope::Scope;

/// Records read in one look.
const BATCH: u64 = 1_000;
/// Every so many looks also shards that began meanwhile are found.
const FULL_EVERY: u64 = 100;
/// How long the poller rests after the store failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(2);

/// Gives every subscriber the records of all tenants; each takes what its scope admits.
#[derive(Debug)]
pub(crate) struct Hub {
    records: broadcast::Sender<Arc<SummaryRow>>,
    listeners: AtomicUsize,
    wake: Notify,
    /// Counts how often the poller began anew at the present end of the log. What was stored before
    /// that moment it never sends, so every subscriber must look for itself when the number changes.
    jumps: watch::Sender<u64>,
}

/// Keeps the poller running while it lives.
pub(crate) struct Subscription<'h> {
    hub: &'h Hub,
    pub(crate) records: broadcast::Receiver<Arc<SummaryRow>>,
    pub(crate) jumps: watch::Receiver<u64>,
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.hub.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Hub {
    pub(crate) fn new(buffer: usize) -> Self {
        Self {
            records: broadcast::channel(buffer.max(16)).0,
            listeners: AtomicUsize::new(0),
            wake: Notify::new(),
            jumps: watch::Sender::new(0),
        }
    }

    pub(crate) fn subscribe(&self) -> Subscription<'_> {
        // Subscribed before the poller wakes, so that nothing it then sends is missed.
        let records = self.records.subscribe();
        let jumps = self.jumps.subscribe();
        self.listeners.fetch_add(1, Ordering::SeqCst);
        self.wake.notify_one();
        Subscription {
            hub: self,
            records,
            jumps,
        }
    }
}

/// The process's own scope: it sees everything, and every subscriber filters by its own.
fn own_scope() -> Scope {
    Scope::unlimited(User {
        id: Uuid::nil(),
        email: String::new(),
        role: Role::Admin,
        tenant: TenantScope::All,
        disabled: false,
        session_epoch: 0,
        created_us: 0,
    })
}

/// Polls while anybody listens, until the shutdown.
pub(crate) async fn run_poller(app: Arc<App>, health: Component) {
    let shutdown = app.shutdown.clone();
    shutdown.unless_requested(poll(&app, &health)).await;
}

async fn poll(app: &App, health: &Component) {
    let pause = Duration::from_millis(app.limits.feed_poll_ms.max(20));
    let mut heads: Option<Snapshot> = None;
    let mut looks: u64 = 0;
    health.up();
    loop {
        if app.hub.listeners.load(Ordering::SeqCst) == 0 {
            heads = None;
            app.hub.wake.notified().await;
        }
        looks += 1;
        match look(app, &mut heads, looks.is_multiple_of(FULL_EVERY)).await {
            Ok(BATCH) => continue,
            Ok(_) => health.up(),
            Err(problem) => {
                health.down(problem.detail);
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// Sends what came since the last look; how many records that were.
async fn look(app: &App, heads: &mut Option<Snapshot>, is_full: bool) -> Result<u64, Problem> {
    let scope = own_scope();
    let Some(known) = heads else {
        *heads = Some(snapshot(app, &scope).await?);
        app.hub.jumps.send_modify(|jumps| *jumps += 1);
        return Ok(0);
    };
    let mut sql = summary_columns(false);
    sql.records(&scope);
    known.after(&mut sql);
    if let Some(floor) = known.floor().filter(|_| !is_full) {
        sql.push(" AND kafka_offset > ?").bind_u64(floor);
    }
    sql.push(" ORDER BY kafka_offset, shard, block_row LIMIT ?")
        .bind_u64(BATCH);
    let rows: Vec<SummaryRow> = app.rows(sql).await?;
    let count = rows.len() as u64;
    for row in rows {
        known.advance(row.shard, row.kafka_offset);
        // An error means that nobody listens any more.
        let _ = app.hub.records.send(Arc::new(row));
    }
    Ok(count)
}
