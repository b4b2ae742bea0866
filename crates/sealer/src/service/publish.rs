//! The background tasks that tell witnesses and authorities of sealed epochs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aal_ledger::{TrustPolicy, WitnessPolicy};
use aal_service::metrics::{Counter, Gauge};
use aal_service::{Metrics, Shutdown};
use object_store::ObjectStore;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::ServiceError;
use super::config::{Config, TimestampConfig, WitnessConfig};
use crate::evidence::Evidence;
use crate::publish::{Authority, Timestamping, Witnessing, peers_of};
use crate::{Anchor, Objects};

type Store = Arc<dyn ObjectStore>;

/// Where the sealing loop says what it sealed.
pub(super) struct Publishing {
    sealed: watch::Sender<Option<u64>>,
    tasks: Vec<JoinHandle<()>>,
}

struct WitnessNumbers {
    name: String,
    lag: Gauge,
    failures: Counter,
    alarms: Counter,
}

impl Publishing {
    /// Starts what is configured; nothing, when nothing is.
    pub(super) fn start(
        config: &Config,
        trust: Option<&TrustPolicy>,
        objects: &Store,
        evidence: &Evidence,
        metrics: &Metrics,
        shutdown: &Shutdown,
    ) -> Result<Publishing, ServiceError> {
        let (sealed, changes) = watch::channel(None);
        let mut tasks = Vec::new();
        let anchor = || Anchor::new(Arc::clone(objects), "");
        if let Some(witnesses) = &config.witnesses
            && let Some(policy) = witness_policy(witnesses, trust)?
        {
            let peers = peers_of(&policy, Duration::from_millis(witnesses.timeout_ms));
            let peers = peers.map_err(|error| ServiceError::Witnesses(error.to_string()))?;
            if peers.is_empty() {
                let what = "no witness of the policy has a URL; write it behind the witness's key";
                return Err(ServiceError::Witnesses(what.to_owned()));
            }
            let witnessing = Witnessing::new(anchor(), policy, peers, evidence.clone());
            let every = witnesses.every_epochs.max(1);
            tasks.push(tokio::spawn(tell_witnesses(
                witnessing,
                every,
                changes.clone(),
                metrics.clone(),
                shutdown.clone(),
            )));
        }
        if !config.timestamps.is_empty() {
            let authorities: Result<Vec<Authority>, _> = config
                .timestamps
                .iter()
                .map(|entry| authority(entry, trust))
                .collect();
            let authorities = authorities.map_err(|error| ServiceError::Timestamps(error.to_string()))?;
            let timestamping = Arc::new(Timestamping::new(anchor(), authorities, evidence.clone()));
            for (position, entry) in config.timestamps.iter().enumerate() {
                let interval = Duration::from_secs(entry.interval_s.max(1));
                tasks.push(tokio::spawn(tell_authority(
                    Arc::clone(&timestamping),
                    position,
                    interval,
                    changes.clone(),
                    metrics.clone(),
                    shutdown.clone(),
                )));
            }
        }
        Ok(Publishing { sealed, tasks })
    }

    /// Says that an epoch is sealed. Never waits: who is still busy with an earlier one takes the newest next.
    pub(super) fn sealed(&self, epoch: u64) {
        self.sealed.send_replace(Some(epoch));
    }

