//! `audit verify` against a running service: everything is fetched and checked here, with keys pinned here.

use std::{path::PathBuf, process::ExitCode};

use aal_ledger::{ChainId, Hash, hash::sha256};
use aal_verify::{Report, StoredRecord, Verifier, Witnessed};
use audit_verify::BundleArguments;
use futures_util::StreamExt;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    cli::VerifyArguments,
    local::{Local, LocalError},
    verify_tiles::ExpectedTiles,
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
    /// Why the store cannot tell its chains.
    #[serde(default)]
    damaged: Option<String>,
}

#[derive(Deserialize)]
struct Chain {
    tenant: Uuid,
    shard: u32,
}

/// The newest epoch; without a checkpoint the store lost it.
#[derive(Deserialize)]
struct Head {
    epoch: Option<u64>,
    checkpoint: Option<String>,
}

#[derive(Deserialize)]
struct EpochLine {
    epoch: u64,
    /// Absent: the store lost it.
    manifest: Option<String>,
    #[serde(default)]
    heads: Option<String>,
    /// What the store lost.
    #[serde(default)]
    missing: Option<String>,
}

/// The last line of records that a damaged store cannot give.
#[derive(Deserialize)]
struct Damaged {
    damaged: String,
}

/// What the last line of damaged records begins with; records begin with another member.
const DAMAGED: &[u8] = b"{\"damaged\":";

struct Source {
    http: reqwest::Client,
    base: String,
    token: String,
    /// How long ago the newest epoch may have closed.
    max_age_s: u64,
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
        max_age_s: arguments.max_age,
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
        let (head, witnessed) = self.head(wants_witness).await?;
        if let Some(epoch) = head.epoch {
            verifier.checkpoint_of(epoch, head.checkpoint.as_deref().map(str::as_bytes));
            witnessed.feed(epoch, &mut verifier);
        }
        // An epoch that closes while this runs is newer than the checkpoint, and none of this run's business.
        let upto = head
            .epoch
            .map_or_else(String::new, |epoch| format!("?to={epoch}"));
        let mut tiles = ExpectedTiles::default();
        self.lines(&format!("/api/v1/verify/epochs{upto}"), |line: &[u8]| {
            let line: EpochLine = serde_json::from_slice(line)?;
            if let Some(manifest) = &line.manifest {
                verifier.manifest(manifest.as_bytes());
                tiles.manifest(manifest);
            }
            if let Some(what) = &line.missing {
                verifier.missing(&format!("{what} of epoch {}", line.epoch));
            }
            if let Some(heads) = &line.heads {
                verifier.heads(heads.as_bytes());
                tiles.heads(heads);
            }
            Ok(())
        })
        .await?;
        verifier.check_age(aal_service::times::now_us(), self.max_age_s);
        let chains: Chains = self.json("/api/v1/verify/chains").await?;
        if let Some(what) = &chains.damaged {
            verifier.damaged(what);
        }
        for Chain { tenant, shard } in chains.chains {
            let path = format!("/api/v1/verify/records?tenant={tenant}&shard={shard}");
            self.lines(&path, |line: &[u8]| {
                if line.starts_with(DAMAGED) {
                    verifier.damaged(&serde_json::from_slice::<Damaged>(line)?.damaged);
                } else {
                    let record: StoredRecord = serde_json::from_slice(line)?;
                    verifier.record(&record);
                    tiles.leaf(ChainId { tenant, shard }, record.chain_index, &record.leaf);
                }
                Ok(())
            })
            .await?;
        }
        // What is refuted already may be why the service cannot serve tiles.
        if !verifier.is_refuted() {
            self.compare_tiles(tiles, &mut verifier).await?;
        }
        Ok(verifier.finish())
    }

    /// Compares every tile that others may build on with what was verified.
    async fn compare_tiles(&self, tiles: ExpectedTiles, verifier: &mut Verifier) -> Result<(), VerifyError> {
        let [log, chains] = tiles.into_addresses();
        if log.is_empty() && chains.is_empty() {
            return Ok(());
        }
        // A service that does not serve its anchor log to everybody answers so to every question.
        let is_log_served = self.digest("/ledger/log/checkpoint").await?.is_some();
        let log = log.into_iter().filter(|_| is_log_served);
        for (path, expected) in log.chain(chains) {
            let mut served = self.digest(&path).await?;
            if served.is_none() {
                // Its partial tile may just have been replaced by a wider one.
                served = self.digest(&path).await?;
            }
            verifier.tile(&path, served.map(|digest| digest == expected));
        }
        Ok(())
    }

    /// The digest of what is served there; `None`: nothing.
    async fn digest(&self, path: &str) -> Result<Option<Hash>, VerifyError> {
        match self.get(path).await {
            Ok((url, response)) => {
                let bytes = response.bytes().await;
                let bytes = bytes.map_err(|source| VerifyError::Http { url, source })?;
                Ok(Some(sha256(&bytes)))
            }
            Err(VerifyError::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The newest checkpoint, and what witnesses and authorities said, none of it of a later epoch. Where each epoch must
    /// be witnessed, they are given some time to answer about one that is still the newest.
    async fn head(&self, wants_witness: bool) -> Result<(Head, Witnessed), VerifyError> {
        let deadline = tokio::time::Instant::now() + Witnessed::PATIENCE;
        loop {
            let head: Head = self.json("/api/v1/verify/head").await?;
            let epoch = head.epoch.unwrap_or(0);
            let answer: Witnessed = self.json(&format!("/api/v1/verify/witnessed?to={epoch}")).await?;
            if !wants_witness || answer.covers(epoch) || tokio::time::Instant::now() >= deadline {
                return Ok((head, answer));
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
    async fn lines(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), serde_json::Error>,
    ) -> Result<(), VerifyError> {
        let (url, response) = self.get(path).await?;
        let mut stream = response.bytes_stream();
        let mut pending: Vec<u8> = Vec::new();
        let mut number = 0;
        let mut parse = |line: &[u8]| {
            number += 1;
            take(line).map_err(|error| VerifyError::Line {
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
