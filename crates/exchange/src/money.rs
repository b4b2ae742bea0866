//! The price of a call by the list, or by what its tenant agreed on.

use aal_pricing::{Price, PriceBook, PriceTable, Unpriced, Usage};

use crate::route::pricing_provider;

/// The list, and what the tenant agreed on instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prices<'a> {
    pub(crate) table: &'a PriceTable,
    pub(crate) book: Option<&'a PriceBook>,
}

/// What of a call decides its price, as an exchange or a stored record tells it.
#[derive(Debug, Clone, Copy)]
pub struct PricedCall<'a> {
    /// As [`crate::Exchange::provider`].
    pub provider: &'a str,
    /// The model asked for.
    pub model_requested: Option<&'a str>,
    /// The model that answered.
    pub model: Option<&'a str>,
    /// `("service_tier", "flex")`, ...
    pub circumstances: &'a [(&'a str, &'a str)],
    /// When it was made, microseconds since the epoch.
    pub at_us: i64,
}

impl PricedCall<'_> {
    /// The price of a usage of this call.
    ///
    /// # Errors
    /// [`Unpriced`] with the reason; never zero instead.
    pub fn price(
        &self,
        table: &PriceTable,
        book: Option<&PriceBook>,
        usage: &Usage,
    ) -> Result<Price, Unpriced> {
        self.price_by(Prices { table, book }, usage)
    }

    pub(crate) fn price_by(&self, prices: Prices<'_>, usage: &Usage) -> Result<Price, Unpriced> {
        let provider = pricing_provider(self.provider);
        // The owner of a deployment says what it is; else what answered decides.
        let deployed = prices.book.zip(self.model_requested);
        let deployed = deployed.and_then(|(book, name)| book.model_of(provider, name, self.at_us));
        let mut refusal = Unpriced {
            reason: "no_model".to_owned(),
        };
        for model in deployed.into_iter().chain(self.models()) {
            let own = prices.book.and_then(|book| {
                book.price(
                    prices.table,
                    provider,
                    model,
                    self.at_us,
                    usage,
                    self.circumstances,
                )
            });
            let decided = own.unwrap_or_else(|| {
                prices
                    .table
                    .price_under(provider, model, self.at_us, usage, self.circumstances)
            });
            match decided {
                Err(error) if error.reason == "unknown_model" => refusal = error,
                decided => return decided,
            }
        }
        Err(refusal)
    }

    /// Names to look a price up by. Bedrock prices hang on the id in the URL; elsewhere what answered decides, and
    /// a requested name that is only a deployment must not be mistaken for a model that did not answer.
    fn models(&self) -> impl Iterator<Item = &str> {
        let (requested, answered) = (self.model_requested, self.model);
        let order = match self.provider {
            "aws.bedrock" => [requested, answered],
            "azure" => [answered, None],
            _ => [answered, requested],
        };
        order.into_iter().flatten()
    }
}
