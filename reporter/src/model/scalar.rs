//! Values with one written form: moments, hashes, amounts of money.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Microseconds since the Unix epoch, UTC; written as RFC 3339 with six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub i64);

impl Instant {
    /// The moment as a calendar value; the epoch when it lies outside the years 0 to 9999.
    fn calendar(self) -> OffsetDateTime {
        let whole = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000);
        whole
            .ok()
            .filter(|moment| (0..=9999).contains(&moment.year()))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// `2026-02-01`.
    #[must_use]
    pub fn day(self) -> String {
        let moment = self.calendar();
        format!(
            "{:04}-{:02}-{:02}",
            moment.year(),
            u8::from(moment.month()),
            moment.day()
        )
    }

    /// `2026-02-01 09:30:00.123456 UTC`, for people.
    #[must_use]
    pub fn spelled(self) -> String {
        let moment = self.calendar();
        let (hour, minute, second) = (moment.hour(), moment.minute(), moment.second());
        format!(
            "{} {hour:02}:{minute:02}:{second:02}.{:06} UTC",
            self.day(),
            moment.microsecond()
        )
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = self.calendar();
        let (hour, minute, second) = (moment.hour(), moment.minute(), moment.second());
        write!(
            f,
            "{}T{hour:02}:{minute:02}:{second:02}.{:06}Z",
            self.day(),
            moment.microsecond()
        )
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = OffsetDateTime::parse(&text, &Rfc3339).map_err(serde::de::Error::custom)?;
        let micros = moment.unix_timestamp_nanos() / 1000;
        i64::try_from(micros).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A SHA-256 value; written as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

/// Exact amounts by currency (ISO 4217), without trailing zeros. Currencies are never added together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Money(BTreeMap<String, Decimal>);

/// A sum beyond what a decimal of 96 bits can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sum of costs is too large")]
pub struct MoneyOverflow;

impl Money {
    /// Adds `amount` exactly.
    ///
    /// # Errors
    /// The sum does not fit, or would have to be rounded.
    pub fn add(&mut self, currency: &str, amount: Decimal) -> Result<(), MoneyOverflow> {
        let amount = amount.normalize();
        let sum = self.0.entry(currency.to_owned()).or_default();
        let next = sum.checked_add(amount).ok_or(MoneyOverflow)?;
        // `checked_add` drops decimals to make room in its 96 bits; the sum must keep the finer of both scales.
        if next.scale() < sum.scale().max(amount.scale()) {
            return Err(MoneyOverflow);
        }
        *sum = next.normalize();
        Ok(())
    }

    /// The amounts, by currency.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Decimal)> {
        self.0
            .iter()
            .map(|(currency, amount)| (currency.as_str(), *amount))
    }

    /// True when nothing was added; zero amounts count as something.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|(currency, amount)| (currency, amount.to_string())),
        )
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
        let parse = |(currency, text): (String, String)| {
            let amount = Decimal::from_str(&text).map_err(serde::de::Error::custom)?;
            Ok((currency, amount.normalize()))
        };
        texts.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }
}
