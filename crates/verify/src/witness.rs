//! WITNESS: checkpoints that a quorum of the pinned witnesses cosigned, compared with the manifests.

use aal_ledger::hash::to_hex;
use aal_ledger::proof::open_checkpoint;
use aal_ledger::witness_policy::Quorum;
use aal_ledger::{Hash, Manifest, Note, TrustPolicy};

use crate::report::{Place, Tally, Verdict};

/// Cosigned checkpoints of one log, fed before the manifests.
#[derive(Debug, Default)]
pub(crate) struct Witnesses {
    given: Vec<Given>,
    /// Newest epoch under a quorum whose manifest was compared, and when it closed, µs.
    newest: Option<(u64, i64)>,
}

#[derive(Debug)]
struct Given {
    size: u64,
    root: Hash,
    is_quorum_met: bool,
    is_compared: bool,
}

fn refute(tally: &mut Tally, what: String) {
    tally.refute(Verdict::Witness, Place::default(), what);
}

impl Witnesses {
    /// The checkpoint of an epoch with cosignatures, given when the log has `log_size` manifests so far.
    pub(crate) fn cosigned(
        &mut self,
        epoch: u64,
        note: &[u8],
        log_size: u64,
        policy: &TrustPolicy,
        tally: &mut Tally,
    ) {
        let checkpoint = match open_checkpoint(note, policy) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                return refute(tally, format!("cosigned checkpoint of epoch {epoch}: {error}"));
            }
        };
        let size = checkpoint.size;
        if Some(size) != epoch.checked_add(1) {
            return refute(
                tally,
                format!("cosigned checkpoint of epoch {epoch} is of size {size}"),
            );
        }
        let quorum = match (&policy.witness_policy, Note::parse(note)) {
            (Some(witnesses), Ok(note)) => witnesses.evaluate(&note).map(|found| found.quorum),
            _ => Ok(Quorum::None),
        };
        let is_quorum_met = match quorum {
            Ok(quorum) => matches!(quorum, Quorum::Met { .. }),
            Err(error) => {
                return refute(tally, format!("cosigned checkpoint of epoch {epoch}: {error}"));
            }
        };
        if size <= log_size {
            let what = format!("cosigned checkpoint of epoch {epoch} came after its manifest");
            return tally.unproven(Verdict::Witness, Place::default(), what);
        }
        self.given.push(Given {
            size,
            root: checkpoint.root,
            is_quorum_met,
            is_compared: false,
        });
    }

    /// After each manifest: the log's root at that size must be what was cosigned.
    pub(crate) fn manifest(&mut self, manifest: &Manifest, root: &Hash, tally: &mut Tally) {
        let size = manifest.epoch.saturating_add(1);
        for given in self.given.iter_mut().filter(|given| given.size == size) {
            given.is_compared = true;
            tally.checked(Verdict::Witness, 1);
            if given.root != *root {
                let what = format!(
                    "witnesses saw root {} at size {size}, these manifests give {}: the log was forked",
                    to_hex(&given.root),
                    to_hex(root)
                );
                refute(tally, what);
            } else if given.is_quorum_met {
                self.newest = Some((manifest.epoch, manifest.closed_us));
            }
        }
    }

    /// After the last manifest.
    pub(crate) fn finish(&self, newest: Option<&Manifest>, policy: &TrustPolicy, tally: &mut Tally) {
        for given in self.given.iter().filter(|given| !given.is_compared) {
            let what = format!(
                "a cosigned checkpoint covers {} epochs, manifests of the last of them are missing",
                given.size
            );
            refute(tally, what);
        }
        let mut unproven = |what: String| tally.unproven(Verdict::Witness, Place::default(), what);
        if policy.witness_policy.is_none() {
            return unproven("the policy names no witnesses".to_owned());
        }
        let (Some((witnessed, closed_us)), Some(newest)) = (self.newest, newest) else {
            return unproven("no checkpoint cosigned by the quorum of witnesses was given".to_owned());
        };
        let delay_us = i64::from(policy.max_witness_delay_s) * 1_000_000;
        if witnessed < newest.epoch && newest.closed_us.saturating_sub(closed_us) > delay_us {
            unproven(format!(
                "epochs {} to {} are not witnessed",
                witnessed + 1,
                newest.epoch
            ));
        }
    }
}
