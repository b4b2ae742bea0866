//! Disjoint usage buckets: every token counted once.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::unit::Unit;
use crate::usage::Usage;

/// A bucket's name, such as `input_text`, `cache_read`, `cache_write_1h` or `output_reasoning`.
///
/// Text is what a total holds beyond its named parts; durations are in milliseconds (`audio_ms`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(&'static str);

/// Amounts by bucket; no two buckets share a token.
pub type Buckets = BTreeMap<Bucket, u64>;

/// Reported parts are larger than the total that contains them, so no disjoint reading exists.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("parts of {total} add up to {parts}, more than its {amount}")]
pub struct PartsExceedTotal {
    /// Key of the total, such as `input_tokens`.
    pub total: &'static str,
    /// The reported total.
    pub amount: Decimal,
    /// What its parts add up to.
    pub parts: Decimal,
}

impl Bucket {
    /// The bucket that the rest of a unit falls into.
    pub fn of(unit: Unit) -> Bucket {
        Bucket(match unit {
            Unit::InputTokens | Unit::InputTextTokens => "input_text",
            Unit::OutputTokens | Unit::OutputTextTokens => "output_text",
            Unit::CacheReadTokens | Unit::CacheTextReadTokens => "cache_read",
            Unit::CacheWriteTokens | Unit::CacheTextWriteTokens => "cache_write",
            Unit::CacheWrite5mTokens | Unit::CacheTextWrite5mTokens => "cache_write_5m",
            Unit::CacheWrite1hTokens | Unit::CacheTextWrite1hTokens => "cache_write_1h",
            Unit::InputToolTokens | Unit::InputTextToolTokens => "input_tool",
            Unit::OutputReasoningTokens | Unit::OutputTextReasoningTokens => "output_reasoning",
            Unit::OutputCitationTokens | Unit::OutputTextCitationTokens => "output_citation",
            Unit::AudioSeconds => "audio_ms",
            Unit::InputAudioSeconds => "input_audio_ms",
            Unit::OutputAudioSeconds => "output_audio_ms",
            other => other.key().trim_end_matches("_tokens"),
        })
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The bucket of that name.
    pub fn from_name(name: &str) -> Option<Bucket> {
        Unit::ALL
            .iter()
            .map(|unit| Bucket::of(*unit))
            .find(|bucket| bucket.0 == name)
    }
}

impl Serialize for Bucket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// The part of each unit that none of the other listed units covers, deepest units first.
///
/// `units` must be sorted so that parts stand before their wholes. Two listed units that overlap without a listed
/// unit for the overlap are taken as disjoint; where they are not, the total comes out too small and is refused.
pub(crate) fn remainders(units: &[(Unit, Decimal)]) -> Result<Vec<(Unit, Decimal)>, PartsExceedTotal> {
    let mut rests: Vec<(Unit, Decimal)> = Vec::with_capacity(units.len());
    for (unit, amount) in units {
        let parts = rests.iter().filter(|(part, _)| unit.contains(*part));
        let parts = parts.fold(Decimal::ZERO, |sum, (_, rest)| sum.saturating_add(*rest));
        let rest = amount.saturating_sub(parts);
        if rest.is_sign_negative() && !rest.is_zero() {
            return Err(PartsExceedTotal {
                total: unit.key(),
                amount: *amount,
                parts,
            });
        }
        rests.push((*unit, rest));
    }
    Ok(rests)
}

/// See [`Usage::buckets`].
pub(crate) fn buckets(usage: &Usage) -> Result<Buckets, PartsExceedTotal> {
    let mut units: Vec<(Unit, Decimal)> = usage.iter().collect();
    units.sort_by_key(|(unit, _)| std::cmp::Reverse(unit.depth()));
    let mut out = Buckets::new();
    for (unit, rest) in remainders(&units)? {
        let amount = if unit.per() == 3_600 {
            rest.saturating_mul(Decimal::ONE_THOUSAND)
        } else {
            rest
        };
        let whole = u64::try_from(amount.round()).unwrap_or(u64::MAX);
        if whole > 0 {
            let slot = out.entry(Bucket::of(unit)).or_insert(0);
            *slot = slot.saturating_add(whole);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(Unit, u64)]) -> Usage {
        let mut usage = Usage::new();
        for (unit, amount) in pairs {
            usage.set_count(*unit, *amount);
        }
        usage
    }

    fn named(usage: &Usage) -> Vec<(&'static str, u64)> {
        usage
            .buckets()
            .unwrap()
            .iter()
            .map(|(bucket, amount)| (bucket.as_str(), *amount))
            .collect()
    }

    #[test]
    fn cached_and_reasoning_tokens_are_taken_out_of_their_totals() {
        let usage = of(&[
            (Unit::InputTokens, 1_000),
            (Unit::CacheReadTokens, 400),
            (Unit::CacheWriteTokens, 300),
            (Unit::CacheWrite1hTokens, 100),
            (Unit::OutputTokens, 50),
            (Unit::OutputReasoningTokens, 20),
        ]);
        let expected = [
            ("cache_read", 400),
            ("cache_write", 200),
            ("cache_write_1h", 100),
            ("input_text", 300),
            ("output_reasoning", 20),
            ("output_text", 30),
        ];
        assert_eq!(named(&usage), expected);
    }

    #[test]
    fn text_given_as_a_part_joins_the_rest_of_the_total() {
        let usage = of(&[
            (Unit::InputTokens, 130),
            (Unit::InputTextTokens, 100),
            (Unit::InputAudioTokens, 20),
            (Unit::CacheReadTokens, 40),
            (Unit::CacheTextReadTokens, 40),
        ]);
        assert_eq!(
            named(&usage),
            [("cache_read", 40), ("input_audio", 20), ("input_text", 70)]
        );
    }

    #[test]
    fn parts_beyond_their_total_are_an_error_and_never_clamped() {
        let usage = of(&[(Unit::InputTokens, 10), (Unit::CacheReadTokens, 11)]);
        let error = usage.buckets().unwrap_err();
        assert_eq!(
            error.to_string(),
            "parts of input_tokens add up to 11, more than its 10"
        );
    }

    #[test]
    fn seconds_become_milliseconds() {
        let mut usage = Usage::new();
        usage.set(Unit::AudioSeconds, Decimal::new(8_470, 3));
        assert_eq!(named(&usage), [("audio_ms", 8_470)]);
    }
}
