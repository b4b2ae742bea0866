//! One request for erasure: what is asked, how far it is, and what was done. Pure.

use aal_event::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Longest note of a person, in bytes.
pub const MAX_NOTE_BYTES: usize = 2_000;

/// What is to be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Everything under a person's keys.
    Person,
    /// One event about nobody known, which has a key of its own.
    Event,
}

/// How far a request is. The order is that of the stages; the last three end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Until the waiting time is over or was overridden; then holds are looked at.
    Waiting,
    /// A legal hold stands; looked at again and again.
    Held,
    /// Approved; the keys and rows there are now are being looked up.
    Listing,
    /// Wrapped keys and directory entries are being deleted.
    Destroying,
    /// The `erasure_done` leaf is on its way into the ledger.
    Recording,
    /// Texts and ciphertexts are being removed from the rows.
    Emptying,
    /// Until no process can hold an unwrapped key any longer; then rows written meanwhile are emptied.
    Settling,
    /// Until the record store has deleted the files with the old rows.
    Parts,
    /// Files that hold the person's content are being deleted.
    Withdrawing,
    /// The certificate is being made.
    Certifying,
    /// Everything is done and certified.
    Done,
    /// An officer refused it.
    Refused,
    /// An officer took it back.
    Cancelled,
}

impl Stage {
    /// The name in JSON and in the control store.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Waiting => "waiting",
            Stage::Held => "held",
            Stage::Listing => "listing",
            Stage::Destroying => "destroying",
            Stage::Recording => "recording",
            Stage::Emptying => "emptying",
            Stage::Settling => "settling",
            Stage::Parts => "parts",
            Stage::Withdrawing => "withdrawing",
            Stage::Certifying => "certifying",
            Stage::Done => "done",
            Stage::Refused => "refused",
            Stage::Cancelled => "cancelled",
        }
    }

    /// Whether nothing was destroyed yet, so that people may still change their minds.
    pub fn is_undecided(self) -> bool {
        matches!(self, Stage::Waiting | Stage::Held)
    }

    /// Whether nothing is left to do.
    pub fn is_end(self) -> bool {
        matches!(self, Stage::Done | Stage::Refused | Stage::Cancelled)
    }
}

/// What people wrote; emptied when the request ends, for it may name the person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// How it was made sure that the person is who they say.
    #[serde(default)]
    pub identity_check: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// A decision about the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub at_us: i64,
    /// `approved`, `held`, `refused`, `cancelled`.
    pub outcome: String,
    /// The holds that stood.
    #[serde(default)]
    pub holds: Vec<Uuid>,
    /// Who decided; nobody when the rules did.
    #[serde(default)]
    pub by: Option<Uuid>,
}

/// One person's consent that the waiting time is cut short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub by: Uuid,
    pub at_us: i64,
}

/// Something that the ledger has yet to hear. Sent until it is acknowledged, always under the same id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Telling {
    pub event_id: Uuid,
    /// Whether it is the `erasure_done` leaf; else an `erasure_request`.
    pub is_done: bool,
    /// In a word: `request`, `override`, `decide`, `keys_destroyed`, `complete`.
    pub action: String,
    /// The user; nobody when the eraser acts by itself.
    #[serde(default)]
    pub by: Option<Uuid>,
    pub at_us: i64,
    /// For the record's header, never personal.
    #[serde(default)]
    pub facts: Map<String, Value>,
    /// People's words, for the erasable attributes only.
    #[serde(default)]
    pub note: Option<Value>,
}

/// A leaf of the request, for the certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    pub event_id: Uuid,
    pub kind: String,
    pub action: String,
}

/// What was found of the person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Records that hold anything under the keys.
    pub rows: u64,
    /// Of these, records about somebody else, in which this person is the user.
    pub shared_rows: u64,
    /// First and last time of these records, microseconds; 0 without records.
    pub first_us: i64,
    pub last_us: i64,
    /// Their applications.
    pub applications: Vec<String>,
}

/// The certificate as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certified {
    pub at_us: i64,
    /// SHA-256 of the JSON, lower-case hex.
    pub sha256: String,
    /// Its key in the object store.
    pub key: String,
    /// The report job that renders it; none when no renderer was asked.
    #[serde(default)]
    pub job: Option<Uuid>,
}

/// One request with everything about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Erasure {
    pub id: Uuid,
    pub tenant: Uuid,
    pub target: Target,
    pub stage: Stage,
    pub requested_us: i64,
    pub requested_by: Uuid,
    /// Executed at this time at the earliest, unless overridden.
    pub not_before_us: i64,
    pub notes: Notes,
    /// Keyed hashes of the person's ids, hex; emptied at the end.
    pub lookups: Vec<String>,
    pub consents: Vec<Consent>,
    pub decisions: Vec<Decision>,
    /// The data keys, ascending.
    pub keys: Vec<Uuid>,
    pub found: Found,
    pub destroyed_us: i64,
    /// The record store's clock when the rows were last found empty, seconds.
    pub emptied_s: i64,
    pub withdrawn: Vec<Uuid>,
    pub certified: Option<Certified>,
    pub outbox: Vec<Telling>,
    pub leaves: Vec<Leaf>,
    /// When each stage was left, microseconds.
    pub left: Vec<(Stage, i64)>,
    /// Why the last try did not go on; empty when it did.
    pub trouble: String,
    /// Of the stored row.
    #[serde(skip)]
    pub version: i64,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    pub id: Uuid,
    pub tenant: Uuid,
    pub target: Target,
    pub by: Uuid,
    pub at_us: i64,
    pub waiting_us: i64,
    pub notes: Notes,
    pub lookups: Vec<[u8; 32]>,
    pub keys: Vec<Uuid>,
}

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Too late.
    #[error("the request is {0} and cannot be changed any more")]
    TooLate(&'static str),
    /// The same person again.
    #[error("this user has already consented; a second person must")]
    SamePerson,
    /// There is nothing to cut short.
    #[error("the waiting time is over already")]
    NotWaiting,
}

