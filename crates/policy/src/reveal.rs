//! Who may see removed values again, and for which purpose.

use std::collections::BTreeMap;

use aal_redact::Entity;
use serde::{Deserialize, Serialize};

use crate::Policy;

/// Purposes for which health information is read (45 CFR 164.501, 164.506, 164.512).
pub const PURPOSES: [&str; 8] = [
    "treatment",
    "payment",
    "operations",
    "patient_request",
    "legal",
    "audit",
    "public_health",
    "emergency",
];

/// Whether a text is one of [`PURPOSES`].
pub fn is_purpose(text: &str) -> bool {
    PURPOSES.contains(&text)
}

/// A role that a reveal policy speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevealRole {
    Admin,
    ComplianceOfficer,
    Viewer,
}

impl RevealRole {
    /// The role of that name.
    pub fn from_name(name: &str) -> Option<RevealRole> {
        match name {
            "admin" => Some(RevealRole::Admin),
            "compliance_officer" => Some(RevealRole::ComplianceOfficer),
            "viewer" => Some(RevealRole::Viewer),
            _ => None,
        }
    }
}

/// What of a record may be revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Every kind of value that is no credential, and sealed texts.
    Personal,
    /// Credentials.
    Secrets,
    /// Texts that are sealed as a whole.
    Text,
    /// One kind of value.
    Entity(Entity),
}

impl What {
    /// `*`, `SECRETS`, `TEXT` or the name of a kind.
    pub fn from_name(name: &str) -> Option<What> {
        match name {
            "*" => Some(What::Personal),
            "SECRETS" => Some(What::Secrets),
            "TEXT" => Some(What::Text),
            _ => Entity::from_name(name).map(What::Entity),
        }
    }

    fn covers(self, wanted: What) -> bool {
        match (self, wanted) {
            (What::Personal, What::Entity(entity)) => !entity.is_secret(),
            (What::Personal, What::Text) => true,
            (What::Secrets, What::Entity(entity)) => entity.is_secret(),
            (own, wanted) => own == wanted,
        }
    }
}

impl Policy {
    /// Whether `role` may see values of this kind, or sealed texts, for a stated reason.
    pub fn may_reveal(&self, role: RevealRole, wanted: What) -> bool {
        match &self.reveal {
            None => role != RevealRole::Viewer && What::Personal.covers(wanted),
            Some(by_role) => allows(by_role, role, wanted),
        }
    }

    /// Whether `role` may see anything at all.
    pub fn may_reveal_something(&self, role: RevealRole) -> bool {
        match &self.reveal {
            None => role != RevealRole::Viewer,
            Some(by_role) => by_role.get(&role).is_some_and(|allowed| !allowed.is_empty()),
        }
    }

    /// Whether `role` may break the glass: see everything but credentials at once, answering for it afterwards.
    pub fn may_break_glass(&self, role: RevealRole) -> bool {
        match &self.break_glass {
            None => role != RevealRole::Viewer,
            Some(roles) => roles.contains(&role),
        }
    }
}

fn allows(by_role: &BTreeMap<RevealRole, Vec<What>>, role: RevealRole, wanted: What) -> bool {
    let allowed = by_role.get(&role).into_iter().flatten();
    allowed.copied().any(|what| what.covers(wanted))
}
