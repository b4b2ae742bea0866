//! What a witness cosigned last of each log, persisted before it answers.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::{Checkpoint, CosignError, Note, NoteSignature, VerifierKey, WitnessPolicy};

use crate::decide::{Refusal, decide};
use crate::disk::{Disk, replace};
use crate::keys::WitnessKeys;
use crate::request::AddCheckpoint;

/// POSIX seconds now.
pub type Clock = fn() -> u64;

/// The logs a witness serves and where it stands with each.
pub struct State {
    disk: Box<dyn Disk>,
    keys: WitnessKeys,
    own_keys: Vec<VerifierKey>,
    clock: Clock,
    logs: BTreeMap<String, Log>,
}

struct Log {
    keys: Vec<VerifierKey>,
    /// Held from reading what was cosigned last until the answer is durable: one request of a log at a time.
    turn: Mutex<()>,
}

/// Why a witness does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the policy names no log; add a line \"log VKEY\" for each log to witness")]
    NoLog,
    #[error(
        "what was cosigned last of {origin} cannot be used: {source}; restore it from a backup that is not older"
    )]
    Damaged { origin: String, source: AddError },
}

/// Why a request was not answered with a cosignature.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("state cannot be read or written: {0}")]
    Disk(#[from] io::Error),
    #[error("state is not a checkpoint that this witness cosigned: {0}")]
    Damaged(String),
    #[error(transparent)]
    Cosign(#[from] CosignError),
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let logs: Vec<&String> = self.logs.keys().collect();
        f.debug_struct("State")
            .field("logs", &logs)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The state of the policy's logs. What was cosigned last of each must be readable: a witness that forgot it could be
    /// led to cosign a fork.
    ///
    /// # Errors
    /// When the policy has no log, or kept state is damaged.
    pub fn open(
        disk: Box<dyn Disk>,
        keys: WitnessKeys,
        policy: &WitnessPolicy,
        clock: Clock,
    ) -> Result<State, OpenError> {
        let mut logs: BTreeMap<String, Log> = BTreeMap::new();
        for log in policy.logs() {
            let entry = logs.entry(log.key.name().to_owned()).or_insert(Log {
                keys: Vec::new(),
                turn: Mutex::new(()),
            });
            entry.keys.push(log.key.clone());
        }
        if logs.is_empty() {
            return Err(OpenError::NoLog);
        }
        let state = State {
            own_keys: keys.verifier_keys(),
            disk,
            keys,
            clock,
            logs,
        };
        for origin in state.logs.keys() {
            let last = state.last(origin);
            last.map_err(|source| OpenError::Damaged {
                origin: origin.clone(),
                source,
            })?;
        }
        Ok(state)
    }

    /// Origins of the logs, ascending.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// The note cosigned last of a log, with the cosignatures.
    ///
    /// # Errors
    /// When it cannot be read or is none of ours.
    pub fn last_note(&self, origin: &str) -> Result<Option<Note>, AddError> {
        let Some(bytes) = self.disk.read(&file_of(origin))? else {
            return Ok(None);
        };
        let damaged = |error: String| AddError::Damaged(error);
        let note = Note::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
        // Bytes that we did not sign are not what we answered, whoever put them there.
        note.verify(&self.own_keys)
            .map_err(|error| damaged(error.to_string()))?;
        Ok(Some(note))
    }

    fn last(&self, origin: &str) -> Result<Option<Checkpoint>, AddError> {
        let Some(note) = self.last_note(origin)? else {
            return Ok(None);
        };
        let checkpoint =
            Checkpoint::parse_text(&note.text).map_err(|error| AddError::Damaged(error.to_string()))?;
        if checkpoint.origin != origin {
            return Err(AddError::Damaged(format!("it is of {:?}", checkpoint.origin)));
        }
        Ok(Some(checkpoint))
    }

    /// Cosigns the checkpoint of a request. When this returns, what was cosigned is durable.
    ///
    /// # Errors
    /// When the request is refused, or the state cannot be read or made durable; then nothing was cosigned that a client
    /// got to see.
    pub fn add(&self, request: &AddCheckpoint) -> Result<Vec<NoteSignature>, AddError> {
        let origin = &request.checkpoint.origin;
        let Some(log) = self.logs.get(origin) else {
            return Err(Refusal::UnknownLog(origin.clone()).into());
        };
        // A panic while it was held has left the file whole, so the lock means no less than before.
        let turn = log.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.last(origin)?;
        decide(request, &log.keys, last.as_ref())?;
        let now_s = (self.clock)();
        let cosigners = self.keys.cosigners().iter();
        let cosignatures: Result<Vec<NoteSignature>, CosignError> = cosigners
            .map(|cosigner| cosigner.cosign(&request.checkpoint, now_s))
            .collect();
        let cosignatures = cosignatures?;
        let mut note = request.note.clone();
        // Of the lines sent only the log's own are kept; others could be anybody's, and ours are made anew.
        let is_of_log = |line: &NoteSignature| {
            log.keys
                .iter()
                .any(|key| key.name() == line.key_name && key.id() == line.key_id)
        };
        note.signatures.retain(is_of_log);
        note.signatures.extend(cosignatures.iter().cloned());
        // Written even when it is the checkpoint of before: an earlier write of it may have failed half way.
        replace(self.disk.as_ref(), &file_of(origin), &note.to_bytes())?;
        drop(turn);
        Ok(cosignatures)
    }
}

/// Origins may hold anything a line can, so files are named by digest.
pub(crate) fn file_of(origin: &str) -> String {
    format!("{}.checkpoint", to_hex(&sha256(origin.as_bytes())))
}
