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
    local::{Local, LocalError},
};

const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";
const POLL: Duration = Duration::from_millis(500);

/// Why there is no bundle; exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("give --token (or AAL_TOKEN), or --data of a local audit up")]
    NoToken,
    #[error("--filter {0:?} is not of the form name=value")]
    Filter(String),
    #[error("{url}: {source}")]
    Http { url: String, source: reqwest::Error },
    #[error("{url} answered {status}: {detail}")]
    Status {
        url: String,
        status: u16,
        detail: String,
    },
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

/// A running service, signed in to.
pub(crate) struct Service {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// `audit bundle`.
pub async fn run(arguments: BundleArguments) -> Result<ExitCode, BundleError> {
    let request = request_of(&arguments)?;
    let service = Service::connect(&arguments.server, &arguments.token, &arguments.data).await?;
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
    /// The service of these options: an address and a token, or the data directory of a local `audit up`.
    pub(crate) async fn connect(
        server: &Option<String>,
        token: &Option<String>,
        data: &Option<PathBuf>,
    ) -> Result<Service, BundleError> {
        let local = match data {
            Some(data) => Some(Local::open(data).await?),
            None => None,
        };
        let token = match (token, &local) {
            (Some(token), _) => token.clone(),
            (None, Some(local)) => local.administrator_token().await?,
            (None, None) => return Err(BundleError::NoToken),
        };
        let server = match (server, &local) {
            (Some(server), _) => server.clone(),
            (None, Some(local)) => format!("http://{}", local.endpoints()?.console),
            (None, None) => DEFAULT_SERVER.to_owned(),
        };
        Ok(Service {
            http: reqwest::Client::new(),
            base: server.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// What a call answers, as text; with a body it is a POST.
    pub(crate) async fn call(&self, path: &str, body: Option<&Value>) -> Result<String, BundleError> {
        let url = format!("{}{path}", self.base);
        let request = match body {
            Some(body) => self.http.post(&url).json(body),
            None => self.http.get(&url),
        };
        let answer = self.answered(request, &url).await?;
        answer
            .text()
            .await
            .map_err(|source| BundleError::Http { url, source })
    }

    async fn answered(
        &self,
        request: reqwest::RequestBuilder,
        url: &str,
    ) -> Result<reqwest::Response, BundleError> {
        let sent = request.bearer_auth(&self.token).send().await;
        let response = sent.map_err(|source| BundleError::Http {
            url: url.to_owned(),
            source,
        })?;
        if !response.status().is_success() {
            return Err(BundleError::Status {
                url: url.to_owned(),
                status: response.status().as_u16(),
                detail: response.text().await.unwrap_or_default(),
            });
        }
        Ok(response)
    }

    async fn job(&self, request: reqwest::RequestBuilder, url: &str) -> Result<Job, BundleError> {
        let answer = self.answered(request, url).await?;
        answer.json().await.map_err(|source| BundleError::Http {
            url: url.to_owned(),
            source,
        })
    }

    /// Asks for the bundle and waits until it is made.
    async fn made(&self, request: &Value) -> Result<Job, BundleError> {
        let url = format!("{}/api/v1/reports/generate", self.base);
        let mut job = self.job(self.http.post(&url).json(request), &url).await?;
        let url = format!("{}/api/v1/reports/{}", self.base, job.id);
        while !matches!(job.status.as_str(), "done" | "failed") {
            tokio::time::sleep(POLL).await;
            job = self.job(self.http.get(&url), &url).await?;
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
        let url = format!("{}{path}", self.base);
        let response = self.answered(self.http.get(&url), &url).await?;
        let mut chunks = response.bytes_stream();
        let (mut bytes, mut digest) = (0, Sha256::new());
        let failed = |source| BundleError::File {
            file: target.to_owned(),
            source,
        };
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|source| BundleError::Http {
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
