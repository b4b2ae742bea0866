//! What the tests share: one detector, and placeholders without a key.

#![allow(dead_code)]

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use aal_redact::{Detector, Entity};

pub static DETECTOR: LazyLock<Detector> = LazyLock::new(Detector::builtin);

/// A placeholder that depends on entity and value, as the real ones do.
pub fn token(entity: Entity, canonical: &str) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut hasher = DefaultHasher::new();
    (entity, canonical).hash(&mut hasher);
    let hash = hasher.finish();
    let code: String = (0..16)
        .map(|index| char::from(ALPHABET[(hash >> (index * 4) & 31) as usize]))
        .collect();
    format!("[[{}:k1:{code}]]", entity.name())
}

/// The redacted values of `text`, as `ENTITY value`.
pub fn found(text: &str) -> Vec<String> {
    found_in_field(text, "")
}

/// As [`found`], for the text of a field called `key`.
pub fn found_in_field(text: &str, key: &str) -> Vec<String> {
    let redacted = DETECTOR.redact_text(text, key, &token).unwrap();
    redacted
        .removed
        .iter()
        .map(|removed| format!("{} {}", removed.entity, removed.original))
        .collect()
}

/// Each text with what must be redacted in it, written `ENTITY value`.
pub fn check(cases: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let actual = found(text);
        if actual != *expected {
            wrong.push(format!(
                "{text:?}\n  expected {expected:?}\n  found    {actual:?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} texts:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
