//! A tenant's rules, compiled, and what they find.

use std::collections::{BTreeSet, HashSet};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use sha2::{Digest, Sha256};

use super::{
    CustomRule, LIST_ENTRY_LEN, MAX_COMPILED_SIZE, MAX_LIST_LEN, MAX_MATCH_LEN, MAX_PATTERN_LEN, MAX_RULES,
    RuleError, TenantRules, entity_named,
};
use crate::entity::Entity;
use crate::folded::Folded;
use crate::span::Candidate;
use crate::words::{Word, before};

/// Evidence of a rule that somebody wrote for this tenant: above every built-in one.
const DECLARED: i32 = 650;
const DENIED: i32 = 690;
/// A pattern is run on pieces of this length, so that its time is linear in the text whatever the pattern.
const PIECE: usize = 4096;

/// The compiled rules of one tenant.
#[derive(Debug)]
pub(crate) struct CompiledRules {
    rules: Vec<Compiled>,
    deny: Option<AhoCorasick>,
    denied: Vec<Entity>,
    allow: HashSet<Vec<u8>>,
    digest: [u8; 32],
}

#[derive(Debug)]
struct Compiled {
    entity: Entity,
    pattern: Regex,
    required: Option<AhoCorasick>,
}

impl CompiledRules {
    pub fn new(rules: &TenantRules) -> Result<CompiledRules, RuleError> {
        if rules.rules.len() > MAX_RULES {
            return Err(RuleError::TooManyRules {
                count: rules.rules.len(),
            });
        }
        let mut names = BTreeSet::new();
        for rule in &rules.rules {
            if !names.insert(&rule.name) {
                return Err(RuleError::DuplicateName {
                    rule: rule.name.clone(),
                });
            }
        }
        let values: Vec<&str> = rules.deny.iter().map(|entry| entry.value.as_str()).collect();
        let denied = folded_entries("deny", &values)?;
        let allow: Vec<&str> = rules.allow.iter().map(String::as_str).collect();
        let allow = folded_entries("allow", &allow)?;
        if let Some(index) = allow.iter().position(|entry| denied.contains(entry)) {
            return Err(RuleError::Contradiction { index });
        }
        let entities = rules.deny.iter().enumerate();
        let entities: Result<_, _> = entities
            .map(|(index, entry)| entity_named(&entry.entity, &format!("entry {index} of the deny list")))
            .collect();
        Ok(CompiledRules {
            rules: rules.rules.iter().map(compile).collect::<Result<_, _>>()?,
            deny: (!denied.is_empty()).then(|| literals(&denied)),
            denied: entities?,
            allow: allow.into_iter().collect(),
            digest: digest(rules),
        })
    }

    /// Digest of the rules and lists.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Whether the tenant wants this value left in place.
    pub(crate) fn allows(&self, value: &str) -> bool {
        !self.allow.is_empty()
            && self
                .allow
                .contains(Folded::new(value).bytes().to_ascii_lowercase().as_slice())
    }

    /// Drops allowed values from `candidates`, then adds what the patterns and the deny list find in `bytes`. The
    /// deny list has the last word.
    pub fn apply(&self, bytes: &[u8], words: &[Word], candidates: &mut Vec<Candidate>) {
        for rule in &self.rules {
            rule.propose(bytes, words, candidates);
        }
        if !self.allow.is_empty() {
            candidates.retain(|found| {
                let value = bytes.get(found.start..found.end).unwrap_or_default();
                !self.allow.contains(value.to_ascii_lowercase().as_slice())
            });
        }
        let Some(deny) = &self.deny else { return };
        for found in deny.find_overlapping_iter(bytes) {
            let (start, end) = (found.start(), found.end());
            if is_whole(bytes, start, end) {
                candidates.push(Candidate {
                    start,
                    end,
                    entity: self.denied[found.pattern().as_usize()],
                    log_odds: DENIED,
                    rule: "deny_list",
                });
            }
        }
    }
}

impl Compiled {
    fn propose(&self, bytes: &[u8], words: &[Word], out: &mut Vec<Candidate>) {
        let mut start = 0;
        while start < bytes.len() {
            let end = bytes.len().min(start + PIECE);
            if self.may_match(bytes, words, start, end) {
                self.propose_within(bytes, start, end, out);
            }
            if end == bytes.len() {
                return;
            }
            // What is cut at the end of a piece stands whole in the next.
            start = end - MAX_MATCH_LEN;
        }
    }

