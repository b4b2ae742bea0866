//! `audit reconcile`: what the ledger lacks or has in excess of a provider's usage or cost reports.

use std::{io, path::PathBuf, process::ExitCode};

use aal_reconcile::{BadExport, Comparison, Export, LedgerRow, MAX_BYTES, Provider, Totals, compare};
use aal_service::times::{parse_rfc3339_us, rfc3339_us};
use clap::{Args, ValueEnum};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

use crate::api::{Api, ApiArguments, ApiError};

/// Longest period of one comparison, in days.
const LONGEST_DAYS: i64 = 400;
/// Days that one question to the ledger is about.
const STEP_US: i64 = 7 * 86_400_000_000;

#[derive(Debug, Args)]
pub struct ReconcileArguments {
    /// Reports of the provider: JSON of its administration API (a page, or an array of all pages) or CSV; `-` reads
    /// standard input. Reports of several endpoints may be given together.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Whose reports they are.
    #[arg(long)]
    pub provider: ProviderName,
    /// Begin of the period, RFC 3339; that of the reports when absent.
    #[arg(long)]
    pub from: Option<String>,
    /// End of the period, RFC 3339, which does not belong to it; that of the reports when absent.
    #[arg(long)]
    pub to: Option<String>,
    /// Only this tenant's calls.
    #[arg(long)]
    pub tenant: Option<uuid::Uuid>,
    /// Compare costs as they were recorded, or by the newest correction of each call.
    #[arg(long, value_enum, default_value_t = PriceView::Recorded)]
    pub price_view: PriceView,
    /// US dollars a day and model by which costs may differ, since providers round what they state.
    #[arg(long, default_value = "0.01")]
    pub cost_tolerance: Decimal,
    #[command(flatten)]
    pub api: ApiArguments,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which of the prices that a call ever had.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PriceView {
    Recorded,
    Current,
}

/// The providers whose reports can be read.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ProviderName {
    Openai,
    Anthropic,
}

impl ProviderName {
    /// As the ledger names it.
    fn as_str(self) -> &'static str {
        match self {
            ProviderName::Openai => "openai",
            ProviderName::Anthropic => "anthropic",
        }
    }

    fn report(self) -> Provider {
        match self {
            ProviderName::Openai => Provider::OpenAi,
            ProviderName::Anthropic => Provider::Anthropic,
        }
    }
}

/// Why nothing was compared; exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("{}: {source}", file.display())]
    Export { file: PathBuf, source: BadExport },
    #[error(transparent)]
    Period(#[from] BadExport),
    #[error("--{0} {1:?} is not an RFC 3339 time such as 2026-01-31T00:00:00Z")]
    Time(&'static str, String),
    #[error("the period is empty or longer than {LONGEST_DAYS} days; narrow it with --from and --to")]
    Length,
    #[error("--cost-tolerance must not be negative")]
    Tolerance,
    #[error("the ledger holds costs of {model} on {day} in {currencies}; the report is in USD")]
    Currency {
        day: String,
        model: String,
        currencies: String,
    },
    #[error("the ledger answered with a cost that is no decimal: {0:?}")]
    Cost(String),
}

#[derive(Deserialize)]
struct Answer {
    series: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    group: Group,
    points: Vec<Point>,
}

#[derive(Deserialize)]
struct Group {
    model: String,
    operation: String,
}

#[derive(Deserialize)]
struct Point {
    t: String,
    calls: u64,
    errors: u64,
    tokens: BTreeMap<String, u64>,
    input_tokens: u64,
    output_tokens: u64,
    cost: Option<String>,
    currencies: Vec<String>,
    unpriced: u64,
}

/// `audit reconcile`.
pub async fn run(arguments: ReconcileArguments) -> Result<ExitCode, ReconcileError> {
    if arguments.cost_tolerance.is_sign_negative() {
        return Err(ReconcileError::Tolerance);
    }
    let (export, period) = asked(&arguments)?;
    let api = Api::new(&arguments.api).await?;
    let ledger = match period {
        Some((from_us, to_us)) => held(&api, &arguments, from_us, to_us).await?,
        None => Vec::new(),
    };
    let comparison = compare(&export, &ledger, arguments.cost_tolerance);
    print(&arguments, period, &comparison);
    Ok(ExitCode::from(
        match (comparison.compared, comparison.differences.len()) {
            (0, _) => 3,
            (_, 0) => 0,
            _ => 1,
        },
    ))
}

/// The reports, and the period to compare.
fn asked(arguments: &ReconcileArguments) -> Result<(Export, Option<(i64, i64)>), ReconcileError> {
    let mut export = Export::default();
    for file in &arguments.files {
        let text = read(file).map_err(|source| ReconcileError::File {
            file: file.clone(),
            source,
        })?;
        let name = file.display().to_string();
        export
            .read(arguments.provider.report(), &name, &text)
            .map_err(|source| ReconcileError::Export {
                file: file.clone(),
                source,
            })?;
    }
    let time = |name: &'static str, text: &Option<String>| {
        let text = text.as_ref();
        text.map(|text| parse_rfc3339_us(text).ok_or_else(|| ReconcileError::Time(name, text.clone())))
            .transpose()
    };
    let (from_us, to_us) = (time("from", &arguments.from)?, time("to", &arguments.to)?);
    let stated = export.period();
    let from_us = from_us.or(stated.map(|(from_us, _)| from_us));
    let to_us = to_us.or(stated.map(|(_, to_us)| to_us));
    let Some((from_us, to_us)) = from_us.zip(to_us) else {
        return Ok((export, None));
    };
    let length_us = to_us.saturating_sub(from_us);
    if length_us <= 0 || length_us > LONGEST_DAYS * 86_400_000_000 {
        return Err(ReconcileError::Length);
    }
    Ok((export.within(from_us, to_us)?, Some((from_us, to_us))))
}

