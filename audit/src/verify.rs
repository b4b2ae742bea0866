//! `audit verify` against a running service: everything is fetched and checked here, with keys pinned here.

use std::{path::PathBuf, process::ExitCode};

use aal_verify::{Report, StoredRecord, Verifier, Witnessed};
use audit_verify::BundleArguments;
use futures_util::StreamExt;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    cli::VerifyArguments,
    local::{Local, LocalError},
};

/// Longest line of records that is read into memory.
const LONGEST_LINE: usize = 128 * 1024 * 1024;

/// Why nothing could be verified; exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Input(#[from] audit_verify::InputError),
    #[error("the known head {file}: {reason}")]
    KnownHead { file: PathBuf, reason: String },
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("give --token (or AAL_TOKEN), or --data of a local audit up")]
    NoToken,
    #[error("{url}: {source}")]
    Http { url: String, source: reqwest::Error },
    #[error("{url} answered {status}: {detail}")]
    Status {
        url: String,
        status: u16,
        detail: String,
    },
    #[error("{url}: line {line}: {reason}")]
    Line { url: String, line: u64, reason: String },
}

#[derive(Deserialize)]
struct Chains {
    chains: Vec<Chain>,
}

#[derive(Deserialize)]
struct Chain {
    tenant: Uuid,
    shard: u32,
}

#[derive(Deserialize)]
struct Checkpoints {
    latest: Option<Latest>,
}

#[derive(Deserialize)]
struct Latest {
    epoch: u64,
    checkpoint: String,
}

#[derive(Deserialize)]
struct EpochLine {
    manifest: String,
    #[serde(default)]
    heads: Option<String>,
}

struct Source {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// `audit verify`.
pub async fn run(arguments: VerifyArguments) -> Result<ExitCode, VerifyError> {
    if !arguments.target.starts_with("http://") && !arguments.target.starts_with("https://") {
        return Ok(audit_verify::run(&bundle_of(arguments))?);
    }
    let policy = audit_verify::read_policy(&arguments.policy)?;
    let receipts = arguments.receipts.as_deref();
    let receipts = receipts
        .map(|path| audit_verify::read_receipts(path, &policy))
        .transpose()?;
    let token = match (&arguments.token, &arguments.data) {
        (Some(token), _) => token.clone(),
        (None, Some(data)) => Local::open(data).await?.administrator_token().await?,
        (None, None) => return Err(VerifyError::NoToken),
    };
    let base = arguments.target.trim_end_matches('/').to_owned();
    let source = Source {
        http: reqwest::Client::new(),
        base,
        token,
    };
    let known_head = arguments.known_head.as_ref();
    let known_head = known_head
        .map(|file| read_known_head(file, &policy))
        .transpose()?;
    let wants_witness = policy.witness_policy.is_some() && policy.max_witness_delay_s == 0;
    let mut verifier = Verifier::new(policy).with_receipts(receipts);
    if let Some(note) = &known_head {
        verifier.checkpoint(note);
    }
    let report = source.verify(verifier, wants_witness).await?;
    audit_verify::print_report(&report, arguments.json);
    Ok(ExitCode::from(report.exit_code()))
}

/// Reads a checkpoint kept from before. One that no pinned key signed proves nothing and is refused at once.
fn read_known_head(file: &std::path::Path, policy: &aal_ledger::TrustPolicy) -> Result<Vec<u8>, VerifyError> {
    let refused = |reason: String| VerifyError::KnownHead {
        file: file.to_owned(),
        reason,
    };
    let note = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
    let opened = aal_ledger::proof::open_checkpoint(&note, policy);
    opened.map_err(|error| refused(error.to_string()))?;
    Ok(note)
}

/// The arguments for a bundle.
fn bundle_of(arguments: VerifyArguments) -> BundleArguments {
    BundleArguments {
        target: PathBuf::from(arguments.target),
        policy: arguments.policy,
        receipts: arguments.receipts,
        known_head: arguments.known_head,
        threads: arguments.threads,
        json: arguments.json,
    }
}

impl Source {
    async fn verify(&self, mut verifier: Verifier, wants_witness: bool) -> Result<Report, VerifyError> {
        // The checkpoint first: what was sealed when it was signed must be found by what is read after it.
        let (latest, witnessed) = self.head(wants_witness).await?;
        if let Some(latest) = &latest {
            verifier.checkpoint(latest.checkpoint.as_bytes());
            witnessed.feed(latest.epoch, &mut verifier);
        }
        // An epoch that closes while this runs is newer than the checkpoint, and none of this run's business.
        let upto = latest.map_or_else(String::new, |latest| format!("?to={}", latest.epoch));
        self.lines(&format!("/api/v1/verify/epochs{upto}"), |line: EpochLine| {
            verifier.manifest(line.manifest.as_bytes());
            if let Some(heads) = line.heads {
                verifier.heads(heads.as_bytes());
            }
        })
        .await?;
        let chains: Chains = self.json("/api/v1/verify/chains").await?;
        for chain in chains.chains {
            let path = format!(
                "/api/v1/verify/records?tenant={}&shard={}",
                chain.tenant, chain.shard
            );
            self.lines(&path, |record: StoredRecord| verifier.record(&record))
                .await?;
        }
        Ok(verifier.finish())
    }

