//! What one call consumed, as its provider reported it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::bucket::{Bucket, Buckets, PartsExceedTotal, buckets};
use crate::unit::{Unit, UnitSet};

/// Reported amounts by unit.
///
/// `input_tokens` and `output_tokens` are totals that include their parts (cached, audio, reasoning, ...), whatever
/// the provider's own convention. Amounts are exact and positive; zero and absent are the same. As JSON it is an
/// object with the keys of [`Unit::key`], whole numbers where the amount is whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    amounts: BTreeMap<Unit, Decimal>,
    internal: UnitSet,
}

impl Usage {
    /// Nothing used.
    pub fn new() -> Self {
        Self::default()
    }

    /// The amount of a unit; zero when not reported.
    pub fn get(&self, unit: Unit) -> Decimal {
        self.amounts.get(&unit).copied().unwrap_or(Decimal::ZERO)
    }

    /// The amount of a unit as a whole number, fractions cut off; the form for counts of tokens.
    pub fn count(&self, unit: Unit) -> u64 {
        u64::try_from(self.get(unit).trunc()).unwrap_or(u64::MAX)
    }

    /// Input tokens with all their parts.
    pub fn input_tokens(&self) -> u64 {
        self.count(Unit::InputTokens)
    }

    /// Output tokens with all their parts.
    pub fn output_tokens(&self) -> u64 {
        self.count(Unit::OutputTokens)
    }

    /// Sets an amount; zero and negative amounts remove it.
    pub fn set(&mut self, unit: Unit, amount: Decimal) {
        if amount > Decimal::ZERO {
            self.amounts.insert(unit, amount.normalize());
        } else {
            self.amounts.remove(&unit);
        }
    }

    /// Sets a whole amount.
    pub fn set_count(&mut self, unit: Unit, amount: u64) {
        self.set(unit, Decimal::from(amount));
    }

    /// Adds to an amount; stays as it is where the sum would leave the range of a decimal.
    pub fn add(&mut self, unit: Unit, amount: Decimal) {
        if let Some(sum) = self.get(unit).checked_add(amount) {
            self.set(unit, sum);
        }
    }

    /// Marks a part that price and buckets use, but [`Usage::published`] leaves inside its total.
    pub(crate) fn mark_internal(&mut self, unit: Unit) {
        self.internal.insert(unit);
    }

    /// The usage in the published form (INTERFACES.md): without parts that the form leaves inside their total.
    pub fn published(&self) -> Usage {
        let amounts = self
            .iter()
            .filter(|(unit, _)| !self.internal.contains(*unit))
            .collect();
        Usage {
            amounts,
            internal: UnitSet::default(),
        }
    }

    /// Reported units with their amounts, all positive.
    pub fn iter(&self) -> impl Iterator<Item = (Unit, Decimal)> + '_ {
        self.amounts.iter().map(|(unit, amount)| (*unit, *amount))
    }

    /// Whether nothing was used.
    pub fn is_empty(&self) -> bool {
        self.amounts.is_empty()
    }

    /// The usage that has these buckets; None for a name that no bucket has.
    ///
    /// Each bucket becomes the widest unit of its name, with all that belongs to it; what was text by statement and
    /// what was left over as text are one again.
    pub fn from_buckets<'a>(buckets: impl Iterator<Item = (&'a str, u64)>) -> Option<Usage> {
        let mut rests: Vec<(Unit, Decimal)> = Vec::new();
        for (name, count) in buckets {
            let bucket = Bucket::from_name(name)?;
            let named = Unit::ALL.iter().filter(|unit| Bucket::of(**unit) == bucket);
            let unit = *named.min_by_key(|unit| unit.depth())?;
            let count = Decimal::from(count);
            let is_time = unit.per() == 3_600;
            rests.push((
                unit,
                if is_time {
                    count / Decimal::ONE_THOUSAND
                } else {
                    count
                },
            ));
        }
        let totals = [Unit::InputTokens, Unit::OutputTokens, Unit::CacheWriteTokens];
        let mut usage = Usage::new();
        for unit in rests.iter().map(|(unit, _)| *unit).chain(totals) {
            let inside = rests
                .iter()
                .filter(|(part, _)| *part == unit || unit.contains(*part));
            let sum = inside.fold(Decimal::ZERO, |sum, (_, rest)| sum.saturating_add(*rest));
            usage.set(unit, sum);
        }
        Some(usage)
    }

    /// The disjoint buckets of this usage.
    ///
    /// # Errors
    /// When reported parts exceed the total that should contain them; nothing is clamped.
    pub fn buckets(&self) -> Result<Buckets, PartsExceedTotal> {
        buckets(self)
    }
}

/// A number of JSON as an exact decimal; binary floats give the shortest decimal that reads back the same.
pub(crate) fn decimal_of(number: &serde_json::Number) -> Option<Decimal> {
    if let Some(whole) = number.as_u64() {
        return Some(Decimal::from(whole));
    }
    let text = number.to_string();
    text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.amounts.len()))?;
        for (unit, amount) in self.iter() {
            match u64::try_from(amount) {
                Ok(whole) if amount.is_integer() => map.serialize_entry(unit.key(), &whole)?,
                _ => {
                    let number: serde_json::Number =
                        serde_json::from_str(&amount.to_string()).map_err(serde::ser::Error::custom)?;
                    map.serialize_entry(unit.key(), &number)?;
                }
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Usage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: BTreeMap<String, serde_json::Number> = BTreeMap::deserialize(deserializer)?;
        let mut usage = Usage::new();
        for (key, number) in raw {
            let unit =
                Unit::from_key(&key).ok_or_else(|| D::Error::custom(format!("unknown usage key {key:?}")))?;
            let amount = decimal_of(&number)
                .filter(|amount| !amount.is_sign_negative())
                .ok_or_else(|| D::Error::custom(format!("{key} is not an amount: {number}")))?;
            usage.set(unit, amount);
        }
        Ok(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_amounts_exact() {
        let text = r#"{"input_tokens":9007199254740993,"audio_seconds":8.47}"#;
        let usage: Usage = serde_json::from_str(text).unwrap();
        assert_eq!(usage.input_tokens(), 9_007_199_254_740_993);
        assert_eq!(usage.get(Unit::AudioSeconds), Decimal::new(847, 2));
        assert_eq!(serde_json::to_string(&usage).unwrap(), text);
    }

    #[test]
    fn unknown_keys_and_negative_amounts_are_refused() {
        assert!(serde_json::from_str::<Usage>(r#"{"prompt_tokens":1}"#).is_err());
        assert!(serde_json::from_str::<Usage>(r#"{"input_tokens":-1}"#).is_err());
    }
}
