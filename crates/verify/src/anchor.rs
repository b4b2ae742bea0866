//! The anchor log: manifests, chained, under checkpoints that a pinned key signed.

use aal_ledger::hash::to_hex;
use aal_ledger::merkle::CompactRange;
use aal_ledger::proof::open_checkpoint;
use aal_ledger::{Checkpoint, Hash, Heads, Manifest, Note, TrustPolicy, leaf_hash};
use uuid::Uuid;

use crate::report::{Place, Tally, Verdict};

/// Sizes that checkpoints vouch for, and the manifests seen so far.
#[derive(Debug, Default)]
pub(crate) struct Anchor {
    /// Verified checkpoints by ascending size; each is compared when the log reaches it.
    checkpoints: Vec<(u64, Hash)>,
    log: CompactRange,
    last: Option<Manifest>,
    /// The manifest under the newest checkpoint.
    signed: Option<Manifest>,
    /// A broken chain of manifests is reported once; what follows cannot be judged.
    is_broken: bool,
    incarnations: Vec<Uuid>,
}

impl Anchor {
    /// A log whose first manifests are known by their compact range only; a checkpoint must vouch for it.
    pub(crate) fn beginning_after(before: CompactRange) -> Anchor {
        Anchor {
            log: before,
            ..Anchor::default()
        }
    }

    pub(crate) fn checkpoint(&mut self, note: &[u8], policy: &TrustPolicy, tally: &mut Tally) {
        tally.checked(Verdict::Identity, 1);
        let checkpoint = match open_checkpoint(note, policy) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                let what = format!("{}: {error}", claimed_name(note));
                return tally.refute(Verdict::Identity, Place::default(), what);
            }
        };
        if checkpoint.size == 0 {
            return tally.refute(
                Verdict::Identity,
                Place::default(),
                "checkpoint is of an empty log",
            );
        }
        if checkpoint.size <= self.log.size() {
            let what = format!(
                "checkpoint of size {} came after the manifests it covers",
                checkpoint.size
            );
            return tally.unproven(Verdict::Identity, Place::default(), what);
        }
        let known = self.checkpoints.iter().find(|(size, _)| *size == checkpoint.size);
        if known.is_some_and(|(_, root)| *root != checkpoint.root) {
            let what = format!(
                "two checkpoints of size {} have different roots: the log was forked",
                checkpoint.size
            );
            tally.refute(Verdict::Identity, Place::default(), what);
        }
        self.checkpoints.push((checkpoint.size, checkpoint.root));
        self.checkpoints.sort_unstable();
    }

    pub(crate) fn manifest(&mut self, bytes: &[u8], tally: &mut Tally) {
        if self.is_broken {
            return;
        }
        let position = self.log.size();
        tally.checked(Verdict::Identity, 1);
        let manifest = match Manifest::parse(bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                self.is_broken = true;
                let what = format!("manifest of epoch {position}: {error}");
                return tally.refute(Verdict::Identity, Place::default(), what);
            }
        };
        let follows = match &self.last {
            // What it names as the one before is not at hand; the checkpoint's root vouches for it.
            None if position > 0 && manifest.epoch == position => Ok(()),
            last => manifest.check_follows(last.as_ref()),
        };
        if let Err(error) = follows {
            self.is_broken = true;
            return tally.refute(
                Verdict::Identity,
                Place::default(),
                format!("manifest of epoch {position}: {error}"),
            );
        }
        tally.checked(Verdict::Time, 1);
        self.log.append(leaf_hash(bytes));
        let size = self.log.size();
        for (_, signed_root) in self
            .checkpoints
            .iter()
            .filter(|(signed_size, _)| *signed_size == size)
        {
            let root = self.log.root();
            if root != *signed_root {
                let (found, signed) = (to_hex(&root), to_hex(signed_root));
                let what = format!(
                    "manifests of epochs 0 to {position} have root {found}, the checkpoint says {signed}"
                );
                tally.refute(Verdict::Identity, Place::default(), what);
            }
        }
        if self.newest_size().is_some_and(|newest| size <= newest) {
            if self.incarnations.last() != Some(&manifest.incarnation) {
                self.incarnations.push(manifest.incarnation);
            }
            self.signed = Some(manifest.clone());
        }
        self.last = Some(manifest);
    }

    /// The heads of the newest signed epoch, when these bytes are they.
    pub(crate) fn heads(&self, bytes: &[u8], tally: &mut Tally) -> Option<Heads> {
        tally.checked(Verdict::Identity, 1);
        let Some(manifest) = &self.signed else {
            tally.unproven(
                Verdict::Identity,
                Place::default(),
                "no signed manifest vouches for the heads",
            );
            return None;
        };
        let refuse =
            |tally: &mut Tally, what: String| tally.refute(Verdict::Identity, Place::default(), what);
        let heads = match Heads::parse(bytes) {
            Ok(heads) => heads,
            Err(error) => {
                refuse(tally, format!("heads of epoch {}: {error}", manifest.epoch));
                return None;
            }
        };
        let is_of_a_later_epoch = self
            .last
            .as_ref()
            .is_some_and(|last| last.epoch > manifest.epoch && last.check_heads(&heads).is_ok());
        if is_of_a_later_epoch && manifest.check_heads(&heads).is_err() {
            let what = format!(
                "heads are of an epoch after {}, the newest with a checkpoint",
                manifest.epoch
            );
            tally.unproven(Verdict::Identity, Place::default(), what);
            return None;
        }
        if let Err(error) = manifest.check_heads(&heads) {
            refuse(tally, error.to_string());
            return None;
        }
        Some(heads)
    }

    /// Reports checkpoints that no manifests were shown for.
    pub(crate) fn finish(&self, tally: &mut Tally) {
        let Some(newest) = self.newest_size() else {
            let what = "no valid checkpoint, so nothing says whose log this is";
            return tally.unproven(Verdict::Identity, Place::default(), what);
        };
        let size = self.log.size();
        if size < newest && !self.is_broken {
            let what = format!(
                "manifests of epochs {size} to {} are missing: a signed checkpoint covers them",
                newest - 1
            );
            tally.refute(Verdict::Identity, Place::default(), what);
        }
    }

    /// The manifest of the newest signed epoch seen.
    pub(crate) fn signed(&self) -> Option<&Manifest> {
        self.signed.as_ref()
    }

    /// Number of manifests, those before the first one included.
    pub(crate) fn size(&self) -> u64 {
        self.log.size()
    }

    /// Whether a verified checkpoint of that size was given, and its root.
    pub(crate) fn root_at(&self, size: u64) -> Option<Hash> {
        let known = self.checkpoints.iter().find(|(known, _)| *known == size);
        known.map(|(_, root)| *root)
    }

    /// The manifest fed last and the log's root with it; `None` before the first, and once one did not follow.
    pub(crate) fn last(&self) -> Option<(&Manifest, Hash)> {
        let last = self.last.as_ref().filter(|_| !self.is_broken)?;
        Some((last, self.log.root()))
    }

    pub(crate) fn incarnations(&self) -> &[Uuid] {
        &self.incarnations
    }

    fn newest_size(&self) -> Option<u64> {
        self.checkpoints.last().map(|(size, _)| *size)
    }
}

/// How a refused checkpoint calls itself, for the finding.
fn claimed_name(note: &[u8]) -> String {
    let claimed = Note::parse(note)
        .ok()
        .and_then(|note| Checkpoint::parse_text(&note.text).ok());
    claimed.map_or_else(
        || "checkpoint".to_owned(),
        |claimed| format!("checkpoint of size {}", claimed.size),
    )
}
