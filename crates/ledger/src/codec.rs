//! Strict pieces of text shared by all line formats: decimals, times, UUIDs, lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

/// An unsigned decimal without sign, spaces or leading zeros.
pub(crate) fn parse_u64(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

/// A signed decimal; `-0` is refused.
pub(crate) fn parse_i64(text: &str) -> Option<i64> {
    let value: i64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

/// The hyphenated lower-case form only.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then_some(id)
}

/// Base64 with padding and zero unused bits.
pub(crate) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A fixed number of bytes from base64.
pub(crate) fn parse_base64_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    parse_base64(text)?.try_into().ok()
}

/// Four bytes from eight lower-case hexadecimal digits.
pub(crate) fn parse_key_id(text: &str) -> Option<[u8; 4]> {
    let mut id = [0; 4];
    hex::decode_to_slice(text, &mut id).ok()?;
    (hex::encode(id) == text).then_some(id)
}
