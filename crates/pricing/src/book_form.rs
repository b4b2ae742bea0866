//! The JSON of a price book, checked to the last member.

use rust_decimal::Decimal;
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;

use crate::book::{CustomPrice, Deployment, Name, Period, Terms};
use crate::load;
use crate::price::{Rate, Rates};
use crate::table::PriceTable;
use crate::unit::Unit;

/// Most prices of a book.
pub const MAX_PRICES: usize = 500;
/// Most deployments of a book.
pub const MAX_DEPLOYMENTS: usize = 500;
/// Longest text of a book, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Longest name of a provider, model or deployment, in bytes.
const MAX_NAME: usize = 200;
/// Most steps of one rate.
const MAX_TIERS: usize = 8;

/// Currencies that a price may be in (ISO 4217).
const CURRENCIES: [&str; 21] = [
    "USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "INR", "CNY", "SEK", "NOK", "DKK", "PLN", "CZK", "BRL",
    "KRW", "SGD", "HKD", "NZD", "MXN", "ZAR",
];

/// One thing that is wrong with a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookError {
    /// JSON pointer of the member.
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// Collects errors while reading on.
#[derive(Default)]
struct Faults(Vec<BookError>);

impl Faults {
    fn add(&mut self, pointer: &str, message: impl Into<String>) {
        self.0.push(BookError {
            pointer: pointer.to_owned(),
            message: message.into(),
        });
    }

    /// The members of an object of which only these are known.
    fn object<'a>(&mut self, value: &'a Value, at: &str, known: &[&str]) -> Option<&'a Map<String, Value>> {
        let Some(object) = value.as_object() else {
            self.add(at, format!("must be an object with {}", known.join(", ")));
            return None;
        };
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            self.add(
                &format!("{at}/{name}"),
                format!("is not known here; known are {}", known.join(", ")),
            );
        }
        Some(object)
    }

    fn list<'a>(&mut self, book: &'a Map<String, Value>, name: &str, most: usize) -> &'a [Value] {
        match book.get(name) {
            None => &[],
            Some(Value::Array(items)) if items.len() <= most => items,
            Some(_) => {
                self.add(&format!("/{name}"), format!("must be an array of at most {most}"));
                &[]
            }
        }
    }

    /// A name: letters, digits and `._:/@+-`, lower case from here on.
    fn name(&mut self, entry: &Map<String, Value>, at: &str, member: &str) -> String {
        let text = entry.get(member).and_then(Value::as_str).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/@+-".contains(&byte);
        let stem = text
            .strip_suffix('*')
            .filter(|_| member == "model")
            .unwrap_or(text);
        if stem.is_empty() || text.len() > MAX_NAME || !stem.bytes().all(plain) {
            let rule = format!("must be 1 to {MAX_NAME} letters, digits or ._:/@+-");
            self.add(&format!("{at}/{member}"), rule);
        }
        text.to_lowercase()
    }

    fn time(&mut self, entry: &Map<String, Value>, at: &str, member: &str, absent_us: i64) -> i64 {
        let text = match entry.get(member) {
            None | Some(Value::Null) => return absent_us,
            Some(value) => value.as_str().unwrap_or_default(),
        };
        let read = time::OffsetDateTime::parse(text, &Rfc3339).ok();
        let us = read.and_then(|time| i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000)).ok());
        us.unwrap_or_else(|| {
            self.add(
                &format!("{at}/{member}"),
                "must be an RFC 3339 time such as 2026-01-31T00:00:00Z",
            );
            absent_us
        })
    }

    fn period(&mut self, entry: &Map<String, Value>, at: &str) -> Period {
        let period = Period {
            from_us: self.time(entry, at, "from", i64::MIN),
            to_us: self.time(entry, at, "to", i64::MAX),
        };
        if period.from_us >= period.to_us {
            self.add(&format!("{at}/to"), "must be later than from");
        }
        period
    }
}

