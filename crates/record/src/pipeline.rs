//! The versioned parts that make a record.

use std::sync::Arc;

use aal_policy::Policy;
use aal_pricing::PriceTable;
use aal_redact::{Budget, Detector, RuleError, TenantRules};
use sha2::{Digest, Sha256};

/// Detector, price table and policy, with the digest of their versions that every leaf names.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) detector: Detector,
    pub(crate) prices: &'static PriceTable,
    pub(crate) versions: Versions,
    pub(crate) policy: Arc<Policy>,
    /// Makes the limits of redaction from the length of an event's texts.
    pub(crate) budget: fn(usize) -> Budget,
    pub(crate) hash: [u8; 32],
}

#[derive(Clone, Debug)]
pub(crate) struct Versions {
    pub(crate) detector: String,
    /// Digest of the policy; empty where none was made.
    pub(crate) policy: String,
    pub(crate) program: &'static str,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pipeline")
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// The rules and prices built into this program.
    pub fn builtin() -> Pipeline {
        let detector = Detector::builtin();
        let prices = PriceTable::builtin();
        let versions = Versions {
            detector: hex::encode(detector.version()),
            policy: String::new(),
            program: env!("CARGO_PKG_VERSION"),
        };
        let hash = versions.hash(prices.version());
        Pipeline {
            detector,
            prices,
            versions,
            policy: Arc::default(),
            budget: Budget::for_bytes,
            hash,
        }
    }

    /// This pipeline under a policy and a tenant's rules; `None`: no policy was made, the defaults hold.
    ///
    /// # Errors
    /// The rules do not compile.
    pub fn with_policy(
        &self,
        policy: Option<&Arc<Policy>>,
        rules: &TenantRules,
    ) -> Result<Pipeline, RuleError> {
        let mut versions = self.versions.clone();
        versions.policy = policy.map_or_else(String::new, |policy| hex::encode(policy.digest()));
        let policy = policy.map(Arc::clone).unwrap_or_default();
        let detector = self.detector.with_rules(rules)?.keeping(&policy.kept());
        versions.detector = hex::encode(detector.version());
        Ok(Pipeline {
            detector,
            prices: self.prices,
            hash: versions.hash(self.prices.version()),
            versions,
            policy,
            budget: self.budget,
        })
    }

    /// This pipeline with other limits of redaction, made from the length of an event's texts in bytes.
    pub fn with_budget(&self, budget: fn(usize) -> Budget) -> Pipeline {
        Pipeline {
            budget,
            ..self.clone()
        }
    }

    /// Digest of the detector's rules and lists, hexadecimal.
    pub fn detector_version(&self) -> &str {
        &self.versions.detector
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Version of the price table; it holds a digest of the table.
    pub fn price_version(&self) -> &'static str {
        self.prices.version()
    }

    /// Version of this program.
    pub fn program_version(&self) -> &'static str {
        self.versions.program
    }

    /// The leaf's `pipeline_hash`.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }
}

impl Versions {
    /// Digest of the RFC 8785 form of the list of versions; the strings hold no character that needs escaping.
    fn hash(&self, prices: &str) -> [u8; 32] {
        let mut list = format!("[\"{}\",\"{}\",\"{}\"", self.detector, prices, self.program);
        if !self.policy.is_empty() {
            list.push_str(&format!(",\"{}\"", self.policy));
        }
        list.push(']');
        Sha256::digest(list.as_bytes()).into()
    }
}
