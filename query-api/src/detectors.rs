//! How texts of a tenant are redacted today, so that a question finds what is stored.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aal_control::{PolicyBook, Treatments};
use aal_ledger::{Hash, ZERO_HASH};
use aal_policy::Version;
use aal_redact::Detector;
use uuid::Uuid;

/// Detectors kept: each may hold a tenant's compiled patterns and lists.
const MOST_KEPT: usize = 64;

/// The detectors of all tenants.
#[derive(Debug)]
pub(crate) struct Detectors {
    builtin: Detector,
    /// By the digests of the application's policy and of the tenant's.
    made: Mutex<HashMap<(Hash, Hash), Detector>>,
}

impl Detectors {
    pub(crate) fn new(builtin: Detector) -> Self {
        Self {
            builtin,
            made: Mutex::default(),
        }
    }

    /// The one of those who made no policy.
    pub(crate) fn builtin(&self) -> &Detector {
        &self.builtin
    }

    /// Every way in which texts of a tenant are redacted at `at_us`; the built-in one first.
    pub(crate) fn of_tenant(&self, book: &PolicyBook, tenant: Uuid, at_us: i64) -> Vec<Detector> {
        let mut detectors = vec![self.builtin.clone()];
        for treatments in book.of_tenant(tenant, at_us) {
            let Some(detector) = self.made_of(&treatments) else {
                continue;
            };
            if detectors
                .iter()
                .all(|known| known.version() != detector.version())
            {
                detectors.push(detector);
            }
        }
        detectors
    }

    /// `None` when the rules do not compile: then nothing was stored by them either.
    fn made_of(&self, treatments: &Treatments) -> Option<Detector> {
        let digest = |version: &Option<Version>| version.as_ref().map_or(ZERO_HASH, |version| version.digest);
        let key = (digest(&treatments.policy), digest(&treatments.tenant_wide));
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(detector) = made.get(&key) {
            return Some(detector.clone());
        }
        let detector = self.builtin.with_rules(&treatments.rules()).ok()?;
        let detector = detector.keeping(&treatments.policy_or_default().kept());
        if made.len() >= MOST_KEPT {
            made.clear();
        }
        made.insert(key, detector.clone());
        Some(detector)
    }
}
