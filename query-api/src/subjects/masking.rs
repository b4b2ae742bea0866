//! Which removed values a data subject is shown: their own. Everything else in their texts may be about others. Pure.

use serde_json::{Map, Value};

/// Most identifiers of one person.
pub(super) const MAX_IDENTIFIERS: usize = 50;
/// Longest identifier, in bytes.
pub(super) const MAX_IDENTIFIER_BYTES: usize = 512;

/// The person's own values, by which a removed value is recognised as theirs.
#[derive(Debug, Default)]
pub(super) struct Own {
    canonical: Vec<String>,
}

/// Letters and digits in lower case: `DE89 3704` and `de893704` are one account.
fn canonical(value: &str) -> String {
    value
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

impl Own {
    pub(super) fn new<'v>(values: impl IntoIterator<Item = &'v str>) -> Own {
        let canonical = values.into_iter().map(canonical);
        Own {
            canonical: canonical.filter(|value| !value.is_empty()).collect(),
        }
    }

    /// Whether a value is the person's.
    pub(super) fn holds(&self, value: &str) -> bool {
        let value = canonical(value);
        self.canonical.contains(&value)
    }
}

/// The revealed values of one record, parted.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parted {
    /// Placeholder to value, the person's own.
    pub(super) shown: Map<String, Value>,
    /// E-mail and address fields that are the person's.
    pub(super) contact: Map<String, Value>,
    /// How many stay masked.
    pub(super) masked: usize,
}

/// Parts revealed values. `is_user`: whether the person is the user of the record, whose e-mail and address these are.
pub(super) fn part(revealed: &Value, own: &Own, is_user: bool) -> Parted {
    let mut parted = Parted::default();
    for (name, value) in revealed.as_object().into_iter().flatten() {
        let Some(text) = value.as_str() else { continue };
        match name.as_str() {
            "subject_email" => {
                parted.contact.insert(name.clone(), value.clone());
            }
            "user_email" | "ip_address" if is_user || own.holds(text) => {
                parted.contact.insert(name.clone(), value.clone());
            }
            _ if own.holds(text) => {
                parted.shown.insert(name.clone(), value.clone());
            }
            _ => parted.masked += 1,
        }
    }
    parted
}

/// A template with the person's own values in place of their placeholders.
pub(super) fn filled(template: &str, shown: &Map<String, Value>) -> String {
    let mut text = template.to_owned();
    for (token, value) in shown {
        if let Some(value) = value.as_str() {
            text = text.replace(token.as_str(), value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_persons_own_values_are_shown() {
        let own = Own::new(["Anna@Mail.example", "DE89 3704 0044"]);
        let revealed = json!({
            "[[EMAIL_ADDRESS:k1:A]]": "anna@mail.example", "[[IBAN:k1:B]]": "DE8937040044",
            "[[PERSON:k1:C]]": "Bert Other", "user_email": "clerk@bank.example", "subject_email": "anna@mail.example",
            "[[PERSON:k1:D]]": null,
        });
        let parted = part(&revealed, &own, false);
        assert_eq!(parted.shown.len(), 2);
        assert_eq!(parted.masked, 2, "another person's name and the clerk's address");
        assert_eq!(parted.contact.len(), 1);
        let text = filled("to [[EMAIL_ADDRESS:k1:A]] from [[PERSON:k1:C]]", &parted.shown);
        assert_eq!(text, "to anna@mail.example from [[PERSON:k1:C]]");
        assert_eq!(part(&revealed, &own, true).contact.len(), 2);
    }

    #[test]
    fn an_empty_identifier_matches_nothing() {
        let own = Own::new(["", "--"]);
        assert!(!own.holds("") && !own.holds("..."));
    }
}
