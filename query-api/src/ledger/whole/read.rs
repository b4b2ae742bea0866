//! Reads everything that the verifier needs, in its order: the checkpoint first, since what was sealed when it was
//! signed must be found by what is read after it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use aal_control::TenantScope;
use aal_ledger::TrustPolicy;
use aal_ledger::tile::number_path;
use aal_service::Problem;
use aal_verify::Witnessed;
use http::StatusCode;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::App;
use crate::ledger::damage::Unreadable;
use crate::ledger::epochs;
use crate::ledger::export::{Pages, stored_chains};
use crate::ledger::whole::earlier_head;
use crate::ledger::whole::job::{Job, KnownHead};
use crate::ledger::whole::run::{Feed, ReadError};
use crate::ledger::witnessed::witnessed_to;
use crate::scope::Scope;

struct Feeder(mpsc::Sender<Feed>);

impl Feeder {
    async fn feed(&self, feed: Feed) -> Result<(), ReadError> {
        self.0.send(feed).await.map_err(|_| ReadError::NobodyChecks)
    }

    /// What is there and cannot be used is the verdicts' business; a store that is away ends the verification.
    async fn readable<T>(&self, read: Result<T, Problem>) -> Result<Option<T>, ReadError> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(problem) if problem.status == StatusCode::INTERNAL_SERVER_ERROR.as_u16() => {
                self.feed(Feed::Unreadable(problem.detail)).await?;
                Ok(None)
            }
            Err(problem) => Err(problem.into()),
        }
    }
}

/// All of it. The caller bounds the time.
pub(super) async fn everything(
    app: &Arc<App>,
    scope: &Scope,
    job: &Job,
    policy: &TrustPolicy,
    feeds: mpsc::Sender<Feed>,
) -> Result<(), ReadError> {
    let feeder = Feeder(feeds);
    if let Some(earlier) = earlier_head(app, scope, policy).await? {
        job.set_earlier(earlier.verification, earlier.epoch);
        feeder.feed(Feed::Checkpoint(earlier.checkpoint)).await?;
    }
    let wants_witness = policy.witness_policy.is_some() && policy.max_witness_delay_s == 0;
    if let Some((number, witnessed)) = head(app, &feeder, wants_witness).await? {
        let name = format!("epoch/{}/checkpoint", number_path(number));
        let checkpoint = app.anchors.shown(&name).await?;
        if let Some(checkpoint) = &checkpoint {
            job.set_known_head(KnownHead {
                epoch: number,
                checkpoint: checkpoint.clone(),
            });
        }
        feeder.feed(Feed::CheckpointOf(number, checkpoint)).await?;
        feeder.feed(Feed::Witnessed(number, witnessed)).await?;
        manifests(app, scope, job, &feeder, number).await?;
    }
    chains(app, scope, job, &feeder).await
}

/// The newest epoch and what others said up to it. Where each epoch must be witnessed, they get some time to answer.
async fn head(
    app: &App,
    feeder: &Feeder,
    wants_witness: bool,
) -> Result<Option<(u64, Witnessed)>, ReadError> {
    let deadline = Instant::now() + Witnessed::PATIENCE;
    loop {
        let Some(number) = app.anchors.tip().await? else {
            return Ok(None);
        };
        let witnessed = witnessed_to(&app.anchors, number).await;
        let witnessed = feeder.readable(witnessed).await?.unwrap_or_default();
        if !wants_witness || witnessed.covers(number) || Instant::now() >= deadline {
            return Ok(Some((number, witnessed)));
        }
        tokio::time::sleep(Witnessed::POLL).await;
    }
}

async fn manifests(app: &App, scope: &Scope, job: &Job, feeder: &Feeder, last: u64) -> Result<(), ReadError> {
    job.progress.epochs.store(last.saturating_add(1), Relaxed);
    // Heads name the chains of every tenant.
    let with_heads = scope.tenants == TenantScope::All;
    for number in 0..=last {
        let shown = epochs::shown(app, number, with_heads && number == last).await?;
        let is_end = shown.manifest.is_none();
        if let Some(text) = shown.manifest {
            feeder.feed(Feed::Manifest(text)).await?;
        }
        if let Some(what) = shown.missing {
            feeder
                .feed(Feed::Missing(format!("{what} of epoch {number}")))
                .await?;
        }
        if let Some(heads) = shown.heads {
            feeder.feed(Feed::Heads(heads)).await?;
        }
        job.progress.epochs_read.fetch_add(1, Relaxed);
        if is_end {
            // Nothing behind a hole can be judged.
            return Ok(());
        }
    }
    Ok(())
}

async fn chains(app: &Arc<App>, scope: &Scope, job: &Job, feeder: &Feeder) -> Result<(), ReadError> {
    let chains = match stored_chains(app, scope).await {
        Ok(chains) => chains,
        Err(Unreadable::Damaged(what)) => return feeder.feed(Feed::Damaged(what)).await,
        Err(Unreadable::Away(problem)) => return Err(problem.into()),
    };
    job.progress.chains.store(chains.len() as u64, Relaxed);
    job.progress
        .records
        .store(chains.iter().map(|chain| chain.size).sum(), Relaxed);
    for chain in chains {
        let one = scope.narrowed(Some(chain.tenant))?;
        let mut pages = Pages::new(Arc::clone(app), one, chain.shard, 0, u64::MAX);
        loop {
            match pages.next().await {
                Ok(Some(row)) => feeder.feed(Feed::Record(Box::new(row))).await?,
                Ok(None) => break,
                Err(Unreadable::Damaged(what)) => {
                    feeder.feed(Feed::Damaged(what)).await?;
                    break;
                }
                Err(Unreadable::Away(problem)) => return Err(problem.into()),
            }
            job.progress.records_read.fetch_add(1, Relaxed);
        }
        job.progress.chains_read.fetch_add(1, Relaxed);
    }
    Ok(())
}
