//! Hides personal data in JSON pointers: where a member's name is itself a value that was removed, the pointers to what
//! stands below it would spell it out.

use aal_redact::Removed;

/// More names than this are not looked for one by one: the whole pointer goes.
const MOST_KEYS: usize = 64;

/// Names of members that were replaced, as pointers write them, with their placeholders.
pub(crate) struct PersonalKeys {
    names: Vec<(String, String)>,
    are_too_many: bool,
}

impl PersonalKeys {
    /// The removed values that stood in a member's name: their own pointers end with it.
    pub(crate) fn of(removed: &[Removed]) -> PersonalKeys {
        let mut names = Vec::new();
        for value in removed.iter().filter(|value| !value.pointer.is_empty()) {
            let name = value.original.replace('~', "~0").replace('/', "~1");
            let last = value.pointer.rsplit('/').next().unwrap_or_default();
            if last.contains(&name) && !names.iter().any(|(known, _)| *known == name) {
                names.push((name, value.token.clone()));
            }
            if names.len() > MOST_KEYS {
                return PersonalKeys {
                    names: Vec::new(),
                    are_too_many: true,
                };
            }
        }
        // A name inside another one is replaced after it.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        PersonalKeys {
            names,
            are_too_many: false,
        }
    }

    /// The pointer with placeholders.
    pub(crate) fn hidden(&self, pointer: &str) -> String {
        if self.are_too_many {
            return String::new();
        }
        let mut hidden = pointer.to_owned();
        for (name, token) in &self.names {
            if hidden.contains(name.as_str()) {
                hidden = hidden.replace(name.as_str(), token);
            }
        }
        hidden
    }
}
