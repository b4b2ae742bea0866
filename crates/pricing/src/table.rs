//! The price table: which price holds for a provider's model at a time.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::clause::{Clause, RuleIndex};
use crate::extract::{ExtractError, Extracted, Extractor};
use crate::load::{self, LoadError, Model, Source, Variant};
use crate::names::other_names;
use crate::price::{Price, Rates, Unpriced};
use crate::unit::Unit;
use crate::usage::Usage;

static FIRST: &[u8] = include_bytes!("../data/genai-prices.json");
static SECOND: &[u8] = include_bytes!("../data/litellm.json");

/// Circumstances of a call that some prices depend on: `("service_tier", "flex")`, `("processing", "batch")`.
pub type Circumstances<'a> = &'a [(&'a str, &'a str)];

#[derive(Debug)]
struct Provider {
    id: String,
    matches: Option<Clause>,
    fallback: Vec<usize>,
    extractors: Vec<Extractor>,
    rules: RuleIndex,
    models: Vec<Model>,
    /// Models that only the second source prices, by lower-case name.
    filled: HashMap<String, Model>,
}

/// A versioned, effective-dated price list of every provider known.
///
/// Lookups cost a hash of the name, and for names that are not listed outright a few comparisons per model.
#[derive(Debug)]
pub struct PriceTable {
    version: String,
    sources: [Source; 2],
    providers: Vec<Provider>,
    by_id: HashMap<String, usize>,
}

/// The model found for a name.
struct Found<'a> {
    model: &'a Model,
    /// The provider whose list it stands in, which may be another than the one asked for.
    listed_by: &'a Provider,
    own: bool,
    source: &'a Source,
}