    fn may_match(&self, bytes: &[u8], words: &[Word], start: usize, end: usize) -> bool {
        match &self.required {
            Some(required) => required.is_match(&bytes[start..end]),
            None => {
                let next = words.partition_point(|word| word.end <= start);
                words.get(next).is_some_and(|word| word.start < end)
            }
        }
    }

    fn propose_within(&self, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Candidate>) {
        let piece = &bytes[..end];
        let mut from = start;
        while let Some(found) = self.pattern.find_at(piece, from) {
            from = found.end().max(from + 1);
            let is_cut = found.end() == end && end < bytes.len();
            if !found.is_empty() && !is_cut {
                out.push(Candidate {
                    start: found.start(),
                    end: found.end(),
                    entity: self.entity,
                    log_odds: DECLARED,
                    rule: "custom_rule",
                });
            }
            if from >= end {
                return;
            }
        }
    }
}

fn compile(rule: &CustomRule) -> Result<Compiled, RuleError> {
    let name = || rule.name.clone();
    if rule.pattern.len() > MAX_PATTERN_LEN {
        return Err(RuleError::PatternTooLong {
            rule: name(),
            length: rule.pattern.len(),
        });
    }
    let built = RegexBuilder::new(&rule.pattern)
        .size_limit(MAX_COMPILED_SIZE)
        .dfa_size_limit(MAX_COMPILED_SIZE)
        .build();
    let pattern = built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => RuleError::PatternTooLarge { rule: name() },
        error => RuleError::Syntax {
            rule: name(),
            problem: error.to_string(),
        },
    })?;
    if pattern.is_match(b"") {
        return Err(RuleError::MatchesEmpty { rule: name() });
    }
    let required = match &rule.requires {
        Some(text) if text.len() < 2 => {
            return Err(RuleError::RequiredTooShort {
                rule: name(),
                length: text.len(),
            });
        }
        Some(text) => Some(literals(&[text.as_bytes().to_ascii_lowercase()])),
        None => None,
    };
    Ok(Compiled {
        entity: entity_named(&rule.entity, &format!("rule `{}`", rule.name))?,
        pattern,
        required,
    })
}

/// Finds `values` in any case of ASCII letters.
fn literals(values: &[Vec<u8>]) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(values)
        // Fails only above 2^31 states; both lists are limited to some millions of bytes.
        .expect("a list of limited length compiles")
}

/// The entries of a list as they stand in a folded text, in lower case.
fn folded_entries(list: &'static str, entries: &[&str]) -> Result<Vec<Vec<u8>>, RuleError> {
    if entries.len() > MAX_LIST_LEN {
        return Err(RuleError::ListTooLong {
            list,
            count: entries.len(),
        });
    }
    let (shortest, longest) = LIST_ENTRY_LEN;
    let folded = entries.iter().enumerate().map(|(index, entry)| {
        let folded = Folded::new(entry.trim()).bytes().to_ascii_lowercase();
        if !(shortest..=longest).contains(&folded.len()) {
            return Err(RuleError::EntryLength {
                list,
                index,
                length: folded.len(),
            });
        }
        Ok(folded)
    });
    folded.collect()
}

/// Whether no letter or digit continues the value at `start..end`.
fn is_whole(bytes: &[u8], start: usize, end: usize) -> bool {
    let left = bytes[start].is_ascii_alphanumeric()
        && before(bytes, start).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let right =
        bytes[end - 1].is_ascii_alphanumeric() && bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    !left && !right
}

fn digest(rules: &TenantRules) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    part("aal/tenant-rules/v1");
    part(&rules.rules.len().to_string());
    for rule in &rules.rules {
        part(&rule.name);
        part(&rule.entity);
        part(&rule.pattern);
        part(rule.requires.as_deref().map_or("-", |_| "+"));
        part(rule.requires.as_deref().unwrap_or_default());
    }
    part(&rules.deny.len().to_string());
    for entry in &rules.deny {
        part(&entry.value);
        part(&entry.entity);
    }
    part(&rules.allow.len().to_string());
    rules.allow.iter().for_each(|value| part(value));
    hasher.finalize().into()
}