    /// Ends the tasks; their requests are cut off.
    pub(super) fn stop(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn witness_policy(
    config: &WitnessConfig,
    trust: Option<&TrustPolicy>,
) -> Result<Option<WitnessPolicy>, ServiceError> {
    let Some(file) = &config.policy else {
        return Ok(trust.and_then(|trust| trust.witness_policy.clone()));
    };
    read_witness_policy(file).map(Some)
}

fn read_witness_policy(file: &Path) -> Result<WitnessPolicy, ServiceError> {
    let failed = |reason: String| ServiceError::Policy {
        file: file.display().to_string(),
        reason,
    };
    let text = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    WitnessPolicy::parse(&text).map_err(|error| failed(error.to_string()))
}

fn authority(
    entry: &TimestampConfig,
    trust: Option<&TrustPolicy>,
) -> Result<Authority, crate::publish::StampError> {
    let pinned = trust.and_then(|trust| {
        trust
            .timestamp_authorities
            .iter()
            .find(|pinned| pinned.name == entry.name)
    });
    let timeout = Duration::from_millis(entry.timeout_ms);
    Authority::new(&entry.name, &entry.url, timeout, pinned)
}

/// The next epoch that is at least `every` after the last one; `None` at the end.
async fn next_epoch(
    changes: &mut watch::Receiver<Option<u64>>,
    last: Option<u64>,
    every: u64,
    shutdown: &Shutdown,
) -> Option<u64> {
    loop {
        let waited = shutdown.unless_requested(changes.changed()).await?;
        waited.ok()?;
        let newest = *changes.borrow_and_update();
        let is_due = |epoch: &u64| last.is_none_or(|last| *epoch >= last.saturating_add(every));
        if let Some(epoch) = newest.filter(is_due) {
            return Some(epoch);
        }
    }
}

async fn tell_witnesses<O: Objects>(
    mut witnessing: Witnessing<O>,
    every: u64,
    mut changes: watch::Receiver<Option<u64>>,
    metrics: Metrics,
    shutdown: Shutdown,
) {
    let mut numbers: Vec<WitnessNumbers> = witnessing
        .names()
        .into_iter()
        .map(|name| WitnessNumbers {
            lag: metrics.gauge(
                "aal_sealer_witness_lag_epochs",
                "sealed epochs since this witness cosigned last",
                &[("witness", &name)],
            ),
            failures: metrics.counter(
                "aal_sealer_witness_failures_total",
                "rounds in which this witness did not cosign",
                &[("witness", &name)],
            ),
            alarms: metrics.counter(
                "aal_sealer_witness_alarms_total",
                "rounds in which this witness knew another or a longer history of the log",
                &[("witness", &name)],
            ),
            name,
        })
        .collect();
    let cosigned_epoch = metrics.gauge(
        "aal_sealer_cosigned_epoch",
        "newest epoch that a quorum of witnesses cosigned; -1 before the first since the start",
        &[],
    );
    cosigned_epoch.set(-1);
    let mut last = None;
    while let Some(epoch) = next_epoch(&mut changes, last, every, &shutdown).await {
        let behind = last.map_or(1, |last| epoch.saturating_sub(last));
        last = Some(epoch);
        let round = match witnessing.round(epoch).await {
            Ok(round) => round,
            Err(error) => {
                tracing::error!(epoch, %error, "witnesses were not asked");
                continue;
            }
        };
        for number in &mut numbers {
            if round.cosigned.contains(&number.name) {
                number.lag.set(0);
            } else {
                number.lag.add(i64::try_from(behind).unwrap_or(i64::MAX));
                number.failures.inc();
            }
            if round.alarms.iter().any(|(name, _)| *name == number.name) {
                number.alarms.inc();
            }
        }
        for (witness, reason) in &round.failed {
            tracing::warn!(epoch, witness, reason, "witness did not cosign");
        }
        for (witness, alarm) in &round.alarms {
            tracing::error!(
                epoch,
                witness,
                ?alarm,
                "witness contradicts this log: find out why before anything else"
            );
        }
        if round.is_stored {
            cosigned_epoch.set(i64::try_from(epoch).unwrap_or(i64::MAX));
        }
    }
}

async fn tell_authority<O: Objects>(
    timestamping: Arc<Timestamping<O>>,
    position: usize,
    interval: Duration,
    mut changes: watch::Receiver<Option<u64>>,
    metrics: Metrics,
    shutdown: Shutdown,
) {
    let name = timestamping.names().get(position).cloned().unwrap_or_default();
    let stored = metrics.counter(
        "aal_sealer_timestamps_total",
        "timestamps stored",
        &[("authority", &name)],
    );
    let failures = metrics.counter(
        "aal_sealer_timestamp_failures_total",
        "timestamps that were asked for and not stored",
        &[("authority", &name)],
    );
    let mut last = None;
    while let Some(epoch) = next_epoch(&mut changes, last, 1, &shutdown).await {
        last = Some(epoch);
        match timestamping.stamp(epoch, position).await {
            Ok(()) => stored.inc(),
            Err(error) => {
                failures.inc();
                tracing::warn!(epoch, authority = name, %error, "no timestamp");
            }
        }
        if shutdown
            .unless_requested(tokio::time::sleep(interval))
            .await
            .is_none()
        {
            return;
        }
        // What was sealed meanwhile counts: the newest is taken at once.
        changes.mark_changed();
    }
}
