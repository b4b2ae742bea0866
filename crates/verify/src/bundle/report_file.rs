//! `report/report.json` beside the figures of the records (docs/evidence-bundle.md section 7, REPORT).

use std::collections::BTreeMap;

use aal_bundle::Scope;
use aal_ledger::ChainId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::bundle::figures::{Figures, Group, ReportScope};
use crate::bundle::money::MoneySums;
use crate::report::{Place, Tally, Verdict};

const SCHEMA: &str = "ai-audit-layer/report/1";
/// Parameters of a report that are no filters.
const NO_FILTERS: [&str; 5] = ["type", "from", "to", "tenant", "format"];
/// Totals that are plain counts.
const TOTALS: [&str; 13] = [
    "calls",
    "errors",
    "streamed",
    "interrupted",
    "phi",
    "input_tokens",
    "output_tokens",
    "redactions",
    "events_with_redactions",
    "priced",
    "free",
    "unpriced",
    "nothing_to_price",
];
const MONEY: [&str; 3] = ["input_cost", "output_cost", "cost"];

/// The parts of a report that are compared; the rest is passed over without being kept.
#[derive(Debug, Deserialize)]
pub(crate) struct ReportFile {
    schema: String,
    head: Head,
    body: Body,
}

#[derive(Debug, Deserialize)]
struct Head {
    period: Option<Period>,
    parameters: Vec<Parameter>,
}

#[derive(Debug, Deserialize)]
struct Period {
    from: String,
    to: String,
}

#[derive(Debug, Deserialize)]
struct Parameter {
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Decision(IgnoredAny),
    Range(Box<Range>),
}

#[derive(Debug, Deserialize)]
struct Range {
    population: Population,
    totals: Totals,
    by_application: Vec<GroupFile>,
    by_model: Vec<GroupFile>,
    chains: Vec<ChainFile>,
}

#[derive(Debug, Deserialize)]
struct Population {
    kinds: Vec<KindCount>,
    records_in_period: u64,
    events_in_period: u64,
    events_filtered_out: u64,
    events_reported: u64,
}

#[derive(Debug, Deserialize)]
struct KindCount {
    kind: String,
    count: u64,
}

