//! Names that reports print for people, such as `Claude Sonnet 4.5`, beside the names that calls carry.

use std::collections::BTreeSet;

/// The words of a model name without its date, so that `Claude Haiku 3.5` and `claude-3-5-haiku-20241022` agree.
fn words(name: &str) -> BTreeSet<String> {
    let parts = name.split([' ', '-', '.', '_', '@', '(', ')']);
    let is_date = |part: &&str| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_digit());
    parts
        .filter(|part| !part.is_empty() && !is_date(part))
        .map(str::to_lowercase)
        .collect()
}

/// Whether a report wrote this name for people: no model id holds a space.
fn is_printed(name: &str) -> bool {
    name.contains(' ')
}

/// The name under which a report speaks of a ledger's model: its own id, else a printed name of the same words.
pub(crate) fn reported_as<'a>(model: &'a str, reported: &BTreeSet<&'a str>) -> &'a str {
    if reported.contains(model) {
        return model;
    }
    let own = words(model);
    let same = |name: &&&str| is_printed(name) && words(name) == own;
    reported.iter().find(same).copied().unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_names_meet_the_ids_of_their_models() {
        let reported = BTreeSet::from(["Claude Haiku 4.5", "Claude Sonnet 3.5", "gpt-4o"]);
        assert_eq!(
            reported_as("claude-haiku-4-5-20251001", &reported),
            "Claude Haiku 4.5"
        );
        assert_eq!(
            reported_as("claude-3-5-sonnet-20241022", &reported),
            "Claude Sonnet 3.5"
        );
        assert_eq!(reported_as("claude-haiku-4", &reported), "claude-haiku-4");
        assert_eq!(reported_as("gpt-4o", &reported), "gpt-4o");
        assert_eq!(
            reported_as("gpt-4o-20240806", &reported),
            "gpt-4o-20240806",
            "an id is never guessed"
        );
    }
}
