//! What of a sender's own words may stand in an error. Errors travel: into logs, dead letters, records that nobody can
//! erase, and other people's screens.

use std::borrow::Cow;

const MAX_LEN: usize = 48;
const MAX_DIGITS: usize = 3;

/// A member's name as an error may show it: only what looks like a name that a programmer chose. Whoever uses data as
/// names (an e-mail address, a number, a person) is told its length instead.
pub fn shown_name(name: &str) -> Cow<'_, str> {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'~');
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if begins_well && name.len() <= MAX_LEN && digits <= MAX_DIGITS && name.bytes().all(is_plain) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("(a name of {} bytes)", name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_and_data_is_not() {
        for name in ["temperature", "aal.request.bytes", "x-api-version2", "_id", "a/b"] {
            assert_eq!(shown_name(name), name);
        }
        let long = "x".repeat(49);
        for data in [
            "bob@example.com",
            "536-90-4399",
            "Jane Roe",
            "u+4155550132",
            "k1234",
            "",
            "naïve",
            &long,
        ] {
            let shown = shown_name(data);
            assert_eq!(shown, format!("(a name of {} bytes)", data.len()));
        }
    }
}