#[derive(Debug, Deserialize)]
struct Totals {
    usage: BTreeMap<String, u64>,
    input_cost: BTreeMap<String, String>,
    output_cost: BTreeMap<String, String>,
    cost: BTreeMap<String, String>,
    #[serde(flatten)]
    others: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct GroupFile {
    name: Vec<String>,
    calls: u64,
    errors: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct ChainFile {
    tenant: Uuid,
    shard: u32,
    size: u64,
}

fn unproven(tally: &mut Tally, what: impl Into<String>) {
    tally.unproven(Verdict::Report, Place::default(), what);
}

impl ReportFile {
    /// The report of these bytes, when its figures can be compared under this scope.
    pub(crate) fn read(bytes: &[u8], scope: &Scope, tally: &mut Tally) -> Option<ReportFile> {
        let report: ReportFile = match serde_json::from_slice(bytes) {
            Ok(report) => report,
            Err(error) => {
                let what = format!("report.json is not of schema {SCHEMA}: {error}");
                tally.refute(Verdict::Report, Place::default(), what);
                return None;
            }
        };
        if report.schema != SCHEMA {
            let what = format!(
                "report.json has schema {:?}, only {SCHEMA} is known",
                report.schema
            );
            unproven(tally, what);
            return None;
        }
        if let Body::Decision(_) = report.body {
            unproven(tally, "figures of a report of one decision are not recomputed");
            return None;
        }
        let period = report.head.period.as_ref();
        let period = period.and_then(|period| Some((micros(&period.from)?, micros(&period.to)?)));
        if period != Some((scope.from_us, scope.to_us)) {
            unproven(tally, "the report's period is not the bundle's");
            return None;
        }
        let parameters = report.head.parameters.iter();
        let filters: BTreeMap<&str, &str> = parameters
            .filter(|parameter| !NO_FILTERS.contains(&parameter.name.as_str()))
            .map(|parameter| (parameter.name.as_str(), parameter.value.as_str()))
            .collect();
        if filters != scope.filter.iter().collect() {
            unproven(tally, "the report's filter is not the bundle's");
            return None;
        }
        if scope.filter.needs_attributes() {
            unproven(
                tally,
                "a filter on user_id or session_id cannot be followed for every record",
            );
            return None;
        }
        Some(report)
    }

    /// The records the report is about.
    pub(crate) fn scope(&self) -> ReportScope {
        let mut scope = ReportScope::default();
        if let Body::Range(range) = &self.body {
            for chain in &range.chains {
                let (tenant, shard) = (chain.tenant, chain.shard);
                scope.sizes.insert(ChainId { tenant, shard }, chain.size);
            }
        }
        scope
    }

    /// Compares every figure.
    pub(crate) fn compare(&self, figures: &Figures, tally: &mut Tally) {
        let Body::Range(range) = &self.body else { return };
        let mut compare = Compare { tally };
        let population = &range.population;
        let kinds: BTreeMap<&str, u64> = figures
            .kinds
            .iter()
            .map(|(kind, count)| (kind.name(), *count))
            .collect();
        let stated = population.kinds.iter();
        let stated: BTreeMap<&str, u64> = stated
            .filter(|stated| stated.count > 0)
            .map(|stated| (stated.kind.as_str(), stated.count))
            .collect();
        compare.same("population.kinds", kinds == stated, || {
            format!("{stated:?}, records give {kinds:?}")
        });
        let records = kinds.values().sum();
        let events = kinds.get("event").copied().unwrap_or(0);
        compare.number(
            "population.records_in_period",
            population.records_in_period,
            records,
        );
        compare.number("population.events_in_period", population.events_in_period, events);
        let left_out = figures.counted("events_filtered_out");
        compare.number(
            "population.events_filtered_out",
            population.events_filtered_out,
            left_out,
        );
        compare.number(
            "population.events_reported",
            population.events_reported,
            events - left_out,
        );
        for name in TOTALS {
            let stated = range.totals.others.get(name).and_then(serde_json::Value::as_u64);
            let found = figures.counted(name);
            compare.same(&format!("totals.{name}"), stated == Some(found), || {
                format!("{stated:?}, records give {found}")
            });
        }
        let stated_usage: BTreeMap<&String, u64> = range
            .totals
            .usage
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(name, count)| (name, *count))
            .collect();
        let usage = figures.usage.iter().filter(|(_, count)| **count > 0);
        let usage: BTreeMap<&String, u64> = usage.map(|(name, count)| (name, *count)).collect();
        compare.same("totals.usage", usage == stated_usage, || {
            format!("{stated_usage:?}, records give {usage:?}")
        });
        let none = MoneySums::default();
        let stated = [
            &range.totals.input_cost,
            &range.totals.output_cost,
            &range.totals.cost,
        ];
        for (name, stated) in MONEY.into_iter().zip(stated) {
            let found = figures.money.get(name).unwrap_or(&none);
            compare.same(&format!("totals.{name}"), found.is_stated_by(stated), || {
                format!("{stated:?}, records give {found:?} in 10^-18")
            });
        }
        if figures.has_too_many_groups {
            return unproven(tally, "there are too many applications or models to compare each");
        }
        compare.groups("by_model", &range.by_model, &figures.by_model);
        compare.groups("by_application", &range.by_application, &figures.by_application);
    }
}

struct Compare<'t> {
    tally: &'t mut Tally,
}

impl Compare<'_> {
    fn same(&mut self, name: &str, holds: bool, what: impl FnOnce() -> String) {
        self.tally.checked(Verdict::Report, 1);
        if !holds {
            let what = format!("report.json says {name} is {}", what());
            self.tally.refute(Verdict::Report, Place::default(), what);
        }
    }

    fn number(&mut self, name: &str, stated: u64, found: u64) {
        self.same(name, stated == found, || {
            format!("{stated}, records give {found}")
        });
    }

    fn groups(&mut self, list: &str, stated: &[GroupFile], found: &BTreeMap<Vec<String>, Group>) {
        self.number(
            &format!("the length of {list}"),
            stated.len() as u64,
            found.len() as u64,
        );
        for group in stated {
            let name = format!("{list} {:?}", group.name);
            let Some(found) = found.get(&group.name) else {
                self.same(&name, false, || "there, records give none".to_owned());
                continue;
            };
            let numbers = (group.calls, group.errors, group.input_tokens, group.output_tokens);
            let expected = (found.calls, found.errors, found.input_tokens, found.output_tokens);
            let holds = numbers == expected && found.cost.is_stated_by(&group.cost);
            self.same(&name, holds, || {
                format!(
                    "{numbers:?} {:?}, records give {expected:?} {:?}",
                    group.cost, found.cost
                )
            });
        }
    }
}

fn micros(text: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000)).ok()
}
