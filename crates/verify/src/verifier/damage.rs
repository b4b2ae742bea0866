//! What a running service says it lost, and how old its newest epoch is. A store that is damaged is a finding: nobody who
//! removes evidence may get away with "it could not be read".

use super::Verifier;
use crate::report::{Place, Verdict};

impl Verifier {
    /// The checkpoint that is kept for an epoch, which must be of the size after it; `None`: it is not there.
    pub fn checkpoint_of(&mut self, epoch: u64, note: Option<&[u8]>) {
        let Some(note) = note else {
            return self.missing(&format!("the checkpoint of epoch {epoch}"));
        };
        self.checkpoint(note);
        let opened = aal_ledger::proof::open_checkpoint(note, &self.policy);
        if let Ok(checkpoint) = opened
            && Some(checkpoint.size) != epoch.checked_add(1)
        {
            let what = format!(
                "the checkpoint kept for epoch {epoch} is of size {}: it belongs to another epoch",
                checkpoint.size
            );
            self.tally.refute(Verdict::Identity, Place::default(), what);
        }
    }

    /// Something that the anchor store must have, as its other objects say, and has not.
    pub fn missing(&mut self, what: &str) {
        self.tally.checked(Verdict::Identity, 1);
        let what = format!("{what} is missing from the anchor store");
        self.tally.refute(Verdict::Identity, Place::default(), what);
    }

    /// The store of records cannot give what it must have. Before anything is sealed there is nothing it must have.
    pub fn damaged(&mut self, what: &str) {
        if self.anchor.signed().is_none() {
            return self.unreadable(what);
        }
        self.tally.checked(Verdict::Scope, 1);
        self.tally.refute(Verdict::Scope, Place::default(), what);
    }

    /// After the manifests: a running service seals all the time, so a newest epoch that closed more than `max_age_s`
    /// before `now_us` is of a log that stands still, or of an old copy. It keeps SCOPE from being proven.
    pub fn check_age(&mut self, now_us: i64, max_age_s: u64) {
        let Some(manifest) = self.anchor.signed() else {
            return;
        };
        self.tally.checked(Verdict::Scope, 1);
        let age_s = now_us.saturating_sub(manifest.closed_us) / 1_000_000;
        if age_s > i64::try_from(max_age_s).unwrap_or(i64::MAX) {
            let what = format!(
                "the newest epoch, {}, closed {age_s} s ago, more than {max_age_s} s: the log stands still, or this is an old copy of it",
                manifest.epoch
            );
            self.tally.unproven(Verdict::Scope, Place::default(), what);
        }
    }

    /// Whether anything was refuted so far, other than by what [`Verifier::finish`] still checks.
    pub fn is_refuted(&self) -> bool {
        Verdict::ALL.iter().any(|verdict| self.tally.is_refuted(*verdict))
    }

    /// A tile or bundle that is served for others to build on; `served` is whether it is the one that the verified
    /// leaves give, `None`: it is not there.
    pub fn tile(&mut self, name: &str, served: Option<bool>) {
        self.tally.checked(Verdict::Content, 1);
        let fault = match served {
            Some(true) => return,
            Some(false) => "differs from what the leaves give",
            None => "is missing from the anchor store",
        };
        self.tally
            .refute(Verdict::Content, Place::default(), format!("{name} {fault}"));
    }
}
