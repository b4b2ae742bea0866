//! Policies at hand: versions read from the store, kept as long as nothing newer can hold, and found by the time of the
//! message they are for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aal_policy::{CACHE_US, FIRST_DELAY_US, Policy, TENANT_WIDE, Version, in_force};
use aal_redact::TenantRules;
use uuid::Uuid;

use crate::error::ControlError;
use crate::policies::PolicyVersion;
use crate::store::Control;

/// Versions written so long before the newest one that was read are read again: their transactions may have ended in
/// another order than they began.
const OVERLAP_US: i64 = 60_000_000;

/// What holds for one application at one time.
#[derive(Clone, Debug, Default)]
pub struct Treatments {
    /// The application's policy, else its tenant's; none: nobody made one, the defaults hold.
    pub policy: Option<Version>,
    /// The tenant's policy, for its patterns and lists.
    pub tenant_wide: Option<Version>,
}

impl Treatments {
    /// The tenant's patterns and lists.
    pub fn rules(&self) -> TenantRules {
        self.tenant_wide
            .as_ref()
            .map_or_else(TenantRules::default, |version| version.policy.rules.clone())
    }

    /// The policy, or the default one.
    pub fn policy_or_default(&self) -> Arc<Policy> {
        self.policy
            .as_ref()
            .map_or_else(Arc::default, |version| Arc::clone(&version.policy))
    }
}

type Key = (Uuid, String);

#[derive(Debug, Default)]
struct State {
    /// When the last reading began; none before the first.
    read_us: Option<i64>,
    newest_us: i64,
    /// In order of their numbers, from 1, and so of their times.
    versions: HashMap<Key, Vec<Version>>,
}

/// The policies of all tenants.
#[derive(Clone, Debug)]
pub struct PolicyBook {
    control: Control,
    state: Arc<Mutex<State>>,
}

impl PolicyBook {
    /// An empty book; [`PolicyBook::refresh`] fills it.
    pub fn new(control: Control) -> PolicyBook {
        PolicyBook {
            control,
            state: Arc::default(),
        }
    }

    /// Makes sure that the book knows every version in force at `latest_us` for these applications. `now_us` is this
    /// machine's time.
    ///
    /// # Errors
    /// The database, or a version that this program does not understand. Nothing may be treated by what the book
    /// holds then.
    pub async fn refresh(
        &self,
        applications: &[(Uuid, &str)],
        latest_us: i64,
        now_us: i64,
    ) -> Result<(), ControlError> {
        if !self.is_stale(applications, latest_us) {
            return Ok(());
        }
        let since_us = {
            let state = self.lock();
            state.read_us.map_or(i64::MIN, |_| state.newest_us - OVERLAP_US)
        };
        let read = self.control.policy_versions_since(since_us).await?;
        let mut state = self.lock();
        for version in read {
            state.add(version)?;
        }
        state.read_us = Some(state.read_us.map_or(now_us, |before| before.max(now_us)));
        Ok(())
    }

    fn is_stale(&self, applications: &[(Uuid, &str)], latest_us: i64) -> bool {
        let state = self.lock();
        let Some(read_us) = state.read_us else { return true };
        if latest_us >= read_us + CACHE_US {
            return true;
        }
        // A first version comes into force sooner than a change; who has none yet may have one since.
        let may_be_new = latest_us + FIRST_DELAY_US >= read_us;
        may_be_new
            && applications.iter().any(|(tenant, application)| {
                let knows = |name: &str| state.versions.contains_key(&(*tenant, name.to_owned()));
                !knows(application) || !knows(TENANT_WIDE)
            })
    }

    /// What holds for an application at a time that [`PolicyBook::refresh`] covered.
    pub fn at(&self, tenant: Uuid, application: &str, at_us: i64) -> Treatments {
        let state = self.lock();
        let of = |name: &str| {
            let versions = state.versions.get(&(tenant, name.to_owned()))?;
            in_force(versions, at_us).cloned()
        };
        let tenant_wide = of(TENANT_WIDE);
        Treatments {
            policy: of(application).or_else(|| tenant_wide.clone()),
            tenant_wide,
        }
    }

    /// What holds for each application of a tenant that has a policy, and for those that have none.
    pub fn of_tenant(&self, tenant: Uuid, at_us: i64) -> Vec<Treatments> {
        let names: Vec<String> = {
            let state = self.lock();
            let keys = state.versions.keys().filter(|(owner, _)| *owner == tenant);
            keys.map(|(_, name)| name.clone()).collect()
        };
        names.iter().map(|name| self.at(tenant, name, at_us)).collect()
    }

    /// What holds for an application now.
    ///
    /// # Errors
    /// As [`PolicyBook::refresh`].
    pub async fn current(
        &self,
        tenant: Uuid,
        application: &str,
        now_us: i64,
    ) -> Result<Treatments, ControlError> {
        self.refresh(&[(tenant, application)], now_us, now_us).await?;
        Ok(self.at(tenant, application, now_us))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held; a poisoned map would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, stored: PolicyVersion) -> Result<(), ControlError> {
        let key = (stored.tenant, stored.application);
        let is_tenant_wide = key.1 == TENANT_WIDE;
        let known = self.versions.entry(key).or_default();
        self.newest_us = self.newest_us.max(stored.created_us);
        let next = known.len() as i64 + 1;
        if stored.number < next {
            return Ok(());
        }
        let corrupt = || ControlError::Corrupt {
            what: "policy",
            value: stored.digest.clone(),
        };
        if stored.number > next {
            return Err(corrupt());
        }
        let policy = Policy::from_canonical(&stored.policy, is_tenant_wide).map_err(|_| corrupt())?;
        known.push(Version {
            effective_us: stored.effective_us,
            digest: policy.digest(),
            policy: Arc::new(policy),
        });
        Ok(())
    }
}
