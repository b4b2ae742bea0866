//! `audit reprice`: today's prices for earlier calls, appended as correction records.

use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Api, ApiArguments, ApiError};

#[derive(Debug, Args)]
pub struct RepriceArguments {
    /// Begin of the period, RFC 3339.
    #[arg(long)]
    pub from: String,
    /// End of the period, RFC 3339; does not belong to it.
    #[arg(long)]
    pub to: String,
    /// Only this tenant's calls.
    #[arg(long)]
    pub tenant: Option<uuid::Uuid>,
    /// Say what would change, and append nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub api: ApiArguments,
    /// Print each change as a line of JSON, and the counts as the last.
    #[arg(long)]
    pub json: bool,
}

#[derive(Deserialize)]
struct Answer {
    examined: u64,
    changed: u64,
    unchanged: u64,
    unpriced: u64,
    unreadable: u64,
    changes: Vec<Value>,
    next_cursor: Option<Value>,
}

#[derive(Default)]
struct Counts {
    examined: u64,
    changed: u64,
    unchanged: u64,
    unpriced: u64,
    unreadable: u64,
}

/// `audit reprice`.
pub async fn run(arguments: RepriceArguments) -> Result<ExitCode, ApiError> {
    let api = Api::new(&arguments.api).await?;
    let url = format!("{}/api/v1/prices/reprice", api.base);
    let mut counts = Counts::default();
    let mut cursor: Option<Value> = None;
    loop {
        let request = json!({
            "from": arguments.from, "to": arguments.to, "tenant": arguments.tenant,
            "dry_run": arguments.dry_run, "cursor": cursor,
        });
        let answer: Answer = api.json(api.http.post(&url).json(&request), &url).await?;
        answer
            .changes
            .iter()
            .for_each(|change| print_change(change, arguments.json));
        counts.examined += answer.examined;
        counts.changed += answer.changed;
        counts.unchanged += answer.unchanged;
        counts.unpriced += answer.unpriced;
        counts.unreadable += answer.unreadable;
        cursor = answer.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let Counts {
        examined,
        changed,
        unchanged,
        unpriced,
        unreadable,
    } = counts;
    if arguments.json {
        let outcome = json!({
            "dry_run": arguments.dry_run, "examined": examined, "changed": changed, "unchanged": unchanged,
            "unpriced": unpriced, "unreadable": unreadable,
        });
        println!("{outcome}");
    } else {
        let word = if arguments.dry_run {
            "would change"
        } else {
            "changed"
        };
        println!(
            "{examined} calls with exact usage: {changed} {word}, {unchanged} cost the same, {unpriced} have no price, \
             {unreadable} cannot be read"
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn print_change(change: &Value, as_json: bool) {
    if as_json {
        println!("{change}");
        return;
    }
    let text = |name: &str| change[name].as_str().unwrap_or("none").to_owned();
    println!(
        "{}  {:<32} {} {} -> {} {}",
        text("event_id"),
        text("model"),
        text("old_cost"),
        change["old_currency"].as_str().unwrap_or(""),
        text("cost"),
        text("currency")
    );
}
