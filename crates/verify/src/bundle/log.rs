//! Checkpoints, manifests and the tip of a bundle (docs/evidence-bundle.md sections 3.1 to 3.4).

use aal_bundle::{EpochRange, FormError, parts};
use aal_ledger::merkle::{CompactRange, verify};
use aal_ledger::proof::open_checkpoint;
use aal_ledger::witness_policy::Quorum;
use aal_ledger::{Checkpoint, Hash, Manifest, Note, TrustPolicy};

use crate::anchor::Anchor;
use crate::report::{Place, Tally, Verdict};
use crate::timestamps::Timestamps;
use crate::witness::Witnesses;

/// One checkpoint of the bundle with the files beside it.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) note: Vec<u8>,
    pub(crate) cosigned: Option<Vec<u8>>,
    /// Position of the authority and its token.
    pub(crate) tokens: Vec<(u8, Vec<u8>)>,
}

/// What ties the bundle to the log.
#[derive(Debug)]
pub(crate) struct LogCheck {
    range: EpochRange,
    anchor: Anchor,
    timestamps: Timestamps,
    /// Only those that are needed again: base, last and tip.
    pub(crate) base_manifest: Option<Manifest>,
    last_size: Option<u64>,
    pub(crate) last: Option<Group>,
    pub(crate) tip: Option<Group>,
    /// Size and root of the tip's checkpoint, when a pinned key signed it.
    tip_root: Option<(u64, Hash)>,
    has_base: bool,
    witnesses: Witnesses,
    /// The quorum cosigned the tip, which the proof ties to the range.
    is_tip_witnessed: bool,
}

fn identity(tally: &mut Tally, what: impl Into<String>) {
    tally.refute(Verdict::Identity, Place::default(), what);
}

impl LogCheck {
    /// Begins with `log/before.range`.
    pub(crate) fn new(range: EpochRange, before: &[u8]) -> Result<LogCheck, FormError> {
        let refuse = |problem: String| FormError::content("log/before.range", problem);
        let before = CompactRange::from_bytes(before).map_err(|error| refuse(error.to_string()))?;
        let first = range.first_manifest();
        if before.size() != first {
            return Err(refuse(format!(
                "it is of {} manifests, the scope says {first}",
                before.size()
            )));
        }
        Ok(LogCheck {
            range,
            anchor: Anchor::beginning_after(before),
            timestamps: Timestamps::default(),
            base_manifest: None,
            last_size: None,
            last: None,
            tip: None,
            tip_root: None,
            has_base: false,
            witnesses: Witnesses::default(),
            is_tip_witnessed: false,
        })
    }

    /// The next checkpoint.
    pub(crate) fn group(
        &mut self,
        group: Group,
        policy: &TrustPolicy,
        tally: &mut Tally,
    ) -> Result<(), FormError> {
        let refuse = |problem: String| FormError::content("checkpoints", problem);
        let note = Note::parse(&group.note).map_err(|error| refuse(error.to_string()))?;
        let claimed = Checkpoint::parse_text(&note.text).map_err(|error| refuse(error.to_string()))?;
        let (last_size, tip_size) = (self.range.last_epoch + 1, self.range.tip_epoch + 1);
        let is_in_place = claimed.size > self.range.first_manifest()
            && self.last_size.is_none_or(|before| before < claimed.size)
            && (claimed.size <= last_size || claimed.size == tip_size);
        if !is_in_place {
            return Err(refuse(format!("one of size {} is out of place", claimed.size)));
        }
        if let Some(cosigned) = &group.cosigned {
            tally.checked(Verdict::Identity, 1);
            if Note::parse(cosigned)
                .map_err(|error| refuse(error.to_string()))?
                .text
                != note.text
            {
                identity(
                    tally,
                    format!("cosigned checkpoint of size {} has another text", claimed.size),
                );
            }
        }
        self.last_size = Some(claimed.size);
        self.has_base |= self.range.base_epoch.is_some_and(|base| base + 1 == claimed.size);
        if claimed.size <= last_size {
            self.anchor.checkpoint(&group.note, policy, tally);
            if let Some(cosigned) = &group.cosigned {
                let log_size = self.anchor.size();
                self.witnesses
                    .cosigned(claimed.size - 1, cosigned, log_size, policy, tally);
            }
        }
        if claimed.size == tip_size && tip_size > last_size {
            tally.checked(Verdict::Identity, 1);
            match open_checkpoint(&group.note, policy) {
                Ok(opened) => {
                    self.tip_root = Some((opened.size, opened.root));
                    self.is_tip_witnessed = is_witnessed(&group, policy, tally);
                }
                Err(error) => identity(tally, format!("checkpoint of size {tip_size}: {error}")),
            }
        }
        self.timestamps.checkpoint(&group.note);
        for (_, token) in &group.tokens {
            self.timestamps.token(claimed.size - 1, token, policy, tally);
        }
        if claimed.size == last_size {
            self.last = Some(group);
        } else if claimed.size == tip_size {
            self.tip = Some(group);
        }
        Ok(())
    }

