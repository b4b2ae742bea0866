//! Reads a policy strictly: what is misspelt is refused by its name, for a policy that is not understood would protect
//! less than its author believes.

use std::collections::BTreeMap;

use aal_ledger::jcs;
use aal_redact::{CustomRule, DenyEntry, Detector, Entity, TenantRules};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::{Capture, ContentMode, Field, Policy, RevealRole, Treatment, What};

/// Longest policy, in bytes of JSON: a full deny list and a full allow list fit.
pub const MAX_POLICY_BYTES: usize = 8 * 1024 * 1024;

/// What is wrong with a policy. Values of lists are never named: they are the personal data.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{pointer}: {message}")]
pub struct PolicyError {
    /// JSON pointer into the policy object.
    pub pointer: String,
    pub message: String,
}

fn wrong(pointer: impl Into<String>, message: impl Into<String>) -> PolicyError {
    PolicyError {
        pointer: pointer.into(),
        message: message.into(),
    }
}

/// The policy object as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    capture: Option<Capture>,
    fields: BTreeMap<Field, ContentMode>,
    entities: BTreeMap<String, Treatment>,
    reveal: Option<BTreeMap<RevealRole, Vec<String>>>,
    break_glass: Option<Vec<RevealRole>>,
    rules: Vec<CustomRule>,
    deny: Vec<DenyEntry>,
    allow: Vec<String>,
}

/// A stored version, [`Policy::canonical`].
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Whole {
    phi: bool,
    content_mode: Option<ContentMode>,
    policy: Option<Value>,
}

impl Policy {
    /// Reads the policy object of an application (`{}`: nothing special). `is_tenant_wide`: of the tenant's own policy,
    /// which alone may hold patterns and lists.
    ///
    /// # Errors
    /// Names what is wrong and what would be right.
    pub fn read(
        phi: bool,
        content_mode: Option<ContentMode>,
        object: &Value,
        is_tenant_wide: bool,
    ) -> Result<Policy, PolicyError> {
        if !object.is_object() {
            return Err(wrong("", "the policy must be a JSON object"));
        }
        let canonical = jcs::to_string(object).map_err(|error| wrong("", error.to_string()))?;
        if canonical.len() > MAX_POLICY_BYTES {
            let message =
                format!("the policy is longer than {MAX_POLICY_BYTES} bytes; use patterns instead of lists");
            return Err(wrong("", message));
        }
        let written: Written = serde_path_to_error::deserialize(object).map_err(|error| {
            let path = error.path().to_string();
            let message = without_values(&path, error.inner());
            wrong(pointer_of(&path), message)
        })?;
        let policy = Policy {
            phi,
            content_mode,
            fields: written.fields,
            entities: entities(written.entities)?,
            reveal: written.reveal.map(reveal).transpose()?,
            break_glass: written.break_glass,
            capture: written.capture,
            rules: TenantRules {
                rules: written.rules,
                deny: written.deny,
                allow: written.allow,
            },
            source: object.clone(),
        };
        check_rules(&policy.rules, is_tenant_wide)?;
        Ok(policy)
    }

    /// Reads a stored version back.
    ///
    /// # Errors
    /// As [`Policy::read`].
    pub fn from_canonical(text: &str, is_tenant_wide: bool) -> Result<Policy, PolicyError> {
        let whole: Whole = serde_json::from_str(text).map_err(|error| wrong("", error.to_string()))?;
        let object = whole.policy.unwrap_or_else(|| Value::Object(Default::default()));
        Policy::read(whole.phi, whole.content_mode, &object, is_tenant_wide)
    }
}

/// The parser's words, without what they quote when that is more than a plain word.
fn without_values(path: &str, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let is_quote = |character: char| matches!(character, '`' | '"');
    let (what, expected) = text
        .rsplit_once(", expected ")
        .unwrap_or((&text, "what docs/policies.md says"));
    let (Some(first), Some(last)) = (what.find(is_quote), what.rfind(is_quote)) else {
        return text;
    };
    let quoted = what.get(first + 1..last).unwrap_or_default();
    let is_of_list = ["deny", "allow"].iter().any(|list| path.starts_with(list));
    let is_name = what.starts_with("unknown field") || what.starts_with("missing field");
    if is_plain(quoted) && (is_name || !is_of_list) {
        return text;
    }
    format!(
        "{} that is not shown here; expected {expected}",
        what[..first].trim_end()
    )
}

/// Whether a word looks like one of a policy's own, and so may stand in an error.
fn is_plain(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-');
    word.len() <= 48 && word.bytes().all(is_plain)
}

/// The word, or its length where it may be anybody's data.
fn shown(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    format!("(a name of {} bytes)", word.len())
}

/// `rules[2].entity` as `/rules/2/entity`.
fn pointer_of(path: &str) -> String {
    if path == "." {
        return String::new();
    }
    let mut pointer = String::new();
    for part in path.split(['.', '[']) {
        let part = part.trim_end_matches(']');
        if part.is_empty() {
            continue;
        }
        pointer.push('/');
        if part.parse::<u32>().is_ok() {
            pointer.push_str(part);
        } else {
            pointer.push_str(&shown(part));
        }
    }
    pointer
}

fn entities(written: BTreeMap<String, Treatment>) -> Result<BTreeMap<Entity, Treatment>, PolicyError> {
    let mut read = BTreeMap::new();
    for (name, treatment) in written {
        let pointer = format!("/entities/{}", shown(&name));
        let Some(entity) = Entity::from_name(&name) else {
            return Err(wrong(
                pointer,
                "is no kind of value; use a name such as EMAIL_ADDRESS, PERSON or US_SSN",
            ));
        };
        if entity.is_destroyed() && treatment != Treatment::Destroy {
            return Err(wrong(
                pointer,
                "card security codes and passwords are always destroyed; leave it out",
            ));
        }
        if entity.is_secret() && treatment == Treatment::Keep {
            return Err(wrong(
                pointer,
                "a credential cannot be kept in the clear; use seal or destroy",
            ));
        }
        read.insert(entity, treatment);
    }
    Ok(read)
}

fn reveal(
    written: BTreeMap<RevealRole, Vec<String>>,
) -> Result<BTreeMap<RevealRole, Vec<What>>, PolicyError> {
    let mut read = BTreeMap::new();
    for (role, names) in written {
        let mut allowed = Vec::with_capacity(names.len());
        for name in names {
            let what = What::from_name(&name).ok_or_else(|| {
                let message = format!(
                    "{} cannot be revealed; use a kind of value such as EMAIL_ADDRESS, TEXT for sealed texts, \
                     * for all that is personal, or SECRETS",
                    shown(&name)
                );
                wrong("/reveal", message)
            })?;
            allowed.push(what);
        }
        read.insert(role, allowed);
    }
    Ok(read)
}

fn check_rules(rules: &TenantRules, is_tenant_wide: bool) -> Result<(), PolicyError> {
    if *rules == TenantRules::default() {
        return Ok(());
    }
    if !is_tenant_wide {
        return Err(wrong(
            "/rules",
            "patterns and lists hold for a whole tenant: give `rules`, `deny` and `allow` to the application `*`",
        ));
    }
    let checked = Detector::builtin().with_rules(rules);
    checked
        .map(|_| ())
        .map_err(|error| wrong("/rules", error.to_string()))
}
