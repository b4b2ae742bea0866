//! Walks the newest epochs first and then the whole table, again and again.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use aal_announce::{Incident, Incidents, TellError};
use aal_ledger::{ChainHead, ChainId, Hash, PrunedRun, ZERO_HASH, merkle::CompactRange};
use aal_service::{Component, Shutdown};
use aal_store::{Store, StoreError};
use serde_json::Map;
use uuid::Uuid;

use crate::{
    config::ReadbackConfig,
    explained::Explained,
    findings::{self, ANCHOR_INCONSISTENT, CHAIN_MISMATCH, RECORD_MISMATCH, RECORD_MISSING, STALLED},
    numbers::Numbers,
    pace::Pace,
    rows::{self, After},
    sealed::{Epoch, Frontier, Sealed, SealedError},
    walk::{Fault, Taken, Walk, unexplained},
};

const RETRY: Duration = Duration::from_secs(1);
/// Why a page could not be read; it is tried again.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sealed(#[from] SealedError),
}

/// A walk with the row where its next page begins.
struct Walking {
    walk: Walk,
    after: Option<After>,
    /// Whether it began at the chain's first leaf.
    is_whole: bool,
    is_clean: bool,
}

struct Cycle {
    began: Instant,
    heads: VecDeque<ChainHead>,
    current: Option<Walking>,
}

pub(crate) struct Reader {
    pub(crate) store: Store,
    pub(crate) sealed: Sealed,
    pub(crate) incidents: Incidents,
    pub(crate) numbers: Numbers,
    pub(crate) component: Component,
    pub(crate) config: ReadbackConfig,
    pub(crate) shutdown: Shutdown,
    pace: Pace,
    explained: Explained,
    newest: Option<Epoch>,
    /// The newest epoch all of whose leaves were read back.
    checked_epoch: Option<u64>,
    cycle: Option<Cycle>,
    looked_at: Option<Instant>,
    rest_until: Instant,
    /// Every record sealed before this moment was checked since.
    complete_since: Instant,
    last_row: Instant,
}

impl Reader {
    pub(crate) fn new(
        store: Store,
        sealed: Sealed,
        incidents: Incidents,
        numbers: Numbers,
        component: Component,
        config: ReadbackConfig,
        shutdown: Shutdown,
    ) -> Reader {
        let now = Instant::now();
        Reader {
            pace: Pace::new(config.rows_per_second),
            store,
            sealed,
            incidents,
            numbers,
            component,
            config,
            shutdown,
            explained: Explained::default(),
            newest: None,
            checked_epoch: None,
            cycle: None,
            looked_at: None,
            rest_until: now,
            complete_since: now,
            last_row: now,
        }
    }

    /// Reads until the shutdown.
    pub(crate) async fn run(&mut self) {
        while !self.shutdown.is_requested() {
            let outcome = self.turn().await;
            if let Err(error) = outcome {
                self.numbers.failures.inc();
                tracing::warn!(%error, "read-back failed; trying again");
                self.component.down(error.to_string());
                self.sleep(RETRY).await;
            }
            self.judge_silence().await;
        }
    }

    async fn turn(&mut self) -> Result<(), ReadError> {
        let poll = Duration::from_millis(self.config.poll_ms.max(10));
        if self.looked_at.is_none_or(|at| at.elapsed() >= poll) {
            self.looked_at = Some(Instant::now());
            self.look_for_epoch().await?;
        }
        self.cycle_on().await
    }

    async fn sleep(&self, pause: Duration) {
        let _ = self.shutdown.unless_requested(tokio::time::sleep(pause)).await;
    }

