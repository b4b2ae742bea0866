//! RFC 3161 timestamps: each over the checkpoint of its epoch, and in order with the manifests' times.

use std::collections::{BTreeMap, BTreeSet};

use aal_ledger::hash::sha256;
use aal_ledger::{Checkpoint, Hash, Manifest, Note, TrustPolicy};
use aal_timestamp::{ChainError, Roots, TimestampError, Verified};

use crate::report::{Place, Tally, Verdict};

/// Timestamps of one log, fed after the checkpoints they are for and before the manifests.
#[derive(Debug, Default)]
pub(crate) struct Timestamps {
    /// Sizes and digests of the checkpoint notes that were given.
    notes: BTreeSet<(u64, Hash)>,
    /// Timestamps that hold, by the epoch of their checkpoint.
    by_epoch: BTreeMap<u64, Vec<Verified>>,
    /// The same by digest, as manifests name them.
    by_hash: BTreeMap<Hash, (u64, Verified)>,
    /// When the newest stamped epoch closed, µs.
    newest_closed_us: Option<i64>,
}

enum Outcome {
    Holds(Verified),
    /// Of an authority that the policy does not pin: nothing is known of it.
    Unknown,
    Wrong(String),
}

impl Timestamps {
    /// Notes a checkpoint, for timestamps over it.
    pub(crate) fn checkpoint(&mut self, note: &[u8]) {
        let claimed = Note::parse(note).ok();
        let claimed = claimed.and_then(|note| Checkpoint::parse_text(&note.text).ok());
        if let Some(claimed) = claimed {
            self.notes.insert((claimed.size, sha256(note)));
        }
    }

    /// A `TimeStampResp` over the checkpoint of an epoch. Without a pinned authority it is ignored.
    pub(crate) fn token(&mut self, epoch: u64, response: &[u8], policy: &TrustPolicy, tally: &mut Tally) {
        if policy.timestamp_authorities.is_empty() {
            return;
        }
        let of_epoch = |(size, _): &&(u64, Hash)| *size == epoch.saturating_add(1);
        let imprints: Vec<Hash> = self
            .notes
            .iter()
            .filter(of_epoch)
            .map(|(_, hash)| *hash)
            .collect();
        let stated = aal_timestamp::read(response).ok().map(|read| read.imprint);
        let imprint = imprints.iter().find(|imprint| stated == Some(**imprint));
        let Some(imprint) = imprint.or(imprints.first()) else {
            let what = format!("timestamp of epoch {epoch} without the checkpoint it is for");
            return tally.unproven(Verdict::Time, Place::default(), what);
        };
        match judge(response, imprint, policy) {
            Outcome::Holds(verified) => {
                tally.checked(Verdict::Time, 1);
                self.by_hash.insert(sha256(response), (epoch, verified.clone()));
                self.by_epoch.entry(epoch).or_default().push(verified);
            }
            Outcome::Unknown => {}
            Outcome::Wrong(what) => {
                tally.checked(Verdict::Time, 1);
                let what = format!("timestamp of epoch {epoch}: {what}");
                tally.refute(Verdict::Time, Place::default(), what);
            }
        }
    }

    /// The next manifest: what it is stamped with is not older than it, what it names is not younger.
    pub(crate) fn manifest(&mut self, manifest: &Manifest, policy: &TrustPolicy, tally: &mut Tally) {
        let tolerance_us = i64::from(policy.clock_tolerance_s) * 1_000_000;
        let (epoch, closed_us) = (manifest.epoch, manifest.closed_us);
        let mut refute = |what: String| tally.refute(Verdict::Time, Place::default(), what);
        for stamp in self.by_epoch.get(&epoch).into_iter().flatten() {
            self.newest_closed_us = Some(closed_us);
            let latest_us = stamp.gen_time_us.saturating_add(stamp.accuracy_us);
            if latest_us.saturating_add(tolerance_us) < closed_us {
                refute(format!(
                    "timestamp of epoch {epoch} says {}, before the epoch closed at {closed_us}",
                    stamp.gen_time_us
                ));
            }
        }
        let Some((stamped, stamp)) = self.by_hash.get(&manifest.timestamp_hash) else {
            return;
        };
        if *stamped >= epoch {
            refute(format!(
                "manifest of epoch {epoch} names a timestamp of the later epoch {stamped}"
            ));
        }
        let earliest_us = stamp.gen_time_us.saturating_sub(stamp.accuracy_us);
        if earliest_us > closed_us.saturating_add(tolerance_us) {
            refute(format!(
                "epoch {epoch} closed at {closed_us} and names a timestamp of {}, which was not there yet",
                stamp.gen_time_us
            ));
        }
    }

    /// After the last manifest.
    pub(crate) fn finish(&self, newest: Option<&Manifest>, policy: &TrustPolicy, tally: &mut Tally) {
        let Some(newest) = newest.filter(|_| !policy.timestamp_authorities.is_empty()) else {
            return;
        };
        let mut unproven = |what: String| tally.unproven(Verdict::Time, Place::default(), what);
        let Some((stamped, _)) = self.by_epoch.last_key_value() else {
            return unproven("no timestamp of a pinned authority was given".to_owned());
        };
        if *stamped >= newest.epoch {
            return;
        }
        let delay_us = i64::from(policy.max_timestamp_delay_s) * 1_000_000;
        let is_recent = self
            .newest_closed_us
            .is_some_and(|closed_us| newest.closed_us.saturating_sub(closed_us) <= delay_us);
        if !is_recent {
            unproven(format!(
                "epochs after {stamped} have no timestamp, for longer than the {} s the policy allows",
                policy.max_timestamp_delay_s
            ));
        }
    }
}

/// Tries every pinned authority. A chain to none of their roots says nothing; any other fault is one of the answer.
fn judge(response: &[u8], imprint: &Hash, policy: &TrustPolicy) -> Outcome {
    let mut wrong = None;
    for authority in &policy.timestamp_authorities {
        let roots = match Roots::from_der(authority.roots.iter().map(Vec::as_slice)) {
            Ok(roots) => roots,
            Err(error) => {
                wrong = Some(format!("authority {} of the policy: {error}", authority.name));
                continue;
            }
        };
        match aal_timestamp::verify(response, imprint, &roots) {
            Ok(verified) => return Outcome::Holds(verified),
            Err(TimestampError::Chain(ChainError::Untrusted)) => {}
            Err(error) => wrong = Some(error.to_string()),
        }
    }
    wrong.map_or(Outcome::Unknown, Outcome::Wrong)
}
