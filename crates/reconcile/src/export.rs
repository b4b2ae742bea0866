//! A provider's usage or cost report: buckets of time, each with what was used by model.

use std::collections::HashMap;

use serde_json::Value;
use thiserror::Error;
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::{Totals, api, csv_form};

/// Largest report read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
const DAY_US: i64 = 86_400_000_000;

/// Whose report it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// `/v1/organization/usage/...` and `/v1/organization/costs`.
    OpenAi,
    /// `/v1/organizations/usage_report/messages` and `/v1/organizations/cost_report`.
    Anthropic,
}

/// A report that cannot be compared. Names the place and what to do.
#[derive(Debug, Error)]
pub enum BadExport {
    /// Longer than 64 MiB.
    #[error("the report is longer than 64 MiB; ask for fewer days")]
    TooLong,
    /// Not JSON.
    #[error("the report is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Not CSV.
    #[error("the report is not CSV: {0}")]
    Csv(#[from] csv::Error),
    /// The file has no column for something.
    #[error("no column for {0}; it may be named {list}", list = .1.join(", "))]
    Column(&'static str, &'static [&'static str]),
    /// Not a page, or a list of pages.
    #[error("{0}: expected {1}")]
    Form(String, &'static str),
    /// The last page says that more follow; without them everything would look in excess.
    #[error(
        "has_more is true on the last page: the report is incomplete; fetch the remaining pages and give all as one JSON array"
    )]
    MorePages,
    /// The report is not split by model.
    #[error("{0}: no model; ask for the report with group_by model (for costs: line_item or description)")]
    NoModel(String),
    /// Another currency than US dollars.
    #[error("{0}: currency {1:?} is not usd")]
    Currency(String, String),
    /// A page or file was given twice, and would count twice.
    #[error("{0} and {1} hold the same result; give each page and each file once")]
    Twice(String, String),
    /// A bucket that belongs to no one day.
    #[error("{0}: the bucket reaches over midnight UTC; ask for buckets of a day or less (bucket_width=1d)")]
    OverMidnight(String),
    /// The asked period cuts through a bucket.
    #[error(
        "the period cuts through the bucket of {0}; begin and end it where buckets do, such as midnight UTC"
    )]
    Cut(String),
}

/// What was used in one span of time, within one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Microseconds since the epoch.
    pub start_us: i64,
    /// Does not belong to it.
    pub end_us: i64,
    /// By model.
    pub results: Vec<(String, Totals)>,
}

impl Bucket {
    /// `YYYY-MM-DD`, UTC.
    pub fn day(&self) -> String {
        let at = OffsetDateTime::from_unix_timestamp(self.start_us.div_euclid(1_000_000));
        at.unwrap_or(OffsetDateTime::UNIX_EPOCH).date().to_string()
    }
}

/// A report as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// In no particular order; buckets of several reports may be of the same time.
    pub buckets: Vec<Bucket>,
    /// Operations of the ledger whose calls the report counts.
    pub operations: Vec<&'static str>,
    /// Where each result was found first, to tell a page that was given twice.
    seen: HashMap<String, String>,
}

impl Export {
    /// Adds a report: CSV; or JSON, one page or an array of all its pages. `name` is for errors, the file's name.
    ///
    /// # Errors
    /// When it is not of the form, is incomplete, is not split by model, or repeats what was read before.
    pub fn read(&mut self, provider: Provider, name: &str, text: &str) -> Result<(), BadExport> {
        if text.len() > MAX_BYTES {
            return Err(BadExport::TooLong);
        }
        let is_json = text.trim_start().starts_with(['{', '[']);
        if is_json {
            self.read_json(provider, name, text)
        } else {
            self.read_csv(provider, name, text)
        }
    }

    fn read_json(&mut self, provider: Provider, name: &str, text: &str) -> Result<(), BadExport> {
        let document: Value = serde_json::from_str(text)?;
        let pages = match &document {
            Value::Array(pages) => pages.as_slice(),
            page => std::slice::from_ref(page),
        };
        let more = |page: &Value| page.get("has_more").and_then(Value::as_bool) == Some(true);
        if pages.last().is_none_or(more) {
            return Err(BadExport::MorePages);
        }
        for (number, page) in pages.iter().enumerate() {
            let at = format!("page {number}");
            let origin = format!("{name} {at}");
            for (number, bucket) in list(page, "data", &at)?.iter().enumerate() {
                let at = format!("{at} data[{number}]");
                let (start_us, end_us) = span(provider, bucket, &at)?;
                let mut results = Vec::new();
                for (number, result) in list(bucket, "results", &at)?.iter().enumerate() {
                    let at = format!("{at}.results[{number}]");
                    results.push(self.result(provider, result, start_us, &origin, &at)?);
                }
                self.add(start_us, end_us, results, &at)?;
            }
        }
        Ok(())
    }

