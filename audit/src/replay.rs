//! `audit replay`: recorded exchanges, sent as if they had just happened.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::ExitCode,
};

use aal_client::{Client, ClientError};
use aal_demo::ReplayError;
use futures_util::{StreamExt, stream};

use crate::{
    cli::ReplayArguments,
    local::{Local, LocalError},
    receipts::{self, ReceiptsError, ReceiptsFile},
};

const TENANT: &str = "Replay";
const CONCURRENT: usize = 16;

/// Why not everything was sent.
#[derive(Debug, thiserror::Error)]
pub enum ReplayCommandError {
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("the edge: {0}")]
    Client(#[from] ClientError),
    #[error(transparent)]
    Receipts(#[from] ReceiptsError),
    #[error("{file}: {source}")]
    File { file: String, source: std::io::Error },
    #[error("{file} line {line}: {source}")]
    Line {
        file: String,
        line: usize,
        source: ReplayError,
    },
}

/// `audit replay`.
pub async fn run(arguments: ReplayArguments) -> Result<ExitCode, ReplayCommandError> {
    let mut events = Vec::new();
    for path in &arguments.files {
        let file = path.display().to_string();
        let opened = File::open(path).map_err(|source| ReplayCommandError::File {
            file: file.clone(),
            source,
        })?;
        for (index, line) in BufReader::new(opened).lines().enumerate() {
            let line = line.map_err(|source| ReplayCommandError::File {
                file: file.clone(),
                source,
            })?;
            if line.trim().is_empty() {
                continue;
            }
            let event =
                aal_demo::replay_event(&line, &arguments.application, &arguments.salt).map_err(|source| {
                    ReplayCommandError::Line {
                        file: file.clone(),
                        line: index + 1,
                        source,
                    }
                })?;
            events.push(event);
        }
    }
    let mut kept = arguments
        .receipts
        .as_deref()
        .map(ReceiptsFile::open)
        .transpose()?;
    let local = Local::open(&arguments.data).await?;
    let key = local
        .application_key(TENANT, &arguments.application, false)
        .await?;
    let client = Client::new(&format!("http://{}", local.endpoints()?.edge), &key.presented)?;
    let total = events.len();
    let mut answers = stream::iter(events)
        .map(|event| {
            let client = client.clone();
            async move { client.record(&event).await }
        })
        .buffer_unordered(CONCURRENT);
    while let Some(answer) = answers.next().await {
        receipts::keep(&mut kept, Some(&answer?.receipt))?;
    }
    if let Some(kept) = &kept {
        kept.sync()?;
    }
    local.revoke(std::slice::from_ref(&key)).await?;
    if arguments.json {
        println!(
            "{}",
            serde_json::json!({"recorded": total, "tenant": key.tenant, "application": arguments.application})
        );
    } else {
        println!(
            "{total} exchanges recorded for application {:?} of tenant {TENANT:?}",
            arguments.application
        );
    }
    Ok(ExitCode::SUCCESS)
}
