//! The committed table files as data, checked while they are read.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use thiserror::Error;

use crate::clause::Clause;
use crate::extract::Extractor;
use crate::price::{MAX_SCALE, Rate, Rates};
use crate::time_rule::{RawTimeRule, TimeRule};
use crate::unit::Unit;

/// A table file that cannot be used. Names the row and what is wrong with it.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Not JSON of the expected shape.
    #[error("price table is not readable: {0}")]
    Json(#[from] serde_json::Error),
    /// A row with an unknown unit, a broken pattern, a price that is no decimal or too fine, or a wrong date.
    #[error("price table row {row}: {problem}")]
    Row {
        /// Provider, or provider and model.
        row: String,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawRate {
    Plain(String),
    Tiered(String, Vec<(u64, String)>),
}

/// Listed prices by price key, such as `input_mtok`.
type RawRates = BTreeMap<String, RawRate>;

#[derive(Deserialize)]
struct RawPrice {
    #[serde(flatten)]
    time: RawTimeRule,
    rates: RawRates,
}

#[derive(Deserialize)]
struct RawVariant {
    when: BTreeMap<String, String>,
    #[serde(flatten)]
    time: RawTimeRule,
    rates: RawRates,
}

/// A provider, or (with `of`) one of its models.
#[derive(Deserialize)]
struct RawRow {
    of: Option<String>,
    id: String,
    r#match: Option<Clause>,
    #[serde(default)]
    fallback: Vec<String>,
    #[serde(default)]
    extractors: Vec<Extractor>,
    #[serde(default)]
    prices: Vec<RawPrice>,
    #[serde(default)]
    variants: Vec<RawVariant>,
}

#[derive(Deserialize)]
struct RawFill {
    of: String,
    model: String,
    rates: RawRates,
    #[serde(default)]
    variants: Vec<RawVariant>,
}

#[derive(Deserialize)]
struct RawFirst {
    source: String,
    version: String,
    date: String,
    units: BTreeMap<String, (String, u32)>,
    rows: Vec<RawRow>,
}

#[derive(Deserialize)]
struct RawSecond {
    source: String,
    version: String,
    date: String,
    rows: Vec<RawFill>,
}

/// One price list: where its prices come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `genai-prices` or `litellm`.
    pub name: String,
    /// Version of the package it was read from.
    pub version: String,
    /// Release date of that version, `YYYY-MM-DD`.
    pub date: String,
}

/// Prices that replace others when the call's circumstances match.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub(crate) when: BTreeMap<String, String>,
    pub(crate) time: TimeRule,
    pub(crate) rates: Rates,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) id: String,
    /// Later entries win; the first holds when no other does.
    pub(crate) prices: Vec<(TimeRule, Rates)>,
    /// Earlier entries win, for each unit on its own.
    pub(crate) variants: Vec<Variant>,
}

pub(crate) struct ProviderRow {
    pub(crate) id: String,
    pub(crate) matches: Option<Clause>,
    pub(crate) fallback: Vec<String>,
    pub(crate) extractors: Vec<Extractor>,
    pub(crate) models: Vec<(Clause, Model)>,
}

/// Everything of the first file: providers in order, each with its models in order.
pub(crate) struct First {
    pub(crate) source: Source,
    pub(crate) providers: Vec<ProviderRow>,
    price_keys: BTreeMap<String, Unit>,
}

fn row_error(row: &str, problem: impl Into<String>) -> LoadError {
    LoadError::Row {
        row: row.to_owned(),
        problem: problem.into(),
    }
}

pub(crate) fn price(text: &str, per: u32, row: &str) -> Result<Decimal, LoadError> {
    let price: Decimal = text
        .parse()
        .map_err(|_| row_error(row, format!("{text:?} is not a price")))?;
    let scale_of_one = price.scale() + per.ilog10();
    if price.is_sign_negative() || scale_of_one > MAX_SCALE {
        return Err(row_error(
            row,
            format!("{text} is negative or finer than {MAX_SCALE} decimals a unit"),
        ));
    }
    Ok(price)
}

