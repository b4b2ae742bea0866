//! Figures of a report, computed from the headers of the records (docs/evidence-bundle.md section 7, REPORT).

use std::collections::{BTreeMap, HashMap};

use aal_bundle::filter;
use aal_ledger::jcs::Members;
use aal_ledger::{ChainId, Kind, LeafView};

use crate::bundle::money::MoneySums;

/// Most groups that are added up; a report with more is left unproven.
const MAX_GROUPS: usize = 100_000;

/// Which records a report is about.
#[derive(Debug, Default)]
pub(crate) struct ReportScope {
    /// Sizes of the chains when the report was made.
    pub(crate) sizes: HashMap<ChainId, u64>,
}

impl ReportScope {
    pub(crate) fn covers(&self, leaf: &LeafView<'_>) -> bool {
        let chain = ChainId {
            tenant: leaf.tenant(),
            shard: leaf.shard(),
        };
        self.sizes.get(&chain).is_some_and(|size| leaf.index() < *size)
    }
}

/// Figures over records of a period.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Records by kind.
    pub(crate) kinds: BTreeMap<Kind, u64>,
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) usage: BTreeMap<String, u64>,
    pub(crate) money: BTreeMap<&'static str, MoneySums>,
    /// By provider and model.
    pub(crate) by_model: BTreeMap<Vec<String>, Group>,
    pub(crate) by_application: BTreeMap<Vec<String>, Group>,
    /// Groups were left out, so the figures by group cannot be compared.
    pub(crate) has_too_many_groups: bool,
}

/// Figures of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) cost: MoneySums,
}

impl Group {
    fn merge(&mut self, other: Group) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cost.merge(other.cost);
    }
}

impl Figures {
    /// Adds one record of the period.
    pub(crate) fn add(&mut self, kind: Kind, header: &Members<'_>, is_match: bool) {
        *self.kinds.entry(kind).or_default() += 1;
        if kind != Kind::Event {
            return;
        }
        if !is_match {
            return self.count("events_filtered_out", 1);
        }
        let text = |name| header.get(name).and_then(|raw| raw.string()).unwrap_or_default();
        let number = |name| header.get(name).and_then(|raw| raw.unsigned()).unwrap_or(0);
        let flag = |name| u64::from(header.get(name).and_then(|raw| raw.boolean()) == Some(true));
        let redactions = filter::total(header, "pii");
        let group = {
            let mut cost = MoneySums::default();
            if header.get("cost").is_some() {
                cost.add(&text("currency"), &text("cost"));
            }
            Group {
                calls: 1,
                errors: flag("is_error"),
                input_tokens: number("input_tokens"),
                output_tokens: number("output_tokens"),
                cost,
            }
        };
        for (name, amount) in [
            ("calls", 1),
            ("errors", group.errors),
            ("streamed", flag("streamed")),
            ("interrupted", flag("interrupted")),
            ("phi", flag("phi")),
            ("input_tokens", group.input_tokens),
            ("output_tokens", group.output_tokens),
            ("redactions", redactions),
            ("events_with_redactions", u64::from(redactions > 0)),
        ] {
            self.count(name, amount);
        }
        self.price(header);
        for (bucket, raw) in header
            .get("usage")
            .and_then(|raw| raw.members())
            .iter()
            .flat_map(Members::iter)
        {
            let sum = self.usage.entry(bucket.to_owned()).or_default();
            *sum = sum.saturating_add(raw.unsigned().unwrap_or(0));
        }
        let model = vec![text("provider").into_owned(), text("model").into_owned()];
        let application = vec![text("application").into_owned()];
        self.has_too_many_groups |= add_group(&mut self.by_model, model, group.clone());
        self.has_too_many_groups |= add_group(&mut self.by_application, application, group);
    }

    fn price(&mut self, header: &Members<'_>) {
        let text = |name| header.get(name).and_then(|raw| raw.string()).unwrap_or_default();
        let currency = text("currency");
        for name in ["input_cost", "output_cost", "cost"] {
            if header.get(name).is_some() {
                self.money.entry(name).or_default().add(&currency, &text(name));
            }
        }
        let state = match header.get("cost") {
            Some(_) => "priced",
            None if !text("unpriced_reason").is_empty() => "unpriced",
            None => "nothing_to_price",
        };
        self.count(state, 1);
        let is_free = state == "priced"
            && text("cost")
                .bytes()
                .all(|byte| matches!(byte, b'0' | b'.' | b'-'));
        self.count("free", u64::from(is_free));
    }

    fn count(&mut self, name: &'static str, amount: u64) {
        let count = self.counts.entry(name).or_default();
        *count = count.saturating_add(amount);
    }

    pub(crate) fn counted(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn merge(&mut self, other: Figures) {
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        for (name, amount) in other.counts {
            self.count(name, amount);
        }
        for (bucket, amount) in other.usage {
            let sum = self.usage.entry(bucket).or_default();
            *sum = sum.saturating_add(amount);
        }
        for (name, sums) in other.money {
            self.money.entry(name).or_default().merge(sums);
        }
        self.has_too_many_groups |= other.has_too_many_groups;
        for (name, group) in other.by_model {
            self.has_too_many_groups |= add_group(&mut self.by_model, name, group);
        }
        for (name, group) in other.by_application {
            self.has_too_many_groups |= add_group(&mut self.by_application, name, group);
        }
    }
}

/// Adds to a group; true when there is no room for another one.
fn add_group(groups: &mut BTreeMap<Vec<String>, Group>, name: Vec<String>, added: Group) -> bool {
    if groups.len() >= MAX_GROUPS && !groups.contains_key(&name) {
        return true;
    }
    groups.entry(name).or_default().merge(added);
    false
}
