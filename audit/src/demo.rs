//! `audit demo`: a month of three companies, through the front door.

use std::{collections::HashMap, process::ExitCode, time::Duration};

use aal_client::{Client, ClientError};
use aal_demo::{COMPANIES, Demo, DemoEntry, DemoItem};
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::DemoArguments,
    local::{ApplicationKey, Local, LocalError},
    receipts::{self, ReceiptsError, ReceiptsFile},
};

/// Items read ahead, then sent; outcomes of a chunk follow its events.
const CHUNK: usize = 2_000;
/// Events of one request.
const BATCH: usize = 100;
const CONCURRENT: usize = 6;
/// Outcomes go one by one, so many are under way at once.
const OUTCOMES_CONCURRENT: usize = 64;
/// The setting that says the month is there.
const SETTING: &str = "demo";

/// Why the month is not complete.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("the edge: {0}")]
    Client(#[from] ClientError),
    #[error(transparent)]
    Receipts(#[from] ReceiptsError),
    #[error("--end must be an RFC 3339 time such as 2026-01-31T12:00:00Z, not {0:?}")]
    End(String),
    #[error("the edge refused an event of {application}: {reason}")]
    Refused { application: String, reason: String },
}

/// `audit demo`.
pub async fn run(arguments: DemoArguments) -> Result<ExitCode, DemoError> {
    let local = Local::open(&arguments.data).await?;
    let end_us = match &arguments.end {
        Some(text) => {
            aal_service::times::parse_rfc3339_us(text).ok_or_else(|| DemoError::End(text.clone()))?
        }
        None => aal_service::times::now_us(),
    };
    let kept = arguments
        .receipts
        .as_deref()
        .map(ReceiptsFile::open)
        .transpose()?;
    let sent = fill(&local, arguments.seed, arguments.decisions, end_us, kept).await?;
    println!("{sent} decisions and outcomes recorded");
    Ok(ExitCode::SUCCESS)
}

/// Fills the month in unless an earlier call did.
pub async fn fill_once(local: &Local, decisions: u64) -> Result<(), DemoError> {
    if local.setting(SETTING).await?.as_deref() == Some("complete") {
        return Ok(());
    }
    // A month that was broken off is sent again with the same end, so that its ids are the same.
    let now = aal_service::times::now_us().to_string();
    let begun = match local.setting("demo_end_us").await? {
        Some(begun) => begun,
        None => {
            local.put_setting("demo_end_us", &now).await?;
            now
        }
    };
    fill(local, 1, decisions, begun.parse().unwrap_or_default(), None).await?;
    local.put_setting(SETTING, "complete").await?;
    Ok(())
}

struct Sender {
    clients: HashMap<(String, String), Client>,
    keys: Vec<ApplicationKey>,
}

async fn sender(local: &Local) -> Result<Sender, DemoError> {
    let edge = format!("http://{}", local.endpoints()?.edge);
    let mut sender = Sender {
        clients: HashMap::new(),
        keys: Vec::new(),
    };
    for company in COMPANIES {
        for scenario in company.scenarios {
            let id = (company.slug.to_owned(), scenario.application.to_owned());
            if sender.clients.contains_key(&id) {
                continue;
            }
            let key = local
                .application_key(company.name, scenario.application, company.slug == "hospital")
                .await?;
            sender.clients.insert(id, Client::new(&edge, &key.presented)?);
            sender.keys.push(key);
        }
    }
    Ok(sender)
}

async fn fill(
    local: &Local,
    seed: u64,
    decisions: u64,
    end_us: i64,
    mut kept: Option<ReceiptsFile>,
) -> Result<u64, DemoError> {
    let sender = sender(local).await?;
    let bar = ProgressBar::new(decisions);
    if let Ok(style) = ProgressStyle::with_template("demo {bar:40} {pos}/{len} decisions  {per_sec}  {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut sent = 0;
    let mut month = Demo::new(seed, decisions, end_us);
    loop {
        let chunk: Vec<DemoItem> = month.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        sent += chunk.len() as u64;
        send_chunk(&sender, chunk, &bar, &mut kept).await?;
    }
    if let Some(kept) = &kept {
        kept.sync()?;
    }
    bar.finish();
    local.revoke(&sender.keys).await?;
    Ok(sent)
}

async fn send_chunk(
    sender: &Sender,
    chunk: Vec<DemoItem>,
    bar: &ProgressBar,
    kept: &mut Option<ReceiptsFile>,
) -> Result<(), DemoError> {
    let mut events: HashMap<(String, String), Vec<String>> = HashMap::new();
    let mut outcomes = Vec::new();
    for item in chunk {
        let id = (item.tenant.to_owned(), item.application.to_owned());
        match item.entry {
            DemoEntry::Event { body, .. } => events.entry(id).or_default().push(body.to_string()),
            DemoEntry::Outcome {
                event_id,
                outcome_id,
                body,
            } => outcomes.push((id, event_id, outcome_id, body)),
        }
    }
    let batches = events.into_iter().flat_map(|(id, lines)| {
        let client = sender.clients.get(&id).cloned();
        let batches: Vec<Vec<String>> = lines.chunks(BATCH).map(<[String]>::to_vec).collect();
        batches
            .into_iter()
            .filter_map(move |batch| client.clone().map(|client| (id.1.clone(), client, batch)))
    });
    let mut answers = stream::iter(batches)
        .map(|(application, client, batch)| async move {
            let size = batch.len() as u64;
            (
                application,
                size,
                client.record_batch(batch.join("\n").into()).await,
            )
        })
        .buffer_unordered(CONCURRENT);
    while let Some((application, size, answer)) = answers.next().await {
        let items = answer?.items;
        for item in &items {
            receipts::keep(kept, item.receipt.as_deref())?;
        }
        if let Some(item) = items.into_iter().find(|item| item.status != 201) {
            let reason = item.problem.map_or_else(
                || format!("status {}", item.status),
                |problem| format!("{problem:?}"),
            );
            return Err(DemoError::Refused { application, reason });
        }
        bar.inc(size);
    }
    let mut answers = stream::iter(outcomes)
        .filter_map(|(id, event_id, outcome_id, body)| {
            let client = sender.clients.get(&id).cloned();
            std::future::ready(client.map(|client| (client, event_id, outcome_id, body)))
        })
        .map(|(client, event_id, outcome_id, body)| async move {
            client.record_outcome(event_id, outcome_id, &body).await
        })
        .buffer_unordered(OUTCOMES_CONCURRENT);
    while let Some(answer) = answers.next().await {
        receipts::keep(kept, Some(&answer?.receipt))?;
    }
    Ok(())
}