fn read(file: &PathBuf) -> io::Result<String> {
    let most = MAX_BYTES as u64 + 1;
    let mut text = String::new();
    if file.as_os_str() == "-" {
        io::Read::read_to_string(&mut io::Read::take(io::stdin(), most), &mut text)?;
    } else {
        let opened = std::fs::File::open(file)?;
        io::Read::read_to_string(&mut io::Read::take(opened, most), &mut text)?;
    }
    Ok(text)
}

/// What the ledger holds of the provider in a period.
async fn held(
    api: &Api,
    arguments: &ReconcileArguments,
    from_us: i64,
    to_us: i64,
) -> Result<Vec<LedgerRow>, ReconcileError> {
    let url = format!("{}/api/v1/metrics", api.base);
    let mut rows = Vec::new();
    let mut begin_us = from_us;
    while begin_us < to_us {
        // Steps end at midnight, so that a day is in one answer.
        let end_us = (begin_us + STEP_US).div_euclid(86_400_000_000) * 86_400_000_000;
        let end_us = end_us.min(to_us);
        let mut query = vec![
            ("from", rfc3339_us(begin_us)),
            ("to", rfc3339_us(end_us)),
            ("interval", "day".to_owned()),
            ("group_by", "model,operation".to_owned()),
            ("provider", arguments.provider.as_str().to_owned()),
        ];
        if let PriceView::Current = arguments.price_view {
            query.push(("price_view", "current".to_owned()));
        }
        query.extend(arguments.tenant.map(|tenant| ("tenant", tenant.to_string())));
        let answer: Answer = api.json(api.http.get(&url).query(&query), &url).await?;
        for series in answer.series {
            for point in series.points {
                rows.push(row(&series.group, point)?);
            }
        }
        begin_us = end_us;
    }
    Ok(rows)
}

fn row(group: &Group, point: Point) -> Result<LedgerRow, ReconcileError> {
    let day = point.t.chars().take(10).collect::<String>();
    if point.currencies.iter().any(|currency| currency != "USD") {
        return Err(ReconcileError::Currency {
            day,
            model: group.model.clone(),
            currencies: point.currencies.join(", "),
        });
    }
    let cost = point.cost.as_ref().map(|cost| {
        cost.parse::<Decimal>()
            .map_err(|_| ReconcileError::Cost(cost.clone()))
    });
    let buckets = |end: &str| {
        let of_cache = |name: &str| name.starts_with("cache_") && name.contains(end);
        let found = point.tokens.iter().filter(|(name, _)| of_cache(name));
        Some(found.map(|(_, count)| count).sum())
    };
    Ok(LedgerRow {
        day,
        model: group.model.clone(),
        operation: group.operation.clone(),
        totals: Totals {
            requests: Some(point.calls.saturating_sub(point.errors)),
            input_tokens: Some(point.input_tokens),
            output_tokens: Some(point.output_tokens),
            cache_read_tokens: buckets("read"),
            cache_write_tokens: buckets("write"),
            web_searches: Some(point.tokens.get("web_searches").copied().unwrap_or(0)),
            cost: Some(cost.transpose()?.unwrap_or_default()),
        },
        unpriced: point.unpriced,
    })
}

fn print(arguments: &ReconcileArguments, period: Option<(i64, i64)>, comparison: &Comparison) {
    let (from, to) = period.map_or((None, None), |(from_us, to_us)| {
        (Some(rfc3339_us(from_us)), Some(rfc3339_us(to_us)))
    });
    if arguments.json {
        let outcome = json!({
            "provider": arguments.provider.as_str(), "from": from, "to": to, "compared": comparison.compared,
            "differences": comparison.differences,
        });
        println!("{outcome}");
        return;
    }
    for one in &comparison.differences {
        let (word, amount) = if one.lacking.is_sign_negative() {
            ("in excess", -one.lacking)
        } else {
            ("lacking", one.lacking)
        };
        let note = match one.unpriced_calls {
            0 => String::new(),
            calls => format!("  ({calls} calls there have no exact usage or no price)"),
        };
        println!(
            "{}  {:<32} {:<18} provider {:>16}  ledger {:>16}  {:<9} {amount}{note}",
            one.day,
            one.model,
            one.measure.as_str(),
            one.provider,
            one.ledger,
            word
        );
    }
    let period = from
        .zip(to)
        .map_or("no period".to_owned(), |(from, to)| format!("{from} to {to}"));
    match comparison.compared {
        0 => println!("nothing to compare: neither reports nor ledger hold calls ({period})"),
        compared => println!(
            "{compared} numbers compared, {} differ ({period})",
            comparison.differences.len()
        ),
    }
}