/// Reads a book.
pub(crate) fn read(
    json: &str,
    table: &PriceTable,
) -> Result<(Vec<CustomPrice>, Vec<Deployment>), Vec<BookError>> {
    let mut faults = Faults::default();
    if json.len() > MAX_BYTES {
        faults.add("", format!("must be at most {MAX_BYTES} bytes"));
        return Err(faults.0);
    }
    let book: Value = serde_json::from_str(json).unwrap_or_default();
    let Some(book) = faults.object(&book, "", &["prices", "deployments"]) else {
        return Err(faults.0);
    };
    let mut prices: Vec<CustomPrice> = Vec::new();
    for (number, entry) in faults.list(book, "prices", MAX_PRICES).iter().enumerate() {
        let at = format!("/prices/{number}");
        let Some(price) = custom_price(&mut faults, entry, &at, table) else {
            continue;
        };
        let same = |other: &CustomPrice| {
            other.provider == price.provider
                && other.model == price.model
                && other.period.overlaps(price.period)
        };
        if let Some(earlier) = prices.iter().position(same) {
            let message =
                format!("overlaps the entry {earlier} of the same model; end that one with to first");
            faults.add(&format!("{at}/from"), message);
        }
        prices.push(price);
    }
    let mut deployments: Vec<Deployment> = Vec::new();
    for (number, entry) in faults
        .list(book, "deployments", MAX_DEPLOYMENTS)
        .iter()
        .enumerate()
    {
        let at = format!("/deployments/{number}");
        let Some(one) = deployment(&mut faults, entry, &at, table) else {
            continue;
        };
        let same = |other: &Deployment| {
            other.provider == one.provider
                && other.deployment == one.deployment
                && other.period.overlaps(one.period)
        };
        if let Some(earlier) = deployments.iter().position(same) {
            let message =
                format!("overlaps the entry {earlier} of the same deployment; end that one with to first");
            faults.add(&format!("{at}/from"), message);
        }
        deployments.push(one);
    }
    if faults.0.is_empty() {
        Ok((prices, deployments))
    } else {
        Err(faults.0)
    }
}

fn known_provider(table: &PriceTable, name: String) -> String {
    table.provider_id(&name).map_or(name.clone(), str::to_owned)
}

fn custom_price(faults: &mut Faults, entry: &Value, at: &str, table: &PriceTable) -> Option<CustomPrice> {
    let known = [
        "provider",
        "model",
        "from",
        "to",
        "currency",
        "rates",
        "discount_percent",
    ];
    let entry = faults.object(entry, at, &known)?;
    let provider = known_provider(table, faults.name(entry, at, "provider"));
    let model = faults.name(entry, at, "model");
    let period = faults.period(entry, at);
    let from_text = entry.get("from").and_then(Value::as_str);
    let terms = match (entry.get("rates"), entry.get("discount_percent")) {
        (Some(rates), None) => Terms::Rates(rates_of(faults, rates, at), currency(faults, entry, at)),
        (None, Some(percent)) => {
            if entry.contains_key("currency") {
                faults.add(
                    &format!("{at}/currency"),
                    "goes with rates only; a discount keeps the list's",
                );
            }
            Terms::Discount(percent_of(faults, percent, at))
        }
        _ => {
            faults.add(at, "must have either rates or discount_percent");
            return None;
        }
    };
    Some(CustomPrice {
        provider,
        model: Name {
            is_prefix: model.ends_with('*'),
            start: model.trim_end_matches('*').to_owned(),
        },
        period,
        from_text: from_text.map_or_else(String::new, |from| format!(" from={from}")),
        terms,
    })
}

fn deployment(faults: &mut Faults, entry: &Value, at: &str, table: &PriceTable) -> Option<Deployment> {
    let entry = faults.object(entry, at, &["provider", "deployment", "model", "from", "to"])?;
    let model = faults.name(entry, at, "model");
    if model.ends_with('*') {
        faults.add(
            &format!("{at}/model"),
            "must be one model; a deployment is of one",
        );
    }
    Some(Deployment {
        provider: known_provider(table, faults.name(entry, at, "provider")),
        deployment: faults.name(entry, at, "deployment"),
        model,
        period: faults.period(entry, at),
    })
}