    /// Takes up a new epoch, whose leaves and those of the epochs before it are read at once.
    async fn look_for_epoch(&mut self) -> Result<(), ReadError> {
        match self.read_new_epoch().await {
            Err(ReadError::Sealed(error)) if error.is_contradiction() => {
                let incident = Incident {
                    code: ANCHOR_INCONSISTENT,
                    about: Map::new(),
                    reason: error.to_string(),
                };
                let told = self.incidents.begin(incident).await;
                log_untold(told);
                self.numbers.mismatches.inc();
                Err(error.into())
            }
            Ok(true) => {
                let told = self.incidents.settle(&[ANCHOR_INCONSISTENT], Vec::new()).await;
                log_untold(told);
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    async fn read_new_epoch(&mut self) -> Result<bool, ReadError> {
        let Some(number) = self.sealed.newest().await? else {
            return Ok(false);
        };
        if self.checked_epoch == Some(number) {
            self.show_age(0);
            return Ok(false);
        }
        let epoch = self.sealed.epoch(number).await?;
        self.newest = Some(epoch.clone());
        let base = number.checked_sub(self.config.recent_epochs);
        let base = base.map(|base| self.checked_epoch.map_or(base, |checked| base.min(checked)));
        let mut frontier = match base {
            Some(base) => {
                let base = self.sealed.epoch(base).await?;
                self.sealed.frontier(&base).await?
            }
            None => Frontier::new(),
        };
        for head in &epoch.chains {
            // A chain that is new since the base is read from its beginning, and so is one whose saved tree is gone.
            let begin = frontier.remove(&head.chain);
            let (range, last) = begin.unwrap_or_else(|| (CompactRange::new(), ZERO_HASH));
            if range.size() >= head.size {
                continue;
            }
            let is_whole = range.size() == 0;
            let mut walking = Walking {
                walk: Walk::after(range, last, *head),
                after: None,
                is_whole,
                is_clean: true,
            };
            while !self.read_page(&mut walking).await? {
                if self.shutdown.is_requested() {
                    return Ok(false);
                }
            }
        }
        self.checked_epoch = Some(number);
        let age_us = aal_service::times::now_us() - epoch.manifest.closed_us;
        self.show_age(age_us / 1_000_000);
        Ok(true)
    }

    fn show_age(&self, age_s: i64) {
        self.numbers.newest_checked_age_s.set(age_s.max(0));
        let oldest = self.complete_since.elapsed().as_secs();
        self.numbers.oldest_unchecked_s.set(oldest as i64);
    }

    /// Reads the next page of the cycle, or begins the next cycle.
    async fn cycle_on(&mut self) -> Result<(), ReadError> {
        let rest = self.rest_until.saturating_duration_since(Instant::now());
        let Some(epoch) = self.newest.as_ref().filter(|_| rest.is_zero()) else {
            let poll = Duration::from_millis(self.config.poll_ms.max(10));
            self.sleep(rest.min(poll).max(Duration::from_millis(10))).await;
            return Ok(());
        };
        let mut cycle = self.cycle.take().unwrap_or_else(|| Cycle {
            began: Instant::now(),
            heads: epoch.chains.iter().copied().collect(),
            current: None,
        });
        let walking = cycle.current.take().or_else(|| {
            cycle.heads.pop_front().map(|head| Walking {
                walk: Walk::whole(head),
                after: None,
                is_whole: true,
                is_clean: true,
            })
        });
        let Some(mut walking) = walking else {
            self.finish_cycle(&cycle);
            return Ok(());
        };
        let read = self.read_page(&mut walking).await;
        if !matches!(read, Ok(true)) {
            cycle.current = Some(walking);
        }
        self.cycle = Some(cycle);
        read.map(|_| ())
    }

    fn finish_cycle(&mut self, cycle: &Cycle) {
        self.numbers.cycles.inc();
        self.numbers.cycle_s.set(cycle.began.elapsed().as_secs() as i64);
        self.complete_since = cycle.began;
        self.show_age(self.numbers.newest_checked_age_s.get());
        self.rest_until = Instant::now() + Duration::from_millis(self.config.cycle_pause_ms);
        if self.incidents.standing() == 0 {
            self.component.up();
        } else {
            self.component
                .down(format!("{} incidents stand", self.incidents.standing()));
        }
    }

    /// Reads one page of a walk; says whether the walk is over.
    async fn read_page(&mut self, walking: &mut Walking) -> Result<bool, ReadError> {
        let began = Instant::now();
        let head = *walking.walk.head();
        let from = walking.walk.next_index();
        let limit = self.config.page_rows;
        let page = rows::page(&self.store, head.chain, from, head.size, walking.after, limit).await?;
        let page_read = Instant::now();
        // Everything that can fail is read before the walk goes on, so that a page is taken wholly or again.
        let hashes = self
            .sealed_hashes(&head, from, page.last().map(|(_, after)| after.0))
            .await?;
        let mut erased = None;
        let mut walk = walking.walk.clone();
        let mut found: Vec<(u64, Taken)> = Vec::with_capacity(page.len());
        for (record, _) in &page {
            let position = record
                .chain_index
                .checked_sub(from)
                .and_then(|at| usize::try_from(at).ok());
            let sealed = position.and_then(|position| hashes.get(position)).copied();
            let mut taken = walk.take(record, sealed);
            if !taken.absent_keys.is_empty() {
                if erased.is_none() {
                    let tenant = head.chain.tenant;
                    let keys = self
                        .explained
                        .erased_keys(&self.store, tenant, &taken.absent_keys);
                    erased = Some(keys.await?);
                }
                let named = erased.as_ref().into_iter().flatten().copied().collect();
                taken.explain(record.chain_index, record.event_id, &named);
            }
            if let Some((event_id, edge_us)) = taken.pruned {
                let run = PrunedRun::new(record.chain_index, edge_us);
                let told = self
                    .explained
                    .is_prune_told(&self.store, head.chain, &run, page_read);
                if !told.await? {
                    taken.faults.push(Fault::Record {
                        index: record.chain_index,
                        event_id,
                        what: "only the leaf is stored and no prune leaf allows that".to_owned(),
                    });
                }
            }
            found.push((record.chain_index, taken));
        }
        let (rows, is_last) = (page.len() as u64, (page.len() as u64) < limit);
        let at_end = if is_last { walk.end() } else { None };
        walking.after = page.last().map(|(_, after)| *after).or(walking.after);
        walking.walk = walk;
        self.numbers.rows.add(rows);
        if rows > 0 {
            self.last_row = Instant::now();
        }
        for (index, taken) in found {
            self.judge(head.chain, Some(index), &taken.faults, walking).await;
        }
        if let Some(fault) = at_end {
            self.judge(head.chain, None, &[fault], walking).await;
        }
        if is_last
            && walking.is_whole
            && walking.is_clean
            && walking.walk.agrees()
            && self.incidents.standing() > 0
        {
            let codes = [RECORD_MISSING, CHAIN_MISMATCH];
            log_untold(findings::end(&mut self.incidents, &codes, head.chain, None).await);
        }
        self.sleep(self.pace.pause(rows, began.elapsed())).await;
        Ok(is_last)
    }

    /// Makes incidents of faults, and an end to those of a record that is as it should be.
    async fn judge(&mut self, chain: ChainId, index: Option<u64>, faults: &[Fault], walking: &mut Walking) {
        for fault in faults {
            walking.is_clean = false;
            self.numbers.mismatches.inc();
            let incident = findings::incident_of(chain, fault);
            log_untold(self.incidents.begin(incident).await);
        }
        if faults.is_empty() && index.is_some() && self.incidents.standing() > 0 {
            log_untold(findings::end(&mut self.incidents, &[RECORD_MISMATCH], chain, index).await);
        }
    }

    /// Hashes of the sealed leaves from `from` to `last`, as far as there are tiles.
    async fn sealed_hashes(
        &self,
        head: &ChainHead,
        from: u64,
        last: Option<u64>,
    ) -> Result<Vec<Hash>, ReadError> {
        let Some(last) = last.map(|last| last.min(head.size - 1)) else {
            return Ok(Vec::new());
        };
        let mut hashes: Vec<Hash> = Vec::new();
        // A page spans few tiles unless rows are missing; then those in the hole need no hash.
        let most = self.config.page_rows as usize;
        while from + (hashes.len() as u64) <= last && hashes.len() <= most {
            let next = self.sealed.leaf_hashes(head, from + hashes.len() as u64).await?;
            if next.is_empty() {
                break;
            }
            hashes.extend(next);
        }
        Ok(hashes)
    }

    /// Checking nothing is an alarm, whatever the reason.
    async fn judge_silence(&mut self) {
        let is_silent = self.last_row.elapsed() > Duration::from_secs(self.config.alarm_after_s);
        self.numbers.stalled.set(i64::from(is_silent));
        let mut current = Vec::new();
        if is_silent {
            self.component.down("nothing is being checked");
            current.push(Incident {
                code: STALLED,
                about: Map::new(),
                reason: format!("no row was checked for {} s", self.config.alarm_after_s),
            });
        }
        if is_silent || self.incidents.standing() > 0 {
            log_untold(self.incidents.settle(&[STALLED], current).await);
        }
    }
}

impl Taken {
    /// Absent content that no erasure explains is a fault of the record.
    fn explain(&mut self, index: u64, event_id: Uuid, erased: &HashSet<Uuid>) {
        for key in unexplained(&self.absent_keys, erased) {
            self.faults.push(Fault::Record {
                index,
                event_id,
                what: format!(
                    "content under data key {key} is absent and no erasure_done leaf names that key"
                ),
            });
        }
    }
}

fn log_untold(told: Result<(), TellError>) {
    if let Err(error) = told {
        tracing::warn!(%error, "the ledger was not told of an incident; the next finding tells it again");
    }
}