    fn read_csv(&mut self, provider: Provider, name: &str, text: &str) -> Result<(), BadExport> {
        for row in csv_form::rows(provider, text)? {
            let form = || BadExport::Form(format!("{} {:?}", row.at, row.start), TIME_FORM);
            let (start_us, is_day) = moment(&row.start).ok_or_else(form)?;
            let stated_end = row
                .end
                .as_deref()
                .filter(|_| !is_day)
                .and_then(moment)
                .map(|(end, _)| end);
            let end_us = stated_end.unwrap_or(start_us + DAY_US);
            let result = row
                .result
                .map(|result| self.result(provider, &result, start_us, name, &row.at))
                .transpose()?;
            self.add(start_us, end_us, result.into_iter().collect(), &row.at)?;
        }
        Ok(())
    }

    fn result(
        &mut self,
        provider: Provider,
        result: &Value,
        start_us: i64,
        origin: &str,
        at: &str,
    ) -> Result<(String, Totals), BadExport> {
        let key = format!("{start_us} {result}");
        let first = self.seen.entry(key).or_insert_with(|| origin.to_owned());
        if first != origin {
            return Err(BadExport::Twice(first.clone(), origin.to_owned()));
        }
        let (model, totals, operations) = match provider {
            Provider::OpenAi => api::openai(result, at)?,
            Provider::Anthropic => api::anthropic(result, at)?,
        };
        for operation in operations {
            if !self.operations.contains(operation) {
                self.operations.push(operation);
            }
        }
        Ok((model, totals))
    }

    fn add(
        &mut self,
        start_us: i64,
        end_us: i64,
        results: Vec<(String, Totals)>,
        at: &str,
    ) -> Result<(), BadExport> {
        let last_us = end_us - 1;
        if end_us <= start_us || start_us.div_euclid(DAY_US) != last_us.div_euclid(DAY_US) {
            return Err(BadExport::OverMidnight(at.to_owned()));
        }
        self.buckets.push(Bucket {
            start_us,
            end_us,
            results,
        });
        Ok(())
    }

    /// First and last moment that the buckets cover, the last one excluded; None without buckets.
    pub fn period(&self) -> Option<(i64, i64)> {
        let starts = self.buckets.iter().map(|bucket| bucket.start_us).min()?;
        let ends = self.buckets.iter().map(|bucket| bucket.end_us).max()?;
        Some((starts, ends))
    }

    /// The buckets of a period only.
    ///
    /// # Errors
    /// When a bucket lies partly outside of it.
    pub fn within(mut self, from_us: i64, to_us: i64) -> Result<Export, BadExport> {
        let is_outside = |bucket: &Bucket| bucket.end_us <= from_us || bucket.start_us >= to_us;
        self.buckets.retain(|bucket| !is_outside(bucket));
        let cut = self
            .buckets
            .iter()
            .find(|bucket| bucket.start_us < from_us || bucket.end_us > to_us);
        match cut {
            Some(bucket) => Err(BadExport::Cut(bucket.day())),
            None => Ok(self),
        }
    }
}

fn list<'a>(value: &'a Value, key: &str, at: &str) -> Result<&'a [Value], BadExport> {
    let found = value.get(key).and_then(Value::as_array);
    found
        .map(Vec::as_slice)
        .ok_or_else(|| BadExport::Form(format!("{at}.{key}"), "an array"))
}

const TIME_FORM: &str = "a date (2026-01-31), a time in RFC 3339, or seconds since 1970";

/// A moment in microseconds, and whether it is a whole day.
fn moment(text: &str) -> Option<(i64, bool)> {
    let us = |at: OffsetDateTime| i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).ok();
    if let Ok(seconds) = text.parse::<i64>() {
        return OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(us)
            .map(|at| (at, false));
    }
    let form = time::macros::format_description!("[year]-[month]-[day]");
    if let Ok(day) = Date::parse(text, form) {
        return us(PrimitiveDateTime::new(day, time::Time::MIDNIGHT).assume_utc()).map(|at| (at, true));
    }
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    us(at.to_offset(UtcOffset::UTC)).map(|at| (at, false))
}

fn span(provider: Provider, bucket: &Value, at: &str) -> Result<(i64, i64), BadExport> {
    let time = |key: &str| {
        let value = bucket.get(key)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        moment(&text)
    };
    let (start, end, expected) = match provider {
        Provider::OpenAi => (
            time("start_time"),
            time("end_time"),
            "start_time in seconds since 1970",
        ),
        Provider::Anthropic => (time("starting_at"), time("ending_at"), "starting_at in RFC 3339"),
    };
    let (start_us, _) = start.ok_or_else(|| BadExport::Form(at.to_owned(), expected))?;
    Ok((start_us, end.map_or(start_us + DAY_US, |(end_us, _)| end_us)))
}
