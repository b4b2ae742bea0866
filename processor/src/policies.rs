//! Which policy an event is treated by: that of its application, in force at the time of its message.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aal_control::{Control, ControlError, PolicyBook, Treatments};
use aal_event::Event;
use aal_ledger::{Hash, ZERO_HASH};
use aal_record::Pipeline;
use aal_redact::RuleError;

/// Pipelines kept: each may hold a tenant's compiled patterns and lists.
const MOST_KEPT: usize = 256;

/// Why it is not known how to treat an event. Nothing is recorded then: the shard waits and tries again.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    #[error("policies: {0}")]
    Control(#[from] ControlError),
    #[error("a tenant's rules do not compile in this program: {0}")]
    Rules(#[from] RuleError),
}

/// Digests of the application's policy and of the tenant's; zeros: none.
type Key = (Hash, Hash);

/// The pipelines of all policies.
#[derive(Clone)]
pub struct Policies {
    base: Arc<Pipeline>,
    book: PolicyBook,
    made: Arc<Mutex<HashMap<Key, Arc<Pipeline>>>>,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Policies").finish_non_exhaustive()
    }
}

impl Policies {
    /// `base` is the pipeline of those who made no policy.
    pub fn new(base: Pipeline, control: Control) -> Policies {
        Policies {
            base: Arc::new(base),
            book: PolicyBook::new(control),
            made: Arc::default(),
        }
    }

    /// The pipeline of those who made no policy.
    pub fn base(&self) -> &Pipeline {
        &self.base
    }

    /// The pipeline of each event, in their order; beside an event stands the time of its message.
    ///
    /// # Errors
    /// [`PoliciesError`].
    pub async fn pipelines<'e>(
        &self,
        events: impl Iterator<Item = (&'e Event, i64)>,
        now_us: i64,
    ) -> Result<Vec<Arc<Pipeline>>, PoliciesError> {
        let events: Vec<(&Event, i64)> = events.collect();
        let Some(latest_us) = events.iter().map(|(_, at_us)| *at_us).max() else {
            return Ok(Vec::new());
        };
        let mut applications: Vec<_> = events
            .iter()
            .map(|(event, _)| (event.tenant, event.application.as_str()))
            .collect();
        applications.sort_unstable();
        applications.dedup();
        self.book.refresh(&applications, latest_us, now_us).await?;
        let mut pipelines = Vec::with_capacity(events.len());
        for (event, at_us) in events {
            pipelines.push(self.pipeline(event, at_us)?);
        }
        Ok(pipelines)
    }

    fn pipeline(&self, event: &Event, at_us: i64) -> Result<Arc<Pipeline>, RuleError> {
        let mut treatments = self.book.at(event.tenant, &event.application, at_us);
        if event.kind.is_system() {
            // What services tell is no application's; only the tenant's own patterns count.
            treatments.policy = None;
        }
        self.made_of(&treatments)
    }

    fn made_of(&self, treatments: &Treatments) -> Result<Arc<Pipeline>, RuleError> {
        let digest = |version: &Option<aal_policy::Version>| {
            version.as_ref().map_or(ZERO_HASH, |version| version.digest)
        };
        let key = (digest(&treatments.policy), digest(&treatments.tenant_wide));
        if key == (ZERO_HASH, ZERO_HASH) {
            return Ok(Arc::clone(&self.base));
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = made.get(&key) {
            return Ok(Arc::clone(pipeline));
        }
        let policy = treatments.policy.as_ref().map(|version| &version.policy);
        let pipeline = Arc::new(self.base.with_policy(policy, &treatments.rules())?);
        if made.len() >= MOST_KEPT {
            made.clear();
        }
        made.insert(key, Arc::clone(&pipeline));
        Ok(pipeline)
    }
}
