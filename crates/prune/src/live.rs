//! A running installation: control store, record store and log.

use aal_control::{Control, ControlError, TenantScope};
use aal_event::{Event, Kind, SystemEvent};
use aal_kafka::{EVENTS, Producer, SendError};
use aal_store::{Rewriting, Store, StoreError};
use uuid::Uuid;

use crate::plan::Plan;
use crate::request::{Prune, Stage};
use crate::rows::{self, Terms};
use crate::runner::stored;

/// Why a step was not done; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("the event does not encode: {0}")]
    Encode(#[from] aal_event::AvroError),
    #[error("the record store cannot rewrite the rows: {0}")]
    Rewriting(String),
    #[error(
        "{0} of the records must stay by a legal hold or a rule that came since; it goes on when they may go"
    )]
    MustStay(u64),
    #[error("another process changed the request; it is read again")]
    Overtaken,
}

/// A running installation.
#[derive(Clone)]
pub struct Live {
    pub control: Control,
    pub store: Store,
    pub producer: Producer,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Live {
    /// What may go of a tenant's records, with the holds that stand.
    ///
    /// # Errors
    /// A store does not answer.
    pub async fn plan(&self, tenant: Uuid, now_us: i64) -> Result<(Plan, Vec<Uuid>), LiveError> {
        let terms = self.terms(tenant, now_us).await?;
        let holds = terms.holds.iter().map(|hold| hold.id).collect();
        Ok((rows::plan(&self.store, terms, None).await?, holds))
    }

    async fn terms(&self, tenant: Uuid, now_us: i64) -> Result<Terms, LiveError> {
        let scope = TenantScope::One(tenant);
        let holds = self.control.holds(scope, false).await?;
        let mut keys = Vec::with_capacity(holds.len());
        for hold in &holds {
            let mut of_hold = Vec::new();
            for lookup in &hold.lookups {
                let found = self.control.subject_key(tenant, lookup).await?;
                of_hold.extend(found.map(|key| key.subject_key_id));
            }
            keys.push(of_hold);
        }
        Ok(Terms {
            tenant,
            rules: self.control.retention_rules(scope).await?,
            now_us,
            holds,
            keys,
        })
    }

    /// Goes on with one prune as far as possible; notes in it why it does not go on.
    ///
    /// # Errors
    /// What could not be done; it is tried again.
    pub async fn go_on(&self, prune: &mut Prune, now_us: i64) -> Result<(), LiveError> {
        let done = self.advance(prune, now_us).await;
        if let Err(error) = &done
            && !matches!(error, LiveError::Overtaken)
        {
            tracing::warn!(prune = %prune.id, stage = prune.stage.as_str(), %error, "prune does not go on");
            if prune.stuck(&error.to_string()) {
                self.control.prunes().save(&stored(prune)).await?;
            }
        }
        done
    }

    /// Every step may be repeated: a crash between the effect and the saved document leads to the same effect once more.
    async fn advance(&self, prune: &mut Prune, now_us: i64) -> Result<(), LiveError> {
        loop {
            match prune.stage {
                Stage::Planned | Stage::Done | Stage::Cancelled => return Ok(()),
                Stage::Approved => {
                    let (plan, holds) = self.plan(prune.tenant, prune.requested_us).await?;
                    prune.planned_again(plan, holds, now_us);
                }
                Stage::Recording => {
                    self.tell(prune).await?;
                    let wanted: Vec<Uuid> = prune.leaves().into_iter().map(|(id, _)| id).collect();
                    if rows::stored(&self.store, prune.tenant, &wanted).await? < wanted.len() {
                        return Ok(());
                    }
                    prune.leave(Stage::Removing, now_us);
                }
                Stage::Removing => {
                    if !self.is_emptied(prune).await? {
                        return Ok(());
                    }
                    prune.emptied_s = self.store.now_s().await?;
                    prune.leave(Stage::Parts, now_us);
                }
                Stage::Parts => {
                    if self.store.old_parts(prune.emptied_s).await? > 0 {
                        return Ok(());
                    }
                    prune.leave(Stage::Done, now_us);
                }
            }
            prune.trouble.clear();
            if !self.control.prunes().save(&stored(prune)).await? {
                return Err(LiveError::Overtaken);
            }
            prune.version += 1;
        }
    }

    /// Puts the leaves on the log. Told again, they are duplicates.
    async fn tell(&self, prune: &Prune) -> Result<(), LiveError> {
        for (event_id, detail) in prune.leaves() {
            let event: Event = SystemEvent {
                kind: Kind::Prune,
                event_id,
                tenant: prune.tenant,
                actor: "pruner",
                action: "prune",
                target: None,
                reason: None,
                detail,
                occurred_at_us: prune.approval.as_ref().map(|approval| approval.at_us),
            }
            .into_event();
            let bytes = aal_event::encode(&event)?;
            self.producer
                .send(EVENTS, event.kafka_key().as_bytes(), &bytes)
                .await?;
        }
        Ok(())
    }

    /// Whether nothing is left of the records but their leaves.
    async fn is_emptied(&self, prune: &Prune) -> Result<bool, LiveError> {
        let chains = &prune.plan.chains;
        let left = rows::left(&self.store, prune.tenant, chains).await?;
        if left == 0 {
            return Ok(true);
        }
        // Holds once more, as late as possible: what is gone does not come back.
        let terms = self.terms(prune.tenant, prune.requested_us).await?;
        let allowed = rows::plan(&self.store, terms, Some(chains)).await?.records;
        if allowed < left {
            return Err(LiveError::MustStay(left - allowed));
        }
        match rows::empty(&self.store, prune.tenant, chains, prune.id).await? {
            Rewriting::Failing(reason) => Err(LiveError::Rewriting(reason)),
            Rewriting::Running => Ok(false),
            Rewriting::Done => Ok(true),
        }
    }

    /// Empties what a restored backup brought back: rows that `prune` leaves name and that are whole again.
    pub(crate) async fn again(&self) -> Result<(), LiveError> {
        for (tenant, chain) in rows::in_ledger(&self.store).await? {
            let chains = [chain];
            let left = rows::left(&self.store, tenant, &chains).await?;
            if left == 0 || self.is_under_way(tenant).await? {
                continue;
            }
            tracing::error!(%tenant, shard = chains[0].shard, records = left, "pruned records are back; they are removed again");
            if let Rewriting::Failing(reason) = rows::empty(&self.store, tenant, &chains, Uuid::nil()).await?
            {
                return Err(LiveError::Rewriting(reason));
            }
        }
        Ok(())
    }

    /// Whether a prune of the tenant has told its leaves and is not finished: it looks after its rows, and after holds.
    async fn is_under_way(&self, tenant: Uuid) -> Result<bool, LiveError> {
        let open = self.control.prunes().open(None, 10_000).await?;
        Ok(open.iter().any(|prune| prune.tenant == tenant))
    }
}