impl Erasure {
    /// A new request, with its leaf in the outbox.
    pub fn new(ask: Ask) -> Erasure {
        let mut keys = ask.keys;
        keys.sort_unstable();
        keys.dedup();
        let mut erasure = Erasure {
            id: ask.id,
            tenant: ask.tenant,
            target: ask.target,
            stage: Stage::Waiting,
            requested_us: ask.at_us,
            requested_by: ask.by,
            not_before_us: ask.at_us.saturating_add(ask.waiting_us),
            notes: ask.notes,
            lookups: ask.lookups.iter().map(hex::encode).collect(),
            consents: Vec::new(),
            decisions: Vec::new(),
            keys,
            found: Found::default(),
            destroyed_us: 0,
            emptied_s: 0,
            withdrawn: Vec::new(),
            certified: None,
            outbox: Vec::new(),
            leaves: Vec::new(),
            left: Vec::new(),
            trouble: String::new(),
            version: 0,
        };
        let note = serde_json::json!({"identity_check": erasure.notes.identity_check,
                                      "reason": erasure.notes.reason});
        let facts = fact("not_before_us", erasure.not_before_us.into());
        erasure.say("request", "0", Some(ask.by), ask.at_us, facts, Some(note));
        erasure
    }

    /// The lookups as bytes; those that are not 32 bytes are left out.
    pub fn lookup_bytes(&self) -> Vec<[u8; 32]> {
        let bytes = |text: &String| hex::decode(text).ok()?.try_into().ok();
        self.lookups.iter().filter_map(bytes).collect()
    }

    /// Whether two different people consented to skip the waiting time.
    pub fn is_overridden(&self) -> bool {
        self.consents.len() >= 2
    }

    /// `by` consents to skip the waiting time; the second different person ends it.
    ///
    /// # Errors
    /// Not waiting any more, or the same person twice.
    pub fn consent(&mut self, by: Uuid, at_us: i64, reason: &str) -> Result<(), ChangeError> {
        if !self.stage.is_undecided() {
            return Err(ChangeError::TooLate(self.stage.as_str()));
        }
        if self.is_overridden() || at_us >= self.not_before_us {
            return Err(ChangeError::NotWaiting);
        }
        if self.consents.iter().any(|consent| consent.by == by) {
            return Err(ChangeError::SamePerson);
        }
        self.consents.push(Consent { by, at_us });
        let facts = fact("consents", self.consents.len().into());
        let note = serde_json::json!({ "reason": reason });
        self.say("override", &by.to_string(), Some(by), at_us, facts, Some(note));
        Ok(())
    }

    /// An officer refuses the request (`refused`) or takes it back (`cancelled`).
    ///
    /// # Errors
    /// It is too late.
    pub fn end(&mut self, stage: Stage, by: Uuid, at_us: i64, reason: &str) -> Result<(), ChangeError> {
        if !self.stage.is_undecided() {
            return Err(ChangeError::TooLate(self.stage.as_str()));
        }
        let note = serde_json::json!({ "reason": reason });
        self.decide(stage.as_str(), Vec::new(), Some(by), at_us, Some(note));
        self.leave(stage, at_us);
        Ok(())
    }

    pub(crate) fn decide(
        &mut self,
        outcome: &str,
        holds: Vec<Uuid>,
        by: Option<Uuid>,
        at_us: i64,
        note: Option<Value>,
    ) {
        let mut facts = fact("outcome", outcome.into());
        facts.insert("holds".to_owned(), holds.len().into());
        if let Some(first) = holds.first() {
            facts.insert("hold".to_owned(), first.to_string().into());
        }
        let number = self.decisions.len().to_string();
        self.decisions.push(Decision {
            at_us,
            outcome: outcome.to_owned(),
            holds,
            by,
        });
        self.say("decide", &number, by, at_us, facts, note);
    }

    pub(crate) fn leave(&mut self, next: Stage, at_us: i64) {
        self.left.push((self.stage, at_us));
        self.stage = next;
        if next.is_end() {
            self.notes = Notes::default();
            self.lookups.clear();
        }
    }

    pub(crate) fn say(
        &mut self,
        action: &str,
        part: &str,
        by: Option<Uuid>,
        at_us: i64,
        mut facts: Map<String, Value>,
        note: Option<Value>,
    ) {
        facts.insert("erasure".to_owned(), self.id.to_string().into());
        let is_done = facts.contains_key("subject_key_ids");
        let kind = kind_of(is_done);
        let id = self.id.to_string();
        let event_id = aal_event::system_id(kind, &[&id, action, part]);
        self.leaves.push(Leaf {
            event_id,
            kind: kind.as_str().to_owned(),
            action: action.to_owned(),
        });
        self.outbox.push(Telling {
            event_id,
            is_done,
            action: action.to_owned(),
            by,
            at_us,
            facts,
            note,
        });
    }
}

impl Telling {
    /// The kind of the leaf.
    pub fn kind(&self) -> Kind {
        kind_of(self.is_done)
    }
}

fn kind_of(is_done: bool) -> Kind {
    if is_done {
        Kind::ErasureDone
    } else {
        Kind::ErasureRequest
    }
}

pub(crate) fn fact(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}