impl PriceTable {
    /// The committed table, read once.
    pub fn builtin() -> &'static PriceTable {
        static TABLE: OnceLock<PriceTable> = OnceLock::new();
        // The files are part of the program and a test loads them, so this cannot fail in one that was tested.
        TABLE.get_or_init(|| PriceTable::load(FIRST, SECOND).expect("the committed price table is valid"))
    }

    /// Reads a table from the two files that `scripts/import-prices.py` makes.
    ///
    /// # Errors
    /// When a file is not of the form, or a row names an unknown unit, an impossible date or too fine a price.
    pub fn load(first: &[u8], second: &[u8]) -> Result<PriceTable, LoadError> {
        let first_list = load::first(first)?;
        let (second_source, filled) = load::second(second, &first_list)?;
        let digest = Sha256::new().chain_update(first).chain_update(second).finalize();
        let newest = first_list.source.date.as_str().max(&second_source.date);
        let version = format!("{newest}+{}", &hex::encode(digest)[..12]);
        let ids = first_list.providers.iter().enumerate();
        let mut by_id: HashMap<String, usize> = ids
            .map(|(position, provider)| (provider.id.clone(), position))
            .collect();
        let mut providers: Vec<Provider> = Vec::with_capacity(first_list.providers.len());
        for row in first_list.providers {
            let fallback = row
                .fallback
                .iter()
                .filter_map(|id| by_id.get(id).copied())
                .collect();
            let mut provider = Provider::new(row.id, row.matches, row.extractors, fallback);
            for (clause, model) in row.models {
                provider.rules.push(provider.models.len(), clause);
                provider.models.push(model);
            }
            providers.push(provider);
        }
        for (of, model) in filled {
            let position = *by_id.entry(of).or_insert_with_key(|id| {
                providers.push(Provider::new(id.clone(), None, Vec::new(), Vec::new()));
                providers.len() - 1
            });
            providers[position].filled.insert(model.id.clone(), model);
        }
        Ok(PriceTable {
            version,
            sources: [first_list.source, second_source],
            providers,
            by_id,
        })
    }

    /// Release date of the newest source and twelve digits of the SHA-256 of the table: `2026-11-12+0123456789ab`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The price lists this table is made of.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The provider's id in this table for a name it goes by (`bedrock` is `aws`), if known.
    pub fn provider_id(&self, name: &str) -> Option<&str> {
        self.provider(name).map(|provider| provider.id.as_str())
    }

    /// The ids of the providers that have priced models, in the order of the table.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        let priced = self
            .providers
            .iter()
            .filter(|provider| !provider.models.is_empty() || !provider.filled.is_empty());
        priced.map(|provider| provider.id.as_str())
    }

    /// The priced models of a provider with the list their price is from, sorted by name within each list.
    pub fn models(&self, provider_id: &str) -> Vec<(&str, &Source)> {
        let Some(provider) = self.provider(provider_id) else {
            return Vec::new();
        };
        let mut first: Vec<_> = provider
            .models
            .iter()
            .map(|model| (model.id.as_str(), &self.sources[0]))
            .collect();
        let mut second: Vec<_> = provider
            .filled
            .keys()
            .map(|name| (name.as_str(), &self.sources[1]))
            .collect();
        first.sort_unstable_by_key(|(name, _)| *name);
        second.sort_unstable_by_key(|(name, _)| *name);
        first.append(&mut second);
        first
    }

    /// How many models of a provider have a price.
    pub fn model_count(&self, provider_id: &str) -> usize {
        self.provider(provider_id)
            .map_or(0, |provider| provider.models.len() + provider.filled.len())
    }

    /// What a call cost at a time (microseconds since the epoch), under ordinary circumstances.
    ///
    /// # Errors
    /// [`Unpriced`] with the reason; an unknown price is never zero.
    pub fn price(
        &self,
        provider_id: &str,
        model: &str,
        at_us: i64,
        usage: &Usage,
    ) -> Result<Price, Unpriced> {
        self.price_under(provider_id, model, at_us, usage, &[])
    }

    /// Like [`PriceTable::price`], with circumstances that change the price of some models.
    ///
    /// # Errors
    /// [`Unpriced`] with the reason; a circumstance without a listed price is one.
    pub fn price_under(
        &self,
        provider_id: &str,
        model: &str,
        at_us: i64,
        usage: &Usage,
        circumstances: Circumstances<'_>,
    ) -> Result<Price, Unpriced> {
        let provider = self
            .provider(provider_id)
            .ok_or_else(|| Unpriced::new("unknown_provider"))?;
        let found = self
            .find(provider, model)
            .ok_or_else(|| Unpriced::new("unknown_model"))?;
        let prices = &found.model.prices;
        let in_force = prices
            .iter()
            .rev()
            .find(|(time, _)| time.holds(at_us))
            .or(prices.first());
        let (time, rates) = in_force.ok_or_else(|| Unpriced::new("no_price_for_model"))?;
        let (special, because) = found.special(at_us, rates, circumstances)?;
        let overridden = special.map(|special| rates.overridden(&special));
        let billed = billed_usage(provider, found.model, usage);
        let amounts = overridden
            .as_ref()
            .unwrap_or(rates)
            .price(billed.as_ref().unwrap_or(usage))?;
        let tier = amounts
            .tier
            .map_or_else(String::new, |start| format!(" tier>{start}"));
        let source = found.source;
        let rule = format!(
            "{}/{} {}/{}{}{tier}{because}",
            source.name,
            source.version,
            found.listed_by.id,
            found.model.id,
            time.describe()
        );
        Ok(Price {
            input: amounts.input.normalize(),
            output: amounts.output.normalize(),
            total: amounts.total.normalize(),
            currency: "USD",
            price_version: self.version.clone(),
            rule,
        })
    }

    /// Reads model and usage out of a provider's answer.
    ///
    /// A provider without rules of its own is read as what most imitate: OpenAI's form, or Anthropic's for the
    /// flavour `anthropic`.
    ///
    /// # Errors
    /// When the body has no usage by the rules of this provider and flavour.
    pub fn extract_usage(
        &self,
        provider_id: &str,
        api_flavor: &str,
        body: &Value,
    ) -> Result<Extracted, ExtractError> {
        let provider = self.provider(provider_id);
        let own = provider.map_or(&[][..], |provider| &provider.extractors);
        let (rules, flavor) = if own.is_empty() {
            let (id, flavor) = imitated(api_flavor);
            (
                self.provider(id).map_or(&[][..], |provider| &provider.extractors),
                flavor,
            )
        } else {
            (own, api_flavor)
        };
        let extractor = rules.iter().find(|extractor| extractor.flavor == flavor);
        let extractor = extractor.ok_or_else(|| ExtractError::UnknownFlavor(flavor.to_owned()))?;
        extractor.extract(body)
    }

    fn provider(&self, name: &str) -> Option<&Provider> {
        if let Some(position) = self.by_id.get(name) {
            return self.providers.get(*position);
        }
        let name = name.trim().to_lowercase();
        if let Some(position) = self.by_id.get(&name) {
            return self.providers.get(*position);
        }
        let claims = |provider: &&Provider| {
            provider
                .matches
                .as_ref()
                .is_some_and(|clause| clause.matches(&name))
        };
        self.providers.iter().find(claims)
    }

    fn find<'a>(&'a self, provider: &'a Provider, model: &str) -> Option<Found<'a>> {
        let name = model.to_lowercase();
        if let Some(found) = self.find_named(provider, &name) {
            return Some(found);
        }
        // OpenAI-compatible doors name the vendor before the model: `google/gemini-2.5-flash` at Google.
        let own = name
            .strip_prefix(&provider.id)
            .and_then(|rest| rest.strip_prefix('/'));
        if let Some(found) = own.and_then(|own| self.find_named(provider, own)) {
            return Some(found);
        }
        let others = other_names(&name);
        others.iter().find_map(|other| self.find_named(provider, other))
    }

    fn find_named<'a>(&'a self, provider: &'a Provider, name: &str) -> Option<Found<'a>> {
        let fallback = provider
            .fallback
            .iter()
            .filter_map(|position| self.providers.get(*position));
        for listed_by in std::iter::once(provider).chain(fallback) {
            if let Some(model) = listed_by.rules.find(name).and_then(|at| listed_by.models.get(at)) {
                let own = std::ptr::eq(provider, listed_by);
                return Some(Found {
                    model,
                    listed_by,
                    own,
                    source: &self.sources[0],
                });
            }
        }
        let model = provider.filled.get(name)?;
        Some(Found {
            model,
            listed_by: provider,
            own: true,
            source: &self.sources[1],
        })
    }
}

