//! What happens to an application's calls when auditing is impossible: `policy.capture` of the control store, through a
//! short cache.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aal_control::Control;
use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use super::config::CapturePolicy;
use crate::auth::{Caller, DirectoryError};

const FRESH: Duration = Duration::from_secs(10);
/// Member of the application's policy object.
const MEMBER: &str = "capture";

/// Where an application's policy is looked up.
#[async_trait]
pub(crate) trait PolicyDirectory: Send + Sync + 'static {
    /// The application's policy object; `None` when it was never registered.
    async fn policy(&self, caller: &Caller) -> Result<Option<Value>, DirectoryError>;
}

#[async_trait]
impl PolicyDirectory for Control {
    async fn policy(&self, caller: &Caller) -> Result<Option<Value>, DirectoryError> {
        let found = self
            .application(caller.tenant, &caller.application)
            .await
            .map_err(|error| DirectoryError(error.to_string()))?;
        Ok(found.map(|application| application.policy))
    }
}

/// Tenant and application.
type ApplicationKey = (Uuid, Arc<str>);

/// Policies by application.
pub(crate) struct Policies {
    directory: Arc<dyn PolicyDirectory>,
    default: CapturePolicy,
    known: Mutex<HashMap<ApplicationKey, (CapturePolicy, Instant)>>,
}

impl Policies {
    pub(crate) fn new(directory: Arc<dyn PolicyDirectory>, default: CapturePolicy) -> Self {
        Self {
            directory,
            default,
            known: Mutex::default(),
        }
    }

    /// The caller's policy. While the control store does not answer, the one last seen counts.
    pub(crate) async fn of(&self, caller: &Caller) -> CapturePolicy {
        let key = (caller.tenant, Arc::clone(&caller.application));
        let known = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&key).copied()
        };
        if let Some((policy, seen_at)) = known
            && seen_at.elapsed() < FRESH
        {
            return policy;
        }
        let policy = match self.directory.policy(caller).await {
            Ok(object) => read(object.as_ref(), self.default, caller),
            Err(error) => {
                tracing::warn!(%error, "capture policy not read; the last known one stays");
                known.map_or(self.default, |(policy, _)| policy)
            }
        };
        // Only callers with a valid key get here, so the map is no larger than the number of applications.
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(key, (policy, Instant::now()));
        policy
    }
}

fn read(object: Option<&Value>, default: CapturePolicy, caller: &Caller) -> CapturePolicy {
    let Some(said) = object
        .and_then(|object| object.get(MEMBER))
        .filter(|said| !said.is_null())
    else {
        return default;
    };
    said.as_str().and_then(CapturePolicy::from_name).unwrap_or_else(|| {
        // Whoever sets it wants more than the default gives; a typing error must not weaken it.
        tracing::warn!(application = %caller.application, %said, "policy.capture must be fail_open or fail_closed; taken as fail_closed");
        CapturePolicy::FailClosed
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_policy_object_is_read_and_a_misspelt_one_is_the_strict_one() {
        let caller = Caller {
            tenant: Uuid::nil(),
            application: "a".into(),
        };
        let of = |object: Value| read(Some(&object), CapturePolicy::FailOpen, &caller);
        assert_eq!(of(json!({})), CapturePolicy::FailOpen);
        assert_eq!(of(json!({"capture": "fail_closed"})), CapturePolicy::FailClosed);
        assert_eq!(of(json!({"capture": "fail_open"})), CapturePolicy::FailOpen);
        assert_eq!(of(json!({"capture": "fail-open"})), CapturePolicy::FailClosed);
        assert_eq!(
            read(None, CapturePolicy::FailClosed, &caller),
            CapturePolicy::FailClosed
        );
    }
}
