//! Sends checkpoints to witnesses and stores what a quorum of them cosigned.

use std::time::{Duration, Instant};

use aal_ledger::hash::sha256;
use aal_ledger::merkle::CompactRange;
use aal_ledger::witness_policy::Quorum;
use aal_ledger::{Checkpoint, Hash, Note, NoteSignature, VerifierKey, WitnessPolicy};
use aal_witness::{AddCheckpoint, Answer, WitnessClient};
use futures_util::future::join_all;

use crate::anchor::{Anchor, AnchorError};
use crate::evidence::Evidence;
use crate::grown::GrownLog;
use crate::objects::Objects;

/// Requests to one witness in one round: the first may only learn the size the witness knows.
const MAX_TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// One witness that has an address.
#[derive(Debug)]
pub struct Peer {
    /// Its key name.
    pub name: String,
    client: WitnessClient,
    /// Size of the checkpoint it cosigned last, once known.
    size: Option<u64>,
    failures: u32,
    /// When it may be asked again.
    retry_at: Option<Instant>,
}

/// What should wake somebody: a witness has another history of this log, or a longer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The witness has cosigned a larger size than this log has: the anchor store was rolled back, or another sealer
    /// signs with the same key.
    Ahead { size: u64, log_size: u64 },
    /// The witness knows another root, or finds the proof wrong: the log was forked.
    Forked { size: u64 },
}

/// What became of one epoch's checkpoint at each witness.
#[derive(Debug, Default)]
pub struct Round {
    /// Names of those that cosigned.
    pub cosigned: Vec<String>,
    /// Names and reasons of those that did not; they are asked again later.
    pub failed: Vec<(String, String)>,
    pub alarms: Vec<(String, Alarm)>,
    /// Names of those that were left alone because they failed lately.
    pub resting: Vec<String>,
    /// Whether the quorum was met and the cosigned checkpoint stored.
    pub is_stored: bool,
}

/// Why a round could not be made: the sealer's own store failed it.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    #[error("checkpoint of epoch {0} is missing or malformed")]
    Checkpoint(u64),
    #[error("cosignatures do not verify together: {0}")]
    Note(#[from] aal_ledger::NoteError),
    #[error("manifests of epochs up to {0} do not give the signed root")]
    Contradiction(u64),
}

/// The witnesses of one log.
#[derive(Debug)]
pub struct Witnessing<O> {
    anchor: Anchor<O>,
    policy: WitnessPolicy,
    peers: Vec<Peer>,
    evidence: Evidence,
}

enum Outcome {
    Cosigned(Vec<NoteSignature>),
    Failed(String),
    Alarm(Alarm),
    Resting,
}

/// Those witnesses of a policy that have an address. A witness with two keys stands on two lines with the same address
/// and is asked once for each.
///
/// # Errors
/// When no HTTP client can be made.
pub fn peers_of(policy: &WitnessPolicy, timeout: Duration) -> Result<Vec<Peer>, aal_witness::ClientError> {
    let with_address = |witness: &aal_ledger::witness_policy::PolicyWitness| {
        let url = witness.url.as_deref()?;
        Some(Peer::new(url, &witness.key, timeout))
    };
    policy.witnesses().iter().filter_map(with_address).collect()
}

impl Peer {
    fn new(url: &str, key: &VerifierKey, timeout: Duration) -> Result<Peer, aal_witness::ClientError> {
        Ok(Peer {
            name: key.name().to_owned(),
            client: WitnessClient::new(url, vec![key.clone()], timeout)?,
            size: None,
            failures: 0,
            retry_at: None,
        })
    }

    fn is_resting(&self, now: Instant) -> bool {
        self.retry_at.is_some_and(|retry_at| now < retry_at)
    }

    fn rest(&mut self, now: Instant) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16));
        self.failures += 1;
        self.retry_at = Some(now + pause.min(LONGEST_PAUSE));
    }
}

impl<O: Objects> Witnessing<O> {
    /// Asks these witnesses for the log below the anchor.
    pub fn new(
        anchor: Anchor<O>,
        policy: WitnessPolicy,
        peers: Vec<Peer>,
        evidence: Evidence,
    ) -> Witnessing<O> {
        Witnessing {
            anchor,
            policy,
            peers,
            evidence,
        }
    }

    /// Names of the witnesses that are asked.
    pub fn names(&self) -> Vec<String> {
        self.peers.iter().map(|peer| peer.name.clone()).collect()
    }

