//! Asks timestamping authorities for RFC 3161 timestamps of checkpoints.

use std::time::Duration;

use aal_ledger::TimestampAuthority;
use aal_ledger::hash::sha256;
use aal_timestamp::{ChainError, MAX_RESPONSE_BYTES, Roots, TimestampError};
use rand::RngCore as _;

use crate::anchor::{Anchor, AnchorError};
use crate::evidence::Evidence;
use crate::objects::Objects;

const NONCE_LEN: usize = 16;

/// One authority and where it answers.
#[derive(Debug)]
pub struct Authority {
    pub name: String,
    url: String,
    http: reqwest::Client,
    /// Its roots, where the trust policy pins them; without, only what the answer says is checked.
    roots: Option<Roots>,
}

/// Why there is no timestamp.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    #[error("checkpoint of epoch {0} is missing")]
    Checkpoint(u64),
    #[error("{url}: {source}")]
    Http { url: String, source: reqwest::Error },
    #[error("{url} answered status {status}")]
    Status { url: String, status: u16 },
    #[error("{url} answered more than {MAX_RESPONSE_BYTES} bytes")]
    TooLong { url: String },
    #[error("the answer of {url} is not used: {source}")]
    Answer { url: String, source: TimestampError },
    #[error("the answer of {url} is to another query: its nonce or digest differs")]
    OtherQuery { url: String },
    #[error("the roots of {name} in the trust policy: {source}")]
    Roots { name: String, source: ChainError },
}

impl Authority {
    /// An authority; the pinned one of the same name, if the trust policy has it, decides what is accepted from it.
    ///
    /// # Errors
    /// When no HTTP client can be made, or a pinned root is no certificate.
    pub fn new(
        name: &str,
        url: &str,
        timeout: Duration,
        pinned: Option<&TimestampAuthority>,
    ) -> Result<Authority, StampError> {
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let roots = pinned.map(|pinned| Roots::from_der(pinned.roots.iter().map(Vec::as_slice)));
        Ok(Authority {
            name: name.to_owned(),
            url: url.to_owned(),
            http: http.map_err(|source| StampError::Http {
                url: url.to_owned(),
                source,
            })?,
            roots: roots.transpose().map_err(|source| StampError::Roots {
                name: name.to_owned(),
                source,
            })?,
        })
    }

    /// A timestamp over the digest, checked.
    async fn stamp(&self, imprint: &[u8; 32]) -> Result<Vec<u8>, StampError> {
        let url = || self.url.clone();
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        // A nonce of zeros would be no nonce.
        nonce[0] |= 1;
        let query = aal_timestamp::query(imprint, &nonce).unwrap_or_default();
        let failed = |source| StampError::Http { url: url(), source };
        let sent = self
            .http
            .post(&self.url)
            .header("content-type", "application/timestamp-query")
            .body(query)
            .send();
        let mut answered = sent.await.map_err(failed)?;
        if !answered.status().is_success() {
            let status = answered.status().as_u16();
            return Err(StampError::Status { url: url(), status });
        }
        let mut response = Vec::new();
        while let Some(chunk) = answered.chunk().await.map_err(failed)? {
            if response.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(StampError::TooLong { url: url() });
            }
            response.extend_from_slice(&chunk);
        }
        let refused = |source| StampError::Answer { url: url(), source };
        let read = aal_timestamp::read(&response).map_err(refused)?;
        if !read.has_nonce(&nonce) || read.imprint != *imprint {
            return Err(StampError::OtherQuery { url: url() });
        }
        if let Some(roots) = &self.roots {
            aal_timestamp::verify(&response, imprint, roots).map_err(refused)?;
        }
        Ok(response)
    }
}

/// The authorities of one log.
#[derive(Debug)]
pub struct Timestamping<O> {
    anchor: Anchor<O>,
    authorities: Vec<Authority>,
    evidence: Evidence,
}

impl<O: Objects> Timestamping<O> {
    /// Asks these authorities for the log below the anchor; their positions name the objects.
    pub fn new(anchor: Anchor<O>, authorities: Vec<Authority>, evidence: Evidence) -> Timestamping<O> {
        Timestamping {
            anchor,
            authorities,
            evidence,
        }
    }

    /// Names of the authorities in the order of their positions.
    pub fn names(&self) -> Vec<String> {
        self.authorities
            .iter()
            .map(|authority| authority.name.clone())
            .collect()
    }

    /// Gets and stores a timestamp of one authority over an epoch's checkpoint.
    ///
    /// # Errors
    /// When the authority or the anchor store fails, or the answer does not hold.
    pub async fn stamp(&self, epoch: u64, position: usize) -> Result<(), StampError> {
        let Some(authority) = self.authorities.get(position) else {
            return Ok(());
        };
        let note = self.anchor.checkpoint(epoch).await?;
        let note = note.ok_or(StampError::Checkpoint(epoch))?;
        let response = authority.stamp(&sha256(&note)).await?;
        let stored = self.anchor.create_timestamp(epoch, position, response.into());
        self.evidence.timestamped(sha256(&stored.await?));
        Ok(())
    }
}
