//! `audit bundle`: asks a running service for an evidence bundle, waits for it, and saves it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    cli::BundleArguments,
    server::{Server, ServerError},
};

const POLL: Duration = Duration::from_millis(500);

/// Why there is no bundle; exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("--filter {0:?} is not of the form name=value")]
    Filter(String),
    #[error("the bundle was not made: {0}")]
    Failed(String),
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: std::io::Error },
    #[error("what arrived has SHA-256 {found}, the service says {stated}; ask again")]
    Digest { found: String, stated: String },
}

#[derive(Deserialize)]
struct Job {
    id: Uuid,
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    files: Vec<JobFile>,
}

#[derive(Deserialize)]
struct JobFile {
    format: String,
    sha256: String,
}

/// Makes bundles and hands them over.
struct Service(Server);

/// `audit bundle`.
pub async fn run(arguments: BundleArguments) -> Result<ExitCode, BundleError> {
    let request = request_of(&arguments)?;
    let service = Service(
        Server::open(
            arguments.server.as_deref(),
            arguments.token.as_deref(),
            arguments.data.as_deref(),
        )
        .await?,
    );
    let job = service.made(&request).await?;
    let stated = job.files.iter().find(|file| file.format == "bundle");
    let stated = stated.map_or_else(String::new, |file| file.sha256.clone());
    let path = format!("/api/v1/reports/{}?format=bundle", job.id);
    let (bytes, found) = if arguments.output == Path::new("-") {
        service
            .save(&path, std::io::stdout().lock(), &arguments.output)
            .await?
    } else {
        service.save_file(&path, &arguments.output).await?
    };
    if found != stated {
        return Err(BundleError::Digest { found, stated });
    }
    let said = if arguments.json {
        json!({"job": job.id, "bytes": bytes, "sha256": found}).to_string()
    } else {
        format!(
            "{bytes} bytes saved to {}, SHA-256 {found}",
            arguments.output.display()
        )
    };
    // Standard output may be the bundle itself.
    eprintln!("{said}");
    Ok(ExitCode::SUCCESS)
}

fn request_of(arguments: &BundleArguments) -> Result<Value, BundleError> {
    let mut filters = Map::new();
    for filter in &arguments.filters {
        let (name, value) = filter
            .split_once('=')
            .ok_or_else(|| BundleError::Filter(filter.clone()))?;
        filters.insert(name.to_owned(), value.into());
    }
    let mut request = json!({
        "type": "bundle", "from": arguments.from, "to": arguments.to, "filters": filters,
        "content": !arguments.no_content,
    });
    if let Some(tenant) = arguments.tenant {
        request["tenant"] = json!(tenant);
    }
    Ok(request)
}

impl Service {
    /// Asks for the bundle and waits until it is made.
    async fn made(&self, request: &Value) -> Result<Job, BundleError> {
        let url = format!("{}/api/v1/reports/generate", self.0.base);
        let mut job: Job = self.0.json(self.0.http.post(&url).json(request), &url).await?;
        let url = format!("{}/api/v1/reports/{}", self.0.base, job.id);
        while !matches!(job.status.as_str(), "done" | "failed") {
            tokio::time::sleep(POLL).await;
            job = self.0.json(self.0.http.get(&url), &url).await?;
        }
        if job.status == "failed" {
            return Err(BundleError::Failed(job.error.unwrap_or_default()));
        }
        Ok(job)
    }

    /// Saves beside the target first, so that a broken download leaves no file that looks whole.
    async fn save_file(&self, path: &str, target: &Path) -> Result<(u64, String), BundleError> {
        let failed = |source| BundleError::File {
            file: target.to_owned(),
            source,
        };
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = target.with_file_name(name);
        let output = std::fs::File::create(&part).map_err(failed)?;
        let saved = self.save(path, output, target).await?;
        std::fs::rename(&part, target).map_err(failed)?;
        Ok(saved)
    }

    /// Bytes and SHA-256 of what was saved.
    async fn save(
        &self,
        path: &str,
        mut output: impl Write,
        target: &Path,
    ) -> Result<(u64, String), BundleError> {
        let url = format!("{}{path}", self.0.base);
        let response = self.0.answered(self.0.http.get(&url), &url).await?;
        let mut chunks = response.bytes_stream();
        let (mut bytes, mut digest) = (0, Sha256::new());
        let failed = |source| BundleError::File {
            file: target.to_owned(),
            source,
        };
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|source| ServerError::Http {
                url: url.clone(),
                source,
            })?;
            output.write_all(&chunk).map_err(failed)?;
            digest.update(&chunk);
            bytes += chunk.len() as u64;
        }
        output.flush().map_err(failed)?;
        Ok((bytes, hex::encode(digest.finalize())))
    }
}
