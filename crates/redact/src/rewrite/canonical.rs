//! Canonical forms: one value, one placeholder, however it is written.

use std::net::IpAddr;

use crate::entity::{Entity, Family};
use crate::folded::Folded;
use crate::numbers::phone_codes::is_north_american;

/// The canonical form of `original`: digits and letters without separators for identifiers, E.164 for telephone
/// numbers, lower case for e-mail addresses (providers that tell cases apart are none that people use), the
/// shortest form for IP addresses; secrets and words as they are, with runs of white space as one space.
pub fn canonical(entity: Entity, original: &str) -> String {
    let folded = Folded::new(original);
    // Folding yields valid UTF-8: ASCII, or characters kept whole.
    let text = String::from_utf8_lossy(folded.bytes());
    match entity {
        Entity::EmailAddress => text.to_lowercase(),
        Entity::PhoneNumber => phone(&text),
        Entity::IpAddress => text
            .parse::<IpAddr>()
            .map_or_else(|_| text.to_lowercase(), |address| address.to_string()),
        Entity::MacAddress => alphanumeric(&text).to_lowercase(),
        // Base 58 and EIP-55 carry meaning in their case; so do credentials.
        Entity::Crypto | Entity::UrlWithCredentials => text.into_owned(),
        Entity::DateOfBirth | Entity::Person | Entity::Address => {
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        _ if entity.is_secret() && entity != Entity::CreditCardCvv => original.to_owned(),
        _ if matches!(
            entity.family(),
            Family::Financial | Family::National | Family::Health | Family::Device
        ) =>
        {
            alphanumeric(&text).to_uppercase()
        }
        _ => text.into_owned(),
    }
}

fn alphanumeric(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn phone(text: &str) -> String {
    // An extension is another desk, not another spelling.
    let (number, extension) = match text.find(['x', 'X', 'e', 'E']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let without_trunk_zero = number.replace("(0)", "");
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let national = digits(&without_trunk_zero);
    let mut canonical = match number.trim_start().as_bytes() {
        [b'+', ..] => format!("+{national}"),
        [b'0', b'0', ..] => format!("+{}", &national[2..]),
        _ if is_north_american(national.as_bytes()) => format!("+1{national}"),
        _ if national.len() == 11 && national.starts_with('1') => format!("+{national}"),
        _ => national,
    };
    if !extension.is_empty() {
        canonical.push('x');
        canonical.push_str(&digits(extension));
    }
    canonical
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_agree() {
        let cases: [(Entity, &[&str], &str); 6] = [
            (
                Entity::PhoneNumber,
                &[
                    "+1 415-555-2671",
                    "(415) 555-2671",
                    "1.415.555.2671",
                    "001 415 555 2671",
                ],
                "+14155552671",
            ),
            (
                Entity::PhoneNumber,
                &["+44 (0)20 7946 0958", "+442079460958"],
                "+442079460958",
            ),
            (
                Entity::CreditCard,
                &[
                    "4111 1111 1111 1111",
                    "4111-1111-1111-1111",
                    "４１１１111111111111",
                ],
                "4111111111111111",
            ),
            (
                Entity::Iban,
                &["DE40 9407 5001 7243 0775 01", "de40940750017243077501"],
                "DE40940750017243077501",
            ),
            (
                Entity::EmailAddress,
                &["Jane@Example.org", "jane@example.org"],
                "jane@example.org",
            ),
            (
                Entity::IpAddress,
                &["2001:DB8:0:0::1", "2001:db8::1"],
                "2001:db8::1",
            ),
        ];
        for (entity, spellings, expected) in cases {
            for spelling in spellings {
                assert_eq!(canonical(entity, spelling), expected, "{spelling}");
            }
        }
        assert_eq!(canonical(Entity::Password, "hunTer 2"), "hunTer 2");
    }
}
