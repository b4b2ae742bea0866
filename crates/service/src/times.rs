//! Times as the layer keeps them: signed microseconds since the Unix epoch, UTC; RFC 3339 outside.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Now, in microseconds since the Unix epoch. Services read the clock here and nowhere else.
pub fn now_us() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    }
}

/// RFC 3339, UTC, always six fraction digits (`2026-03-01T12:00:00.000000Z`), so that times sort as text.
///
/// A time outside the years 0 to 9999 has no RFC 3339 form and comes out as the nearest bound.
pub fn rfc3339_us(at_us: i64) -> String {
    const FIRST_US: i64 = -62_167_219_200_000_000;
    const LAST_US: i64 = 253_402_300_799_999_999;
    let at_us = at_us.clamp(FIRST_US, LAST_US);
    let at = OffsetDateTime::from_unix_timestamp(at_us.div_euclid(1_000_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at_us.rem_euclid(1_000_000)
    )
}

/// Reads RFC 3339 with any offset; digits beyond microseconds are cut off.
pub fn parse_rfc3339_us(text: &str) -> Option<i64> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back() {
        for at_us in [0, 1, -1, 1_767_225_600_123_456, -62_167_219_200_000_000] {
            assert_eq!(parse_rfc3339_us(&rfc3339_us(at_us)), Some(at_us), "{at_us}");
        }
        assert_eq!(rfc3339_us(1_767_225_600_000_001), "2026-01-01T00:00:00.000001Z");
        assert_eq!(
            parse_rfc3339_us("2026-01-01T01:00:00+01:00"),
            Some(1_767_225_600_000_000)
        );
        assert_eq!(parse_rfc3339_us("yesterday"), None);
    }
}
