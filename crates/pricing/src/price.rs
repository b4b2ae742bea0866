//! The price of a usage: exact, or a reason why there is none.

use rust_decimal::Decimal;
use thiserror::Error;

use crate::bucket::{Bucket, remainders};
use crate::unit::{Direction, Unit, UnitSet};
use crate::usage::Usage;

/// Decimals that a stored amount may have; amounts are rounded half to even beyond them (only prices by the hour
/// ever get there).
pub const MAX_SCALE: u32 = 18;

/// What a call cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// For everything sent to the model.
    pub input: Decimal,
    /// For everything the model produced.
    pub output: Decimal,
    /// Input, output and what is neither, such as searches and requests.
    pub total: Decimal,
    /// ISO 4217.
    pub currency: &'static str,
    /// [`PriceTable::version`](crate::PriceTable::version) of the table that priced it.
    pub price_version: String,
    /// Source, model, start date and tier of the price, such as
    /// `genai-prices/0.2.3 anthropic/claude-sonnet-4-5 from=2025-09-29 tier>200000`.
    pub rule: String,
}

impl Price {
    /// The price of this call and another of the same model; the rule stays the first one's.
    ///
    /// # Errors
    /// When the currencies differ or the sum leaves the range of a decimal.
    pub fn plus(self, other: Price) -> Result<Price, Unpriced> {
        if self.currency != other.currency {
            return Err(Unpriced::new("currencies_differ"));
        }
        let sum = |left: Decimal, right: Decimal| {
            left.checked_add(right)
                .map(|sum| sum.normalize())
                .ok_or_else(|| Unpriced::new("amount_out_of_range"))
        };
        Ok(Price {
            input: sum(self.input, other.input)?,
            output: sum(self.output, other.output)?,
            total: sum(self.total, other.total)?,
            ..self
        })
    }
}

/// Why a usage has no price. Never to be read as zero.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Unpriced {
    /// `unknown_provider`, `unknown_model`, `no_usage`, `no_price_for_bucket:...`,
    /// `no_price_under:service_tier=...`, `usage_inconsistent:...`, `amount_out_of_range`, ...
    pub reason: String,
}

impl Unpriced {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Unpriced {
            reason: reason.into(),
        }
    }
}

/// A listed price per [`Unit::per`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) base: Decimal,
    /// (tokens, price), rising. A price applies to the whole request when its input tokens exceed the start:
    /// strictly more, so exactly 200,000 tokens still pay the lower price.
    pub(crate) tiers: Vec<(u64, Decimal)>,
}

/// The prices of one model at one time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rates {
    /// Parts before the wholes that contain them.
    entries: Vec<(Unit, Rate)>,
    units: UnitSet,
}

/// Amounts before they get their version and rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) input: Decimal,
    pub(crate) output: Decimal,
    pub(crate) total: Decimal,
    /// Start of the highest tier in force.
    pub(crate) tier: Option<u64>,
}

impl Rates {
    pub(crate) fn new(mut entries: Vec<(Unit, Rate)>) -> Self {
        entries.sort_by_key(|(unit, _)| (std::cmp::Reverse(unit.depth()), *unit));
        let mut units = UnitSet::default();
        entries.iter().for_each(|(unit, _)| units.insert(*unit));
        Rates { entries, units }
    }

    /// Whether nothing is priced.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// These prices with some replaced.
    pub(crate) fn overridden(&self, with: &Rates) -> Rates {
        let kept = self
            .entries
            .iter()
            .filter(|(unit, _)| !with.units.contains(*unit));
        Rates::new(kept.chain(&with.entries).cloned().collect())
    }

    /// These prices with tokens at half; searches and requests stay as they are.
    pub(crate) fn halved_tokens(&self) -> Rates {
        // Multiplying is exact; the scale grows by one digit, which loading leaves room for.
        let half = Decimal::new(5, 1);
        let entries = self.entries.iter().map(|(unit, rate)| {
            let halve = |price: Decimal| {
                if unit.per() == 1_000_000 {
                    price * half
                } else {
                    price
                }
            };
            let tiers = rate.tiers.iter().map(|(start, price)| (*start, halve(*price)));
            let rate = Rate {
                base: halve(rate.base),
                tiers: tiers.collect(),
            };
            (*unit, rate)
        });
        Rates::new(entries.collect())
    }

