//! Times of tokens and certificates as microseconds since 1970.

use std::time::Duration;

use der::asn1::Any;
use der::{DateTime, Tag, Tagged as _};

use crate::asn1::Accuracy;

/// `YYYYMMDDhhmmss[.f…]Z` of RFC 3161 section 2.4.2: seconds given, at most six digits of a fraction, no trailing zero.
pub(crate) fn generalized_us(value: &Any) -> Option<i64> {
    if value.tag() != Tag::GeneralizedTime {
        return None;
    }
    let text = std::str::from_utf8(value.value()).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let has_point = text.contains('.');
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !is_digits(whole) || !is_digits(fraction) || fraction.len() > 6 {
        return None;
    }
    if has_point && (fraction.is_empty() || fraction.ends_with('0')) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| whole[range].parse::<u16>().ok();
    let small = |range| number(range).and_then(|value| u8::try_from(value).ok());
    let at = DateTime::new(
        number(0..4)?,
        small(4..6)?,
        small(6..8)?,
        small(8..10)?,
        small(10..12)?,
        small(12..14)?,
    )
    .ok()?;
    let micros: i64 = format!("{fraction:0<6}").parse().ok()?;
    Some(duration_us(at.unix_duration())? + micros)
}

pub(crate) fn duration_us(duration: Duration) -> Option<i64> {
    i64::try_from(duration.as_micros()).ok()
}

/// `None` when a part is out of the range that RFC 3161 gives.
pub(crate) fn accuracy_us(accuracy: &Accuracy) -> Option<i64> {
    let is_small = |part: Option<u16>| part.is_none_or(|value| (1..=999).contains(&value));
    if !is_small(accuracy.millis) || !is_small(accuracy.micros) {
        return None;
    }
    let seconds = i64::from(accuracy.seconds.unwrap_or(0));
    let millis = i64::from(accuracy.millis.unwrap_or(0));
    Some(seconds * 1_000_000 + millis * 1_000 + i64::from(accuracy.micros.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        generalized_us(&Any::new(Tag::GeneralizedTime, text.as_bytes()).unwrap())
    }

    #[test]
    fn fractions_are_read_and_other_forms_refused() {
        assert_eq!(read("19700101000001Z"), Some(1_000_000));
        assert_eq!(read("19700101000001.5Z"), Some(1_500_000));
        assert_eq!(read("20260921141320.000001Z"), Some(1_790_000_000_000_001));
        for bad in [
            "",
            "Z",
            "197001010000Z",
            "19700101000001",
            "19700101000001.Z",
            "19700101000001.50Z",
            "19700101000001.1234567Z",
            "19700101000001+0100",
            "19701301000001Z",
            "19700101000060Z",
            "1970010100000aZ",
            "19700101000001,5Z",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(
            generalized_us(&Any::new(Tag::UtcTime, *b"700101000001Z").unwrap()),
            None
        );
    }
}