    /// Sends the checkpoint of a sealed epoch to all witnesses at once, and stores it with their cosignatures when the
    /// quorum is met.
    ///
    /// # Errors
    /// When the anchor store fails; what a witness does is in the [`Round`].
    pub async fn round(&mut self, epoch: u64) -> Result<Round, RoundError> {
        let malformed = || RoundError::Checkpoint(epoch);
        let bytes = self.anchor.checkpoint(epoch).await?.ok_or_else(malformed)?;
        let mut note = Note::parse(&bytes).map_err(|_| malformed())?;
        let checkpoint = Checkpoint::parse_text(&note.text).map_err(|_| malformed())?;
        let anchor = &self.anchor;
        let asked = self
            .peers
            .iter_mut()
            .map(|peer| ask(anchor, peer, &note, &checkpoint));
        let outcomes = join_all(asked).await;
        let mut round = Round::default();
        for (peer, outcome) in self.peers.iter().zip(outcomes) {
            let name = peer.name.clone();
            match outcome? {
                Outcome::Cosigned(lines) => {
                    note.signatures.extend(lines);
                    round.cosigned.push(name);
                }
                Outcome::Failed(reason) => round.failed.push((name, reason)),
                Outcome::Alarm(alarm) => round.alarms.push((name, alarm)),
                Outcome::Resting => round.resting.push(name),
            }
        }
        if matches!(self.policy.evaluate(&note)?.quorum, Quorum::Met { .. }) {
            let stored = self.anchor.create_cosigned(epoch, note.to_bytes().into()).await?;
            self.evidence.witnessed(sha256(&stored));
            round.is_stored = true;
            // A copy for readers of the log: without it they find the checkpoint without the witnesses' lines.
            if let Err(error) = self.anchor.publish_checkpoint(checkpoint.size, stored).await {
                tracing::warn!(%error, epoch, "cosigned checkpoint not published as the log's newest");
            }
        }
        Ok(round)
    }
}

async fn ask<O: Objects>(
    anchor: &Anchor<O>,
    peer: &mut Peer,
    note: &Note,
    checkpoint: &Checkpoint,
) -> Result<Outcome, RoundError> {
    if peer.is_resting(Instant::now()) {
        return Ok(Outcome::Resting);
    }
    let outcome = converse(anchor, peer, note, checkpoint).await?;
    match outcome {
        Outcome::Cosigned(_) => {
            peer.failures = 0;
            peer.retry_at = None;
        }
        _ => peer.rest(Instant::now()),
    }
    Ok(outcome)
}

async fn converse<O: Objects>(
    anchor: &Anchor<O>,
    peer: &mut Peer,
    note: &Note,
    checkpoint: &Checkpoint,
) -> Result<Outcome, RoundError> {
    let log_size = checkpoint.size;
    for _ in 0..MAX_TRIES {
        let old_size = peer.size.unwrap_or(0);
        if old_size > log_size {
            // It may have been a lie, so it is asked anew the next time.
            peer.size = None;
            return Ok(Outcome::Alarm(Alarm::Ahead {
                size: old_size,
                log_size,
            }));
        }
        let request = AddCheckpoint {
            old_size,
            proof: proof(anchor, old_size, checkpoint).await?,
            note: note.clone(),
            checkpoint: checkpoint.clone(),
        };
        match peer.client.add_checkpoint(&request).await {
            Ok(Answer::Cosigned(lines)) => {
                peer.size = Some(log_size);
                return Ok(Outcome::Cosigned(lines));
            }
            // It knows the size we said and yet refuses: it must know another root of it.
            Ok(Answer::Size(size)) if size == old_size => {
                return Ok(Outcome::Alarm(Alarm::Forked { size }));
            }
            Ok(Answer::Size(size)) => peer.size = Some(size),
            Ok(Answer::Refused { status: 422, .. }) => {
                return Ok(Outcome::Alarm(Alarm::Forked { size: old_size }));
            }
            Ok(Answer::Refused { status, text }) => {
                return Ok(Outcome::Failed(format!("status {status}: {text}")));
            }
            Err(error) => return Ok(Outcome::Failed(chain_of(&error))),
        }
    }
    Ok(Outcome::Failed(
        "it names another size each time it is asked".to_owned(),
    ))
}

fn chain_of(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain_of(source)),
        None => error.to_string(),
    }
}

/// The consistency proof up to a checkpoint, from the saved compact range at the old size, or from all manifests where
/// none was saved. It is made only of what gives the signed root.
async fn proof<O: Objects>(
    anchor: &Anchor<O>,
    old_size: u64,
    checkpoint: &Checkpoint,
) -> Result<Vec<Hash>, RoundError> {
    if old_size == 0 || old_size == checkpoint.size {
        return Ok(Vec::new());
    }
    let last_epoch = checkpoint.size - 1;
    if let Some(before) = anchor.saved_log(old_size - 1).await? {
        let grown = grow(anchor, before, checkpoint.size).await?;
        if let Some(proof) = grown.proof_to(&checkpoint.root) {
            return Ok(proof);
        }
        tracing::warn!(
            size = old_size,
            "saved tree does not lead to the signed root; manifests are read"
        );
    }
    let mut before = CompactRange::new();
    for epoch in 0..old_size {
        before.append(anchor.manifest(epoch).await?.leaf_hash());
    }
    let grown = grow(anchor, before, checkpoint.size).await?;
    grown
        .proof_to(&checkpoint.root)
        .ok_or(RoundError::Contradiction(last_epoch))
}

struct Grown {
    log: GrownLog,
    root: Hash,
}

impl Grown {
    fn proof_to(&self, root: &Hash) -> Option<Vec<Hash>> {
        (self.root == *root).then(|| self.log.consistency().ok())?
    }
}

async fn grow<O: Objects>(anchor: &Anchor<O>, before: CompactRange, size: u64) -> Result<Grown, RoundError> {
    let mut after = before.clone();
    let mut since = Vec::new();
    for epoch in before.size()..size {
        let leaf_hash = anchor.manifest(epoch).await?.leaf_hash();
        after.append(leaf_hash);
        since.push(leaf_hash);
    }
    Ok(Grown {
        log: GrownLog::new(before, since),
        root: after.root(),
    })
}