fn currency(faults: &mut Faults, entry: &Map<String, Value>, at: &str) -> &'static str {
    let said = match entry.get("currency") {
        None => "USD",
        Some(value) => value.as_str().unwrap_or_default(),
    };
    let known = CURRENCIES.iter().find(|currency| **currency == said);
    known.copied().unwrap_or_else(|| {
        faults.add(
            &format!("{at}/currency"),
            format!("must be one of {}", CURRENCIES.join(", ")),
        );
        "USD"
    })
}

fn percent_of(faults: &mut Faults, percent: &Value, at: &str) -> Decimal {
    let text = percent
        .as_str()
        .map_or_else(|| percent.to_string(), str::to_owned);
    let read = text.parse::<Decimal>().ok();
    let fine = |percent: &Decimal| {
        !percent.is_sign_negative() && *percent <= Decimal::ONE_HUNDRED && percent.scale() <= 4
    };
    read.filter(fine).unwrap_or_else(|| {
        let rule = "must be a number from 0 to 100 with at most four decimals";
        faults.add(&format!("{at}/discount_percent"), rule);
        Decimal::ZERO
    })
}

fn rates_of(faults: &mut Faults, rates: &Value, at: &str) -> Rates {
    let at = format!("{at}/rates");
    let Some(rates) = rates.as_object().filter(|rates| !rates.is_empty()) else {
        faults.add(
            &at,
            "must be an object of prices by unit, such as {\"input_tokens\": \"2.50\"}",
        );
        return Rates::default();
    };
    let mut entries = Vec::new();
    for (key, listed) in rates {
        let at = format!("{at}/{key}");
        let Some(unit) = Unit::from_key(key) else {
            faults.add(
                &at,
                "is no unit of usage; units are input_tokens, output_tokens, cache_read_tokens, ...",
            );
            continue;
        };
        let rate = match listed {
            Value::Object(_) => tiered(faults, listed, unit, &at),
            plain => amount(faults, plain, unit, &at).map(|base| Rate {
                base,
                tiers: Vec::new(),
            }),
        };
        entries.extend(rate.map(|rate| (unit, rate)));
    }
    Rates::new(entries)
}

fn tiered(faults: &mut Faults, listed: &Value, unit: Unit, at: &str) -> Option<Rate> {
    let listed = faults.object(listed, at, &["base", "above"])?;
    let base = amount(
        faults,
        listed.get("base").unwrap_or(&Value::Null),
        unit,
        &format!("{at}/base"),
    )?;
    let at = format!("{at}/above");
    let shape =
        "must be an array of at most 8 pairs of input tokens and price, rising, such as [[200000, \"5.00\"]]";
    let steps = listed
        .get("above")
        .and_then(Value::as_array)
        .filter(|steps| steps.len() <= MAX_TIERS);
    let Some(steps) = steps else {
        faults.add(&at, shape);
        return None;
    };
    let mut tiers: Vec<(u64, Decimal)> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let start = step.get(0).and_then(Value::as_u64);
        let is_pair = step.as_array().is_some_and(|pair| pair.len() == 2);
        let rises = |start: &u64| tiers.last().is_none_or(|(last, _)| last < start);
        let Some(start) = start.filter(|start| is_pair && rises(start)) else {
            faults.add(&format!("{at}/{number}"), shape);
            return None;
        };
        let price = amount(
            faults,
            step.get(1).unwrap_or(&Value::Null),
            unit,
            &format!("{at}/{number}/1"),
        )?;
        tiers.push((start, price));
    }
    Some(Rate { base, tiers })
}

/// A decimal written as text: binary floats are not exact.
fn amount(faults: &mut Faults, value: &Value, unit: Unit, at: &str) -> Option<Decimal> {
    let text = value.as_str().unwrap_or_default();
    let read = load::price(text, unit.per(), "").ok();
    if read.is_none() {
        let rule = format!(
            "must be a decimal in quotes, not negative, for {} of the unit",
            unit.per()
        );
        faults.add(at, rule);
    }
    read
}
