//! Which sealed slots of a record a caller may have opened: by role, and by the kind of value in each.

use std::collections::BTreeSet;
use std::sync::Arc;

use aal_ledger::hash::plaintext_commitment;
use aal_ledger::{Leaf, Slot, leaf_hash};
use aal_policy::{Policy, RevealRole, What};
use aal_record::{
    SLOT_ATTRIBUTES, SLOT_DETAILS, SLOT_IP_ADDRESS, SLOT_OVERFLOW, SLOT_SEALED_REQUEST, SLOT_SEALED_RESPONSE,
    SLOT_SUBJECT_EMAIL, SLOT_USER_EMAIL,
};
use aal_redact::Entity;
use aal_service::Problem;
use serde_json::{Value, json};

use crate::logs::detail::DetailRow;
use crate::scope::Scope;

/// What a caller may see.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    policy: Arc<Policy>,
    role: RevealRole,
}

impl Grant {
    /// By the application's policy; 403 for who may see nothing at all.
    pub(crate) fn of_role(scope: &Scope, policy: Arc<Policy>) -> Result<Grant, Problem> {
        let role = role_of(scope);
        if !policy.may_reveal_something(role) {
            return Err(Problem::forbidden(
                "your role may reveal nothing of this application; its policy says who may",
            ));
        }
        Ok(Grant { policy, role })
    }

    /// In an emergency: all but credentials, whatever the policy says of ordinary days.
    pub(crate) fn of_emergency() -> Grant {
        Grant {
            policy: Arc::default(),
            role: RevealRole::Admin,
        }
    }

    fn covers(&self, what: What) -> bool {
        self.policy.may_reveal(self.role, what)
    }

    /// Whether the value behind a placeholder may be seen.
    pub(crate) fn covers_token(&self, token: &str) -> bool {
        let name = token.strip_prefix("[[").and_then(|rest| rest.split(':').next());
        let entity = name.and_then(Entity::from_name);
        entity.is_some_and(|entity| self.covers(What::Entity(entity)))
    }

    fn covers_any(&self) -> bool {
        let mut kinds = Entity::ALL.iter();
        kinds.any(|entity| self.covers(What::Entity(*entity)))
    }
}

/// The caller's role as policies name it.
pub(crate) fn role_of(scope: &Scope) -> RevealRole {
    // A role that policies do not know may do what viewers may.
    RevealRole::from_name(scope.user.role.as_str()).unwrap_or(RevealRole::Viewer)
}

/// The name of a text that is sealed as a whole.
pub(crate) fn text_name(slot: u16) -> Option<&'static str> {
    match slot {
        SLOT_SEALED_REQUEST => Some("request_body"),
        SLOT_SEALED_RESPONSE => Some("response_body"),
        SLOT_DETAILS => Some("details"),
        _ => None,
    }
}

/// One slot that is opened.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    /// Placeholder, or the name of the field.
    pub(crate) name: String,
    kind: &'static str,
    pub(crate) sealed: Slot,
    /// Of the ciphertext, among the record's.
    pub(crate) position: usize,
}

/// What is opened of a record, and what is not.
#[derive(Clone, Debug)]
pub(crate) struct Disclosure {
    pub(crate) grant: Grant,
    pub(crate) granted: Vec<Granted>,
    /// `{slot, kind}` of what stays closed for this caller.
    pub(crate) refused: Vec<Value>,
}

impl Disclosure {
    /// Plans to open `wanted` slots, or all that may be; 403 when one of the wanted ones may not.
    ///
    /// The kinds stand in the attributes, which are compared with the leaf first: whoever could change them in the
    /// store could otherwise have a password opened as an address.
    pub(crate) fn plan(
        record: &DetailRow,
        grant: Grant,
        wanted: Option<&[u16]>,
    ) -> Result<Disclosure, Problem> {
        let leaf = checked_leaf(record)?;
        let attributes: Value = serde_json::from_str(&record.attributes).unwrap_or_default();
        let mut disclosure = Disclosure {
            grant,
            granted: Vec::new(),
            refused: Vec::new(),
        };
        let mut unknown: BTreeSet<u16> = wanted.unwrap_or_default().iter().copied().collect();
        for (position, slot) in record.sealed_slots.iter().enumerate() {
            unknown.remove(slot);
            if wanted.is_some_and(|wanted| !wanted.contains(slot)) {
                continue;
            }
            let Some(sealed) = leaf.slots.iter().find(|sealed| sealed.slot == *slot) else {
                continue;
            };
            disclosure.sort_in(sealed, position, &attributes);
        }
        if let Some(slot) = unknown.first() {
            return Err(Problem::not_found(format!(
                "the record has no sealed slot {slot}"
            )));
        }
        if wanted.is_some() && !disclosure.refused.is_empty() {
            let kinds: Vec<&str> = disclosure
                .refused
                .iter()
                .filter_map(|refused| refused["kind"].as_str())
                .collect();
            return Err(Problem::forbidden(format!(
                "the application's policy does not let your role see {}",
                kinds.join(", ")
            )));
        }
        Ok(disclosure)
    }

