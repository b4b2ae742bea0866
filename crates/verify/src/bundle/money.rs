//! Exact sums of decimal amounts by currency.

use std::collections::BTreeMap;

use crate::projection::money_units;

/// Sums in 10^-18 of each currency; `None`: an amount was no decimal, or a sum does not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MoneySums(BTreeMap<String, Option<i128>>);

impl MoneySums {
    pub(crate) fn add(&mut self, currency: &str, amount: &str) {
        let units = money_units(amount);
        match self.0.get_mut(currency) {
            Some(sum) => *sum = sum.and_then(|sum| sum.checked_add(units?)),
            None => {
                self.0.insert(currency.to_owned(), units);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: MoneySums) {
        for (currency, units) in other.0 {
            match self.0.get_mut(&currency) {
                Some(sum) => *sum = sum.and_then(|sum| sum.checked_add(units?)),
                None => {
                    self.0.insert(currency, units);
                }
            }
        }
    }

    /// Whether these are the amounts a report states, as decimal texts by currency.
    pub(crate) fn is_stated_by(&self, stated: &BTreeMap<String, String>) -> bool {
        stated.len() == self.0.len()
            && self.0.iter().all(|(currency, sum)| {
                let stated = stated.get(currency).and_then(|text| money_units(text));
                sum.is_some() && *sum == stated
            })
    }
}