impl Provider {
    fn new(id: String, matches: Option<Clause>, extractors: Vec<Extractor>, fallback: Vec<usize>) -> Self {
        let (rules, models, filled) = (RuleIndex::default(), Vec::new(), HashMap::new());
        Provider {
            id,
            matches,
            fallback,
            extractors,
            rules,
            models,
            filled,
        }
    }
}

/// Providers whose published rule is that tokens of a batch job cost half, whatever the model. The lists hold batch
/// prices only from October 2026 on; an earlier or unlisted one follows from the rule.
const HALF_IN_BATCHES: [&str; 7] = ["openai", "azure", "anthropic", "google", "aws", "mistral", "groq"];

impl Found<'_> {
    fn half_in_batches(&self) -> bool {
        self.own && HALF_IN_BATCHES.contains(&self.listed_by.id.as_str())
    }

    /// Special prices of the circumstances, and the words for the rule.
    ///
    /// A circumstance for which the list has no price in force is refused: the ordinary price would be a guess.
    /// Specials of one provider say nothing about another that offers the same model.
    fn special(
        &self,
        at_us: i64,
        rates: &Rates,
        circumstances: Circumstances<'_>,
    ) -> Result<(Option<Rates>, String), Unpriced> {
        let mut special: Option<Rates> = None;
        let mut because = String::new();
        for (name, said) in circumstances {
            let asks = |variant: &&Variant| variant.when.get(*name).is_some_and(|value| value == said);
            let listed = self.model.variants.iter().filter(|_| self.own);
            if !listed.filter(asks).any(|variant| variant.time.holds(at_us)) {
                if (*name, *said) == ("processing", "batch") && self.half_in_batches() {
                    special = Some(rates.halved_tokens());
                    because.push_str(" processing=batch half");
                    continue;
                }
                return Err(Unpriced::new(format!("no_price_under:{name}={said}")));
            }
        }
        for variant in self.model.variants.iter().filter(|_| !circumstances.is_empty()) {
            let given = |(key, value): (&String, &String)| {
                circumstances
                    .iter()
                    .any(|(name, said)| name == key && said == value)
            };
            let changes = !variant.rates.is_empty() && variant.time.holds(at_us);
            if !changes || !variant.when.iter().all(given) {
                continue;
            }
            // The first to set a unit's price keeps it.
            special = Some(match special {
                Some(earlier) => variant.rates.overridden(&earlier),
                None => variant.rates.clone(),
            });
            for (key, value) in &variant.when {
                because.push_str(&format!(" {key}={value}"));
            }
        }
        Ok((special, because))
    }
}

/// Whose usage form a provider without own rules is taken to use, by flavour.
fn imitated(api_flavor: &str) -> (&'static str, &str) {
    match api_flavor {
        "anthropic" => ("anthropic", "default"),
        "default" => ("openai", "chat"),
        other => ("openai", other),
    }
}

/// What is billed where that differs from what was used: Groq bills at least ten seconds of audio a request.
fn billed_usage(provider: &Provider, model: &Model, usage: &Usage) -> Option<Usage> {
    let minimum = rust_decimal::Decimal::TEN;
    let whisper = matches!(model.id.as_str(), "whisper-large-v3" | "whisper-large-v3-turbo");
    if provider.id != "groq" || !whisper {
        return None;
    }
    let seconds = usage
        .get(Unit::AudioSeconds)
        .max(usage.get(Unit::InputAudioSeconds));
    if seconds.is_zero() {
        return None;
    }
    let mut billed = usage.clone();
    billed.set(Unit::AudioSeconds, seconds.max(minimum));
    billed.set(Unit::InputAudioSeconds, seconds.max(minimum));
    Some(billed)
}