fn rates(raw: RawRates, keys: &BTreeMap<String, Unit>, row: &str) -> Result<Rates, LoadError> {
    let mut entries = Vec::with_capacity(raw.len());
    for (key, listed) in raw {
        let unit = *keys
            .get(&key)
            .ok_or_else(|| row_error(row, format!("unknown price key {key}")))?;
        let (base, steps) = match listed {
            RawRate::Plain(base) => (base, Vec::new()),
            RawRate::Tiered(base, steps) => (base, steps),
        };
        let mut tiers = Vec::with_capacity(steps.len());
        for (start, text) in steps {
            tiers.push((start, price(&text, unit.per(), row)?));
        }
        if !tiers.is_sorted_by(|left, right| left.0 < right.0) {
            return Err(row_error(row, "tiers do not rise"));
        }
        entries.push((
            unit,
            Rate {
                base: price(&base, unit.per(), row)?,
                tiers,
            },
        ));
    }
    Ok(Rates::new(entries))
}

fn time_rule(raw: RawTimeRule, row: &str) -> Result<TimeRule, LoadError> {
    TimeRule::new(raw).ok_or_else(|| row_error(row, "a date or time that does not exist"))
}

fn variants(
    raw: Vec<RawVariant>,
    keys: &BTreeMap<String, Unit>,
    row: &str,
) -> Result<Vec<Variant>, LoadError> {
    let each = raw.into_iter().map(|variant| {
        let time = time_rule(variant.time, row)?;
        Ok(Variant {
            when: variant.when,
            time,
            rates: rates(variant.rates, keys, row)?,
        })
    });
    each.collect()
}

fn checked_clause(clause: Clause, row: &str) -> Result<Clause, LoadError> {
    match clause.broken_pattern() {
        Some(pattern) => Err(row_error(row, format!("pattern {pattern:?} does not compile"))),
        None => Ok(clause),
    }
}

/// Reads the first file (genai-prices).
pub(crate) fn first(bytes: &[u8]) -> Result<First, LoadError> {
    let raw: RawFirst = serde_json::from_slice(bytes)?;
    let mut price_keys = BTreeMap::new();
    for (usage_key, (price_key, per)) in raw.units {
        let unit = Unit::from_key(&usage_key).filter(|unit| unit.per() == per);
        let unit = unit.ok_or_else(|| row_error("units", format!("unknown unit {usage_key} per {per}")))?;
        price_keys.insert(price_key, unit);
    }
    let mut providers: Vec<ProviderRow> = Vec::new();
    for row in raw.rows {
        let Some(of) = row.of else {
            if let Some(unit) = row.extractors.iter().find_map(Extractor::unknown_unit) {
                return Err(row_error(&row.id, format!("unknown unit {unit}")));
            }
            let matches = row
                .r#match
                .map(|clause| checked_clause(clause, &row.id))
                .transpose()?;
            providers.push(ProviderRow {
                id: row.id,
                matches,
                fallback: row.fallback,
                extractors: row.extractors,
                models: Vec::new(),
            });
            continue;
        };
        let name = format!("{of}/{}", row.id);
        let provider = providers.last_mut().filter(|provider| provider.id == of);
        let provider = provider.ok_or_else(|| row_error(&name, "stands outside its provider"))?;
        let clause = row.r#match.ok_or_else(|| row_error(&name, "has no match rule"))?;
        let clause = checked_clause(clause, &name)?;
        let mut prices = Vec::with_capacity(row.prices.len());
        for listed in row.prices {
            prices.push((
                time_rule(listed.time, &name)?,
                rates(listed.rates, &price_keys, &name)?,
            ));
        }
        let variants = variants(row.variants, &price_keys, &name)?;
        provider.models.push((
            clause,
            Model {
                id: row.id,
                prices,
                variants,
            },
        ));
    }
    let source = Source {
        name: raw.source,
        version: raw.version,
        date: raw.date,
    };
    Ok(First {
        source,
        providers,
        price_keys,
    })
}

/// Reads the second file (litellm): provider, lower-case model name, prices.
pub(crate) fn second(bytes: &[u8], first: &First) -> Result<(Source, Vec<(String, Model)>), LoadError> {
    let raw: RawSecond = serde_json::from_slice(bytes)?;
    let mut models = Vec::with_capacity(raw.rows.len());
    for row in raw.rows {
        let name = format!("{}/{}", row.of, row.model);
        let rates = rates(row.rates, &first.price_keys, &name)?;
        let variants = variants(row.variants, &first.price_keys, &name)?;
        let prices = vec![(TimeRule::default(), rates)];
        models.push((
            row.of,
            Model {
                id: row.model,
                prices,
                variants,
            },
        ));
    }
    Ok((
        Source {
            name: raw.source,
            version: raw.version,
            date: raw.date,
        },
        models,
    ))
}