    /// The newest checkpoint, and what witnesses and authorities said, none of it of a later epoch. Where each epoch must
    /// be witnessed, they are given some time to answer about one that is still the newest.
    async fn head(&self, wants_witness: bool) -> Result<(Option<Latest>, Witnessed), VerifyError> {
        let deadline = tokio::time::Instant::now() + Witnessed::PATIENCE;
        loop {
            let checkpoints: Checkpoints = self.json("/api/v1/checkpoints?limit=1").await?;
            let epoch = checkpoints.latest.as_ref().map_or(0, |latest| latest.epoch);
            let answer: Witnessed = self.json(&format!("/api/v1/verify/witnessed?to={epoch}")).await?;
            if !wants_witness || answer.covers(epoch) || tokio::time::Instant::now() >= deadline {
                return Ok((checkpoints.latest, answer));
            }
            tokio::time::sleep(Witnessed::POLL).await;
        }
    }

    async fn get(&self, path: &str) -> Result<(String, reqwest::Response), VerifyError> {
        let url = format!("{}{path}", self.base);
        let sent = self.http.get(&url).bearer_auth(&self.token).send().await;
        let response = sent.map_err(|source| VerifyError::Http {
            url: url.clone(),
            source,
        })?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            let detail = response.text().await.unwrap_or_default();
            return Err(VerifyError::Status { url, status, detail });
        }
        Ok((url, response))
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, VerifyError> {
        let (url, response) = self.get(path).await?;
        response
            .json()
            .await
            .map_err(|source| VerifyError::Http { url, source })
    }

    /// Reads NDJSON line by line in constant memory. A stream that breaks off is an error, never an end.
    async fn lines<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        mut take: impl FnMut(T),
    ) -> Result<(), VerifyError> {
        let (url, response) = self.get(path).await?;
        let mut stream = response.bytes_stream();
        let mut pending: Vec<u8> = Vec::new();
        let mut number = 0;
        let mut parse = |line: &[u8]| {
            number += 1;
            serde_json::from_slice(line)
                .map(&mut take)
                .map_err(|error| VerifyError::Line {
                    url: url.clone(),
                    line: number,
                    reason: error.to_string(),
                })
        };
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|source| VerifyError::Http {
                url: url.clone(),
                source,
            })?;
            pending.extend_from_slice(&chunk);
            let mut begin = 0;
            while let Some(length) = pending[begin..].iter().position(|byte| *byte == b'\n') {
                parse(&pending[begin..begin + length])?;
                begin += length + 1;
            }
            pending.drain(..begin);
            if pending.len() > LONGEST_LINE {
                return Err(VerifyError::Line {
                    url: url.clone(),
                    line: 0,
                    reason: "the line is too long".to_owned(),
                });
            }
        }
        if pending.is_empty() {
            Ok(())
        } else {
            parse(&pending)
        }
    }
}
