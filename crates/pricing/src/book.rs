//! A tenant's own prices: custom ones, discounts on the list, and what stands behind the names of deployments.

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use crate::book_form;
use crate::price::{MAX_SCALE, Price, Rates, Unpriced};
use crate::table::{Circumstances, PriceTable};
use crate::usage::Usage;

pub use crate::book_form::{BookError, MAX_DEPLOYMENTS, MAX_PRICES};

/// A price book: immutable, named by its digest.
#[derive(Debug, Clone)]
pub struct PriceBook {
    version: String,
    prices: Vec<CustomPrice>,
    deployments: Vec<Deployment>,
}

/// Half-open, microseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from_us: i64,
    pub(crate) to_us: i64,
}

/// A name, or with `*` at its end every name that begins so; lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) start: String,
    pub(crate) is_prefix: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Terms {
    /// Instead of the list.
    Rates(Rates, &'static str),
    /// Percent off the list, 0 to 100.
    Discount(Decimal),
}

#[derive(Debug, Clone)]
pub(crate) struct CustomPrice {
    /// As the table names it, where it knows it; lower case.
    pub(crate) provider: String,
    pub(crate) model: Name,
    pub(crate) period: Period,
    pub(crate) from_text: String,
    pub(crate) terms: Terms,
}

/// A name that an owner gave to a model, as on Azure.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub(crate) provider: String,
    pub(crate) deployment: String,
    pub(crate) model: String,
    pub(crate) period: Period,
}

impl Period {
    fn holds(self, at_us: i64) -> bool {
        (self.from_us..self.to_us).contains(&at_us)
    }

    pub(crate) fn overlaps(self, other: Period) -> bool {
        self.from_us < other.to_us && other.from_us < self.to_us
    }
}

impl Name {
    fn fits(&self, model: &str) -> bool {
        if self.is_prefix {
            model.starts_with(&self.start)
        } else {
            model == self.start
        }
    }
}

impl PriceBook {
    /// Reads a book: `{"prices": [...], "deployments": [...]}`; see docs/prices.md.
    ///
    /// # Errors
    /// Every error at once, each with the place and the fix.
    pub fn parse(json: &str, table: &PriceTable) -> Result<PriceBook, Vec<BookError>> {
        let (prices, deployments) = book_form::read(json, table)?;
        let digest = Sha256::digest(json.as_bytes());
        Ok(PriceBook {
            version: format!("custom+{}", &hex::encode(digest)[..12]),
            prices,
            deployments,
        })
    }

    /// `custom+` and twelve digits of the SHA-256 of the book's text.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The model behind a deployment's name at a time.
    pub fn model_of(&self, provider: &str, deployment: &str, at_us: i64) -> Option<&str> {
        let deployment = deployment.to_lowercase();
        let found = self
            .deployments
            .iter()
            .find(|one| one.provider == provider && one.deployment == deployment && one.period.holds(at_us));
        found.map(|one| one.model.as_str())
    }

    /// The price by this book; None when it says nothing of the model at that time, and the list holds.
    ///
    /// A full name counts before a beginning, a longer beginning before a shorter one.
    pub fn price(
        &self,
        table: &PriceTable,
        provider: &str,
        model: &str,
        at_us: i64,
        usage: &Usage,
        circumstances: Circumstances<'_>,
    ) -> Option<Result<Price, Unpriced>> {
        let name = model.to_lowercase();
        let fits = self
            .prices
            .iter()
            .filter(|one| one.provider == provider && one.model.fits(&name) && one.period.holds(at_us));
        let best = fits.max_by_key(|one| (!one.model.is_prefix, one.model.start.len()))?;
        Some(match &best.terms {
            Terms::Rates(rates, currency) => self.own(best, rates, currency, usage, circumstances),
            Terms::Discount(percent) => table
                .price_under(provider, model, at_us, usage, circumstances)
                .and_then(|list| self.discounted(list, *percent, best)),
        })
    }

    fn own(
        &self,
        best: &CustomPrice,
        rates: &Rates,
        currency: &'static str,
        usage: &Usage,
        circumstances: Circumstances<'_>,
    ) -> Result<Price, Unpriced> {
        // What was agreed for ordinary calls says nothing of others.
        if let Some((name, value)) = circumstances.first() {
            return Err(Unpriced::new(format!("no_price_under:{name}={value}")));
        }
        let amounts = rates.price(usage)?;
        let tier = amounts
            .tier
            .map_or_else(String::new, |start| format!(" tier>{start}"));
        Ok(Price {
            input: amounts.input.normalize(),
            output: amounts.output.normalize(),
            total: amounts.total.normalize(),
            currency,
            price_version: self.version.clone(),
            rule: format!("{}{tier}", self.rule(best)),
        })
    }

    fn discounted(&self, list: Price, percent: Decimal, best: &CustomPrice) -> Result<Price, Unpriced> {
        let share = Decimal::ONE_HUNDRED - percent;
        let cut = |amount: Decimal| {
            let part = amount
                .checked_mul(share)
                .and_then(|amount| amount.checked_div(Decimal::ONE_HUNDRED));
            part.map(|part| part.round_dp(MAX_SCALE).normalize())
                .ok_or_else(|| Unpriced::new("amount_out_of_range"))
        };
        Ok(Price {
            input: cut(list.input)?,
            output: cut(list.output)?,
            total: cut(list.total)?,
            currency: list.currency,
            price_version: format!("{} {}", self.version, list.price_version),
            rule: format!(
                "{} less {}% of {}",
                self.rule(best),
                percent.normalize(),
                list.rule
            ),
        })
    }

    fn rule(&self, best: &CustomPrice) -> String {
        let star = if best.model.is_prefix { "*" } else { "" };
        format!(
            "custom {}/{}{star}{}",
            best.provider, best.model.start, best.from_text
        )
    }
}
