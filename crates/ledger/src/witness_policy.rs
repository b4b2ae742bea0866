//! C2SP [tlog-policy](https://c2sp.org/tlog-policy): logs, witnesses, groups of them, and the quorum that makes a
//! checkpoint count as witnessed (ledger-format.md section 9.1).

mod parse;

use crate::note::{Note, NoteError};
use crate::vkey::{VerifierKey, VerifierKeyError};

/// Longest policy text in bytes.
pub const MAX_POLICY_BYTES: usize = 256 << 10;
/// Most log lines, most witness lines, and most group lines, each.
pub const MAX_POLICY_ENTRIES: usize = 64;

/// A policy that was read. Names are octets; they mean something inside the policy only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessPolicy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
    /// Keys of the witnesses in their order.
    keys: Vec<VerifierKey>,
}

/// A log that the policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its name is the log's origin.
    pub key: VerifierKey,
    pub url: Option<String>,
}

/// A witness that may count towards the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    pub name: Vec<u8>,
    pub key: VerifierKey,
    /// The submission prefix, where given.
    pub url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// Position in the list of witnesses, or of groups; a group names earlier groups only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// Who cosigned one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Key name of each witness of the policy that cosigned, in the policy's order, with the earliest time it states,
    /// in POSIX seconds.
    pub by: Vec<(String, u64)>,
    pub quorum: Quorum,
}

/// Whether enough witnesses cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// The policy asks for none, so nothing is shown.
    None,
    Missed,
    /// Met, at the latest at this time in POSIX seconds, if those that make it up speak the truth.
    Met {
        at_s: u64,
    },
}

/// Why a policy is refused; lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessPolicyError {
    #[error("witness policy has {0} bytes, at most {MAX_POLICY_BYTES} are allowed")]
    TooLong(usize),
    #[error("witness policy line {0} has a control character; only tab and newline are allowed")]
    Character(usize),
    #[error("the last line of the witness policy must end in a newline")]
    LastLine,
    #[error("witness policy line {line}: {what}")]
    Line { line: usize, what: String },
    #[error("witness policy line {line}, verifier key: {source}")]
    Key { line: usize, source: VerifierKeyError },
    #[error("witness policy needs exactly one quorum line; \"quorum none\" asks for no witness")]
    Quorum,
}

impl WitnessPolicy {
    /// The policy of this text.
    ///
    /// # Errors
    /// On anything the format does not allow, and beyond the limits of this module; the error names the line.
    pub fn parse(text: &[u8]) -> Result<WitnessPolicy, WitnessPolicyError> {
        parse::parse(text)
    }

    /// Logs in the order of their lines.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// Witnesses in the order of their lines.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Whether the quorum asks for any cosignature.
    pub fn requires_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Which witnesses cosigned the note, and whether they are enough. A cosignature that states no time is not counted:
    /// it does not say that the tree is the largest its signer saw.
    ///
    /// # Errors
    /// When a line of a known witness does not verify; then the whole note is refused.
    pub fn evaluate(&self, note: &Note) -> Result<Witnessed, NoteError> {
        let mut times: Vec<Option<u64>> = vec![None; self.keys.len()];
        for (key, timestamp_s) in note.signed_by(&self.keys)? {
            let position = self.keys.iter().position(|known| known == key);
            let Some(time) = position.and_then(|position| times.get_mut(position)) else {
                continue;
            };
            if timestamp_s > 0 {
                *time = Some(time.map_or(timestamp_s, |earlier| earlier.min(timestamp_s)));
            }
        }
        let named = |(key, time): (&VerifierKey, &Option<u64>)| Some((key.name().to_owned(), (*time)?));
        Ok(Witnessed {
            by: self.keys.iter().zip(&times).filter_map(named).collect(),
            quorum: self.quorum_at(&times),
        })
    }

    /// The quorum when each witness has cosigned at the time given for it.
    fn quorum_at(&self, times: &[Option<u64>]) -> Quorum {
        let Some(quorum) = self.quorum else {
            return Quorum::None;
        };
        // Groups name earlier ones only, so one pass in order knows each member's time before it is asked for.
        let mut groups: Vec<Option<u64>> = Vec::with_capacity(self.groups.len());
        let time_of = |member: Member, groups: &[Option<u64>]| match member {
            Member::Witness(position) => times.get(position).copied().flatten(),
            Member::Group(position) => groups.get(position).copied().flatten(),
        };
        for group in &self.groups {
            let members = group.members.iter();
            let mut known: Vec<u64> = members.filter_map(|member| time_of(*member, &groups)).collect();
            known.sort_unstable();
            groups.push(known.get(group.threshold - 1).copied());
        }
        match time_of(quorum, &groups) {
            Some(at_s) => Quorum::Met { at_s },
            None => Quorum::Missed,
        }
    }
}
