//! What is done with the personal data of one application: which texts are stored and how, which kinds of values are
//! sealed, destroyed or kept, and who may see what again.
//!
//! Pure. A [`Policy`] is read strictly from JSON, and its [`Policy::digest`] is its version: records name it, so equal
//! digests mean equal treatment.
//!
//! Which policy holds for a message is decided by the message's own time ([`in_force`]): a replay finds the same one.

mod capture;
mod history;
mod mode;
mod parse;
mod reveal;
mod treatment;

use std::collections::{BTreeMap, BTreeSet};

use aal_ledger::{Hash, hash::sha256, jcs};
use aal_redact::{Entity, TenantRules};
use serde_json::{Map, Value, json};

pub use capture::Capture;
pub use history::{CACHE_US, CHANGE_DELAY_US, FIRST_DELAY_US, TENANT_WIDE, Version, effective_us, in_force};
pub use mode::{ContentMode, Field};
pub use parse::{MAX_POLICY_BYTES, PolicyError};
pub use reveal::{PURPOSES, RevealRole, What, is_purpose};
pub use treatment::Treatment;

/// The policy of one application, or of a tenant for all applications that have none of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Everything of the application is protected health information.
    pub phi: bool,
    /// What is stored of its texts; none: `sealed` where there is health information, else `redacted`.
    pub content_mode: Option<ContentMode>,
    /// Fields that are stored otherwise.
    pub fields: BTreeMap<Field, ContentMode>,
    /// Kinds of values that are not simply replaced and sealed.
    pub entities: BTreeMap<Entity, Treatment>,
    /// Who may see which values again; none: administrators and compliance officers all but credentials.
    pub reveal: Option<BTreeMap<RevealRole, Vec<What>>>,
    /// Who may see them in an emergency; none: administrators and compliance officers.
    pub break_glass: Option<Vec<RevealRole>>,
    /// What happens to calls through the gateway when auditing is impossible.
    pub capture: Option<Capture>,
    /// A tenant's own patterns and lists; of the tenant-wide policy only.
    pub rules: TenantRules,
    /// The object that was read, for the digest.
    source: Value,
}

impl Policy {
    /// What is stored of a field, given whether the event holds health information.
    pub fn mode(&self, field: Field, is_phi: bool) -> ContentMode {
        let by_default = if is_phi {
            ContentMode::Sealed
        } else {
            ContentMode::Redacted
        };
        let of_field = self.fields.get(&field).copied();
        of_field.or(self.content_mode).unwrap_or(by_default)
    }

    /// What happens to a found value.
    pub fn treatment(&self, entity: Entity) -> Treatment {
        if entity.is_destroyed() {
            return Treatment::Destroy;
        }
        self.entities.get(&entity).copied().unwrap_or_default()
    }

    /// Kinds that stay in the text.
    pub fn kept(&self) -> BTreeSet<Entity> {
        let kept = self
            .entities
            .iter()
            .filter(|(_, treatment)| **treatment == Treatment::Keep);
        kept.map(|(entity, _)| *entity).collect()
    }

    /// The canonical JSON of the whole policy: what is stored of a version and what its digest is over.
    pub fn canonical(&self) -> String {
        let mut whole = Map::new();
        if self.phi {
            whole.insert("phi".to_owned(), true.into());
        }
        if let Some(mode) = self.content_mode {
            whole.insert("content_mode".to_owned(), mode.as_str().into());
        }
        if self.source.as_object().is_some_and(|members| !members.is_empty()) {
            whole.insert("policy".to_owned(), self.source.clone());
        }
        // A policy that was read has a canonical form: reading checks it.
        jcs::to_string(&json!(whole)).unwrap_or_default()
    }

    /// The version: SHA-256 of [`Policy::canonical`].
    pub fn digest(&self) -> Hash {
        sha256(self.canonical().as_bytes())
    }
}