    /// The price of a usage.
    ///
    /// A part without a price of its own pays the price of the total around it (cached tokens the input price); a
    /// part that nothing covers makes the whole usage unpriced.
    pub(crate) fn price(&self, usage: &Usage) -> Result<Amounts, Unpriced> {
        self.check_coverage(usage)?;
        let mut amounts = Vec::with_capacity(self.entries.len());
        for (unit, _) in self.entries.iter().filter(|(unit, _)| *unit != Unit::Requests) {
            amounts.push((*unit, amount_of(usage, *unit)?));
        }
        let mut rests = remainders(&amounts)
            .map_err(|error| Unpriced::new(format!("usage_inconsistent:{}", error.total)))?;
        if self.units.contains(Unit::Requests) {
            rests.push((Unit::Requests, Decimal::ONE));
        }
        let tiered = self.entries.iter().any(|(_, rate)| !rate.tiers.is_empty());
        let input_tokens = if tiered {
            amount_of(usage, Unit::InputTokens)?
        } else {
            Decimal::ZERO
        };
        let mut sums = Amounts::default();
        for (unit, rest) in rests {
            let Some((_, rate)) = self.entries.iter().find(|(listed, _)| *listed == unit) else {
                continue;
            };
            let (price, tier) = rate.at(input_tokens);
            sums.tier = sums.tier.max(tier);
            sums.add(unit, price, rest)
                .ok_or_else(|| Unpriced::new("amount_out_of_range"))?;
        }
        Ok(sums)
    }

    fn check_coverage(&self, usage: &Usage) -> Result<(), Unpriced> {
        for (unit, _) in usage.iter() {
            if !unit.wholes().intersects(self.units) {
                let bucket = Bucket::of(unit).as_str();
                return Err(Unpriced::new(format!("no_price_for_bucket:{bucket}")));
            }
            // A token that is in two priced units, for which no single price is known, would be charged twice.
            let overlaps = |listed: &&(Unit, Rate)| {
                listed.0 != unit && unit.wholes().contains(listed.0) && !self.units.contains(unit)
            };
            let around: Vec<Unit> = self
                .entries
                .iter()
                .filter(overlaps)
                .map(|(listed, _)| *listed)
                .collect();
            let disagree = |left: &Unit| around.iter().any(|right| left.overlap(*right) == Some(unit));
            if around.iter().any(disagree) {
                let bucket = Bucket::of(unit).as_str();
                return Err(Unpriced::new(format!("no_price_for_bucket:{bucket}")));
            }
        }
        Ok(())
    }
}

impl Rate {
    fn at(&self, input_tokens: Decimal) -> (Decimal, Option<u64>) {
        let mut reached = self
            .tiers
            .iter()
            .rev()
            .filter(|(start, _)| input_tokens > Decimal::from(*start));
        reached
            .next()
            .map_or((self.base, None), |(start, price)| (*price, Some(*start)))
    }
}

impl Amounts {
    fn add(&mut self, unit: Unit, price: Decimal, count: Decimal) -> Option<()> {
        let per = Decimal::from(unit.per());
        let amount = price.checked_mul(count)?.checked_div(per)?.round_dp(MAX_SCALE);
        self.total = self.total.checked_add(amount)?;
        match unit.direction() {
            Direction::Input => self.input = self.input.checked_add(amount)?,
            Direction::Output => self.output = self.output.checked_add(amount)?,
            Direction::Neither => {}
        }
        Some(())
    }
}

/// The reported amount of a unit, or zero when nothing hints at one.
///
/// Parts without their total, or two overlapping parts without their overlap, leave the amount unknown.
fn amount_of(usage: &Usage, unit: Unit) -> Result<Decimal, Unpriced> {
    let amount = usage.get(unit);
    if amount > Decimal::ZERO {
        return Ok(amount);
    }
    let reported: Vec<Unit> = usage.iter().map(|(unit, _)| unit).collect();
    if reported.iter().any(|part| unit.contains(*part)) {
        return Err(Unpriced::new(format!("usage_inconsistent:{}", unit.key())));
    }
    let hidden = |left: &Unit| reported.iter().any(|right| left.overlap(*right) == Some(unit));
    if reported.iter().any(hidden) {
        return Err(Unpriced::new(format!("usage_ambiguous:{}", unit.key())));
    }
    Ok(Decimal::ZERO)
}
