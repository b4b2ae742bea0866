//! Rules that say which model or provider a name means.

use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

/// A rule over one lower-case name, as the table stores it: `{"equals": "gpt-4o"}`, `{"or": [...]}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Clause {
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Regex(Pattern),
    NotRegex(Pattern),
    Or(Vec<Clause>),
    And(Vec<Clause>),
}

/// A regular expression compiled when first needed, then kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Pattern {
    source: String,
    compiled: OnceLock<Option<Regex>>,
}

impl From<String> for Pattern {
    fn from(source: String) -> Self {
        Pattern {
            source,
            compiled: OnceLock::new(),
        }
    }
}

impl Pattern {
    /// None for a pattern that does not compile; loading a table refuses those.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        self.compiled
            .get_or_init(|| Regex::new(&self.source).ok())
            .as_ref()
    }
}

impl Clause {
    /// Whether the rule holds for a name that is already lower case.
    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Clause::Equals(text) => name == text,
            Clause::StartsWith(text) => name.starts_with(text),
            Clause::EndsWith(text) => name.ends_with(text),
            Clause::Contains(text) => name.contains(text.as_str()),
            Clause::Regex(pattern) => pattern.regex().is_some_and(|regex| regex.is_match(name)),
            Clause::NotRegex(pattern) => pattern.regex().is_some_and(|regex| !regex.is_match(name)),
            Clause::Or(clauses) => clauses.iter().any(|clause| clause.matches(name)),
            Clause::And(clauses) => clauses.iter().all(|clause| clause.matches(name)),
        }
    }

    /// Splits the rule into the names it holds for outright, and what is left to try one by one.
    pub(crate) fn split_equals(self, names: &mut Vec<String>) -> Option<Clause> {
        match self {
            Clause::Equals(name) => {
                names.push(name);
                None
            }
            Clause::Or(clauses) => {
                let rest = clauses
                    .into_iter()
                    .filter_map(|clause| clause.split_equals(names));
                let rest: Vec<Clause> = rest.collect();
                (!rest.is_empty()).then_some(Clause::Or(rest))
            }
            other => Some(other),
        }
    }

    /// The source of the first regular expression that does not compile.
    pub(crate) fn broken_pattern(&self) -> Option<&str> {
        match self {
            Clause::Regex(pattern) | Clause::NotRegex(pattern) if pattern.regex().is_none() => {
                Some(&pattern.source)
            }
            Clause::Or(clauses) | Clause::And(clauses) => clauses.iter().find_map(Clause::broken_pattern),
            _ => None,
        }
    }
}

/// Rules in order of precedence, with a map for the names that need no trying.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleIndex {
    outright: std::collections::HashMap<String, usize>,
    tried: Vec<(usize, Clause)>,
}

impl RuleIndex {
    /// Adds the rule of the next position; positions must rise.
    pub(crate) fn push(&mut self, position: usize, clause: Clause) {
        let mut names = Vec::new();
        if let Some(rest) = clause.split_equals(&mut names) {
            self.tried.push((position, rest));
        }
        for name in names {
            self.outright.entry(name).or_insert(position);
        }
    }

    /// The first position whose rule holds for the lower-case name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let outright = self.outright.get(name).copied();
        let before = outright.unwrap_or(usize::MAX);
        let mut tried = self.tried.iter().take_while(|(position, _)| *position < before);
        tried
            .find(|(_, clause)| clause.matches(name))
            .map(|(position, _)| *position)
            .or(outright)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(rules: &[&str]) -> RuleIndex {
        let mut index = RuleIndex::default();
        for (position, rule) in rules.iter().enumerate() {
            index.push(position, serde_json::from_str(rule).unwrap());
        }
        index
    }

    #[test]
    fn the_first_rule_that_holds_wins() {
        let index = index(&[
            r#"{"equals":"gpt-4o-mini"}"#,
            r#"{"or":[{"starts_with":"gpt-4o"},{"equals":"omni"}]}"#,
            r#"{"equals":"gpt-4o-audio"}"#,
            r#"{"and":[{"contains":"tts"},{"not_regex":"-hd$"}]}"#,
            r#"{"regex":"^o[134]"}"#,
        ]);
        assert_eq!(index.find("gpt-4o-mini"), Some(0));
        assert_eq!(index.find("gpt-4o-audio"), Some(1));
        assert_eq!(index.find("omni"), Some(1));
        assert_eq!(index.find("tts-1"), Some(3));
        assert_eq!(index.find("tts-1-hd"), None);
        assert_eq!(index.find("o3-mini"), Some(4));
    }
}