    /// After the last checkpoint.
    pub(crate) fn end_of_checkpoints(&mut self, tally: &mut Tally) {
        let (last_size, tip_size) = (self.range.last_epoch + 1, self.range.tip_epoch + 1);
        let is_base_missing = self.range.base_epoch.is_some() && !self.has_base;
        let is_tip_missing = tip_size > last_size && self.tip.is_none();
        for (is_missing, what) in [
            (is_base_missing, "base"),
            (self.last.is_none(), "last"),
            (is_tip_missing, "tip"),
        ] {
            tally.checked(Verdict::Identity, 1);
            if is_missing {
                identity(tally, format!("the checkpoint of the {what} epoch is missing"));
            }
        }
    }

    /// `log/tip.proof`, or its absence.
    pub(crate) fn tip_proof(&mut self, proof: Option<&[u8]>, tally: &mut Tally) -> Result<(), FormError> {
        let (last_size, tip_size) = (self.range.last_epoch + 1, self.range.tip_epoch + 1);
        let Some(proof) = proof else {
            if tip_size > last_size {
                identity(tally, "the proof from the last epoch to the tip is missing");
            }
            return Ok(());
        };
        if tip_size == last_size {
            let problem = "it is there although the last epoch is the tip";
            return Err(FormError::content("log/tip.proof", problem));
        }
        let hashes = parts::parse_tip_proof(proof)?;
        let (Some(last), Some((_, tip))) = (self.anchor.root_at(last_size), self.tip_root) else {
            let what = "without valid checkpoints of last epoch and tip the proof between them shows nothing";
            tally.unproven(Verdict::Identity, Place::default(), what);
            return Ok(());
        };
        tally.checked(Verdict::Identity, 1);
        if let Err(error) = verify::consistency(last_size, tip_size, &last, &tip, &hashes) {
            identity(
                tally,
                format!("the log of the last epoch is not the beginning of the tip's: {error}"),
            );
        }
        Ok(())
    }

    /// The next manifest.
    pub(crate) fn manifest(&mut self, bytes: &[u8], policy: &TrustPolicy, tally: &mut Tally) {
        if self.anchor.size() > self.range.last_epoch {
            return identity(tally, "there are manifests of epochs after the last one");
        }
        if self.base_manifest.is_none() && self.range.base_epoch.is_some() {
            // When it is none, the anchor refutes it.
            self.base_manifest = Manifest::parse(bytes).ok();
        }
        let before = self.anchor.size();
        self.anchor.manifest(bytes, tally);
        if let Some((manifest, root)) = self.anchor.last().filter(|_| self.anchor.size() > before) {
            self.witnesses.manifest(manifest, &root, tally);
            self.timestamps.manifest(manifest, policy, tally);
        }
    }

    /// After the last manifest.
    pub(crate) fn end_of_manifests(&mut self, policy: &TrustPolicy, tally: &mut Tally) {
        self.anchor.finish(tally);
        let newest = self.anchor.signed();
        self.timestamps.finish(newest, policy, tally);
        if !self.is_tip_witnessed {
            self.witnesses.finish(newest, policy, tally);
        }
        if self.anchor.size() <= self.range.last_epoch {
            let what = format!("manifests end before epoch {}", self.anchor.size());
            identity(tally, what);
        }
    }

    /// The anchor, for heads.
    pub(crate) fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The last epoch's manifest, when a checkpoint vouches for it.
    pub(crate) fn last_manifest(&self) -> Option<&Manifest> {
        self.anchor
            .signed()
            .filter(|manifest| manifest.epoch == self.range.last_epoch)
    }

    /// The note of the tip's checkpoint.
    pub(crate) fn tip_note(&self) -> Option<&[u8]> {
        let group = self.tip.as_ref().or(self.last.as_ref())?;
        Some(&group.note)
    }

    /// Compares a checkpoint that the verifier kept; true when it is larger than the tip.
    pub(crate) fn known_head(&self, known: &Checkpoint, tally: &mut Tally) -> bool {
        let root = match self.tip_root {
            Some((size, root)) if size == known.size => Some(root),
            _ => self.anchor.root_at(known.size),
        };
        tally.checked(Verdict::Identity, 1);
        match root {
            Some(root) if root == known.root => {}
            Some(_) => identity(
                tally,
                format!(
                    "the known head of size {} has another root: the log was forked",
                    known.size
                ),
            ),
            None => {
                let what = format!(
                    "the known head is of size {}, where this bundle has no checkpoint",
                    known.size
                );
                tally.unproven(Verdict::Identity, Place::default(), what);
            }
        }
        known.size > self.range.tip_epoch + 1
    }
}

/// Whether the quorum cosigned the checkpoint.
fn is_witnessed(group: &Group, policy: &TrustPolicy, tally: &mut Tally) -> bool {
    let (Some(witnesses), Some(cosigned)) = (&policy.witness_policy, &group.cosigned) else {
        return false;
    };
    tally.checked(Verdict::Witness, 1);
    match Note::parse(cosigned).and_then(|note| witnesses.evaluate(&note)) {
        Ok(found) => matches!(found.quorum, Quorum::Met { .. }),
        Err(error) => {
            let what = format!("cosigned checkpoint of the tip: {error}");
            tally.refute(Verdict::Witness, Place::default(), what);
            false
        }
    }
}