    fn sort_in(&mut self, sealed: &Slot, position: usize, attributes: &Value) {
        let Content { name, kind, what } = content_of(sealed.slot, attributes);
        let may = match what {
            Some(what) => self.grant.covers(what),
            None => sealed.slot == SLOT_OVERFLOW && self.grant.covers_any(),
        };
        if may {
            self.granted.push(Granted {
                name,
                kind,
                sealed: sealed.clone(),
                position,
            });
        } else {
            self.refused.push(json!({"slot": sealed.slot, "kind": kind}));
        }
    }

    /// The slots that are opened.
    pub(crate) fn slots(&self) -> Vec<u16> {
        self.granted.iter().map(|granted| granted.sealed.slot).collect()
    }

    /// What kinds of values they hold.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let kinds: BTreeSet<&str> = self.granted.iter().map(|granted| granted.kind).collect();
        kinds.into_iter().collect()
    }
}

/// What is in a slot.
struct Content {
    name: String,
    kind: &'static str,
    /// None: several kinds, or not known.
    what: Option<What>,
}

fn content_of(slot: u16, attributes: &Value) -> Content {
    let of_field = |name: &str, entity: Entity| Content {
        name: name.to_owned(),
        kind: entity.name(),
        what: Some(What::Entity(entity)),
    };
    match slot {
        SLOT_USER_EMAIL => return of_field("user_email", Entity::EmailAddress),
        SLOT_IP_ADDRESS => return of_field("ip_address", Entity::IpAddress),
        SLOT_SUBJECT_EMAIL => return of_field("subject_email", Entity::EmailAddress),
        _ => {}
    }
    if let Some(name) = text_name(slot) {
        return Content {
            name: name.to_owned(),
            kind: "TEXT",
            what: Some(What::Text),
        };
    }
    let spans = attributes["redactions"].as_array();
    let mut spans = spans.into_iter().flatten();
    let span = spans.find(|span| slot != SLOT_OVERFLOW && span["slot"].as_u64() == Some(u64::from(slot)));
    let entity = span
        .and_then(|span| span["entity"].as_str())
        .and_then(Entity::from_name);
    let token = span.and_then(|span| span["token"].as_str());
    Content {
        name: token.map_or_else(|| format!("slot {slot}"), str::to_owned),
        kind: entity.map_or("several kinds", Entity::name),
        what: entity.map(What::Entity),
    }
}

/// The record's leaf, after it and the attributes were compared with their hashes.
fn checked_leaf(record: &DetailRow) -> Result<Leaf, Problem> {
    let broken = |what: &str| {
        tracing::error!(event_id = %record.event_id, what, "a record does not agree with its leaf");
        Problem::internal("the stored record does not agree with its leaf; run audit verify")
    };
    if leaf_hash(&record.leaf) != record.leaf_hash {
        return Err(broken("leaf"));
    }
    let leaf = Leaf::decode(&record.leaf).map_err(|_| broken("leaf"))?;
    let salted = record.template_slots.iter().zip(&record.template_salts);
    let salt = salted
        .filter(|(slot, _)| **slot == SLOT_ATTRIBUTES)
        .map(|(_, salt)| salt)
        .next();
    let entry = leaf.slots.iter().find(|slot| slot.slot == SLOT_ATTRIBUTES);
    match (salt, entry) {
        (Some(salt), Some(entry)) => {
            let commitment = plaintext_commitment(salt, record.attributes.as_bytes());
            (commitment == entry.pt_commit)
                .then_some(leaf)
                .ok_or_else(|| broken("attributes"))
        }
        // Erased with their salt: nothing says any more what the slots hold.
        _ if record.attributes.is_empty() => Ok(leaf),
        _ => Err(broken("attributes")),
    }
}
