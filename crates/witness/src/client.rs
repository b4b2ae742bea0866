//! The log's side: sends a checkpoint to one witness and believes nothing it answers without a valid cosignature.

use std::time::Duration;

use aal_ledger::{Note, NoteSignature, VerifierKey};

use crate::request::{AddCheckpoint, decimal};

/// Longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// One witness to send to.
#[derive(Clone, Debug)]
pub struct WitnessClient {
    http: reqwest::Client,
    /// `<submission prefix>/add-checkpoint`.
    url: String,
    keys: Vec<VerifierKey>,
}

/// What a witness answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Valid lines of the witness's keys, at least one.
    Cosigned(Vec<NoteSignature>),
    /// 409: the witness knows this size. It may be below or above what was thought; when it is the size that was sent as
    /// old, the roots differ.
    Size(u64),
    /// Another refusal: 403 the log's key is not trusted, 404 the log is unknown, 422 the proof does not hold, 429, 5xx.
    Refused { status: u16, text: String },
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{url}: {source}")]
    Http { url: String, source: reqwest::Error },
    #[error("{url} answered more than {MAX_ANSWER_BYTES} bytes")]
    TooLong { url: String },
    #[error("{url} answered 200 without a valid cosignature: {what}")]
    Worthless { url: String, what: String },
}

impl WitnessClient {
    /// A client of the witness with that submission prefix and those keys. Redirects are not followed.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(
        prefix: &str,
        keys: Vec<VerifierKey>,
        timeout: Duration,
    ) -> Result<WitnessClient, ClientError> {
        let url = format!("{}/add-checkpoint", prefix.trim_end_matches('/'));
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        match http {
            Ok(http) => Ok(WitnessClient { http, url, keys }),
            Err(source) => Err(ClientError::Http { url, source }),
        }
    }

    /// Sends one request.
    ///
    /// # Errors
    /// When the witness does not answer in time, answers too much, or answers 200 without a valid cosignature.
    pub async fn add_checkpoint(&self, request: &AddCheckpoint) -> Result<Answer, ClientError> {
        let failed = |source| ClientError::Http {
            url: self.url.clone(),
            source,
        };
        let sent = self.http.post(&self.url).body(request.to_bytes()).send();
        let mut response = sent.await.map_err(failed)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(ClientError::TooLong {
                    url: self.url.clone(),
                });
            }
            body.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&body);
        match status {
            200 => self.cosigned(&text, request),
            409 => match text.strip_suffix('\n').and_then(decimal) {
                Some(size) => Ok(Answer::Size(size)),
                None => Ok(refused(status, &text)),
            },
            _ => Ok(refused(status, &text)),
        }
    }

    /// The lines of our keys, all of which must hold; other lines are ignored.
    fn cosigned(&self, text: &str, request: &AddCheckpoint) -> Result<Answer, ClientError> {
        let worthless = |what: String| ClientError::Worthless {
            url: self.url.clone(),
            what,
        };
        let lines: Option<Vec<NoteSignature>> = text
            .strip_suffix('\n')
            .map(|lines| lines.split('\n').map(NoteSignature::parse).collect())
            .unwrap_or(None);
        let signatures = lines.ok_or_else(|| worthless("not signature lines".to_owned()))?;
        let note = Note {
            text: request.note.text.clone(),
            signatures,
        };
        let by = note.signed_by(&self.keys);
        let by = by.map_err(|error| worthless(error.to_string()))?;
        if by.is_empty() || by.iter().any(|(_, timestamp_s)| *timestamp_s == 0) {
            return Err(worthless("no line of its known keys states a time".to_owned()));
        }
        let is_known = |line: &NoteSignature| {
            self.keys
                .iter()
                .any(|key| key.name() == line.key_name && key.id() == line.key_id)
        };
        Ok(Answer::Cosigned(
            note.signatures.into_iter().filter(is_known).collect(),
        ))
    }
}

fn refused(status: u16, text: &str) -> Answer {
    let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    Answer::Refused { status, text }
}
