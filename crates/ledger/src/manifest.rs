//! The manifest of one epoch, leaf of the anchor log (ledger-format.md section 6).

use uuid::Uuid;

use crate::codec::{parse_i64, parse_u64, parse_uuid};
use crate::hash::{Hash, ZERO_HASH, parse_hex, sha256, to_hex};
use crate::heads::Heads;
use crate::leaf::leaf_hash;

const FIRST_LINE: &str = "aal/epoch/v1";

/// A manifest. Names of fields and their zeros: section 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// From 0, dense; also the manifest's index in the anchor log.
    pub epoch: u64,
    /// [`Manifest::hash`] of the epoch before; zeros for epoch 0.
    pub previous: Hash,
    /// µs; equals `closed_us` of the epoch before.
    pub opened_us: i64,
    /// µs, not before `opened_us`.
    pub closed_us: i64,
    /// Names the store whose rows were read.
    pub incarnation: Uuid,
    /// SHA-256 of the trust policy in force; zeros: none.
    pub policy_hash: Hash,
    /// SHA-256 of the latest RFC 3161 token; zeros: none.
    pub timestamp_hash: Hash,
    /// SHA-256 of the latest cosigned checkpoint; zeros: none.
    pub witness_hash: Hash,
    /// Number of lines of the heads.
    pub head_count: u64,
    /// [`Heads::root`].
    pub heads_root: Hash,
    /// Sum of all chain sizes.
    pub leaf_count: u64,
}

/// Why a manifest is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("line {0} of the manifest is malformed")]
    Line(usize),
    #[error("manifest is not UTF-8, does not end in a newline, or has too many lines")]
    Text,
    #[error("epoch is {found}, expected {expected}")]
    Epoch { expected: u64, found: u64 },
    #[error(
        "epoch {epoch} names {} as the manifest before it, that is {}",
        to_hex(found),
        to_hex(expected)
    )]
    Previous { epoch: u64, expected: Hash, found: Hash },
    #[error("times of epoch {0} are not in order")]
    Times(u64),
    #[error("epoch {epoch} counts {found} leaves, the epoch before {before}")]
    LeavesShrank { epoch: u64, before: u64, found: u64 },
    #[error(
        "heads of epoch {epoch} are {found} lines of root {}, the manifest says {expected} of {}",
        to_hex(found_root),
        to_hex(expected_root)
    )]
    Heads {
        epoch: u64,
        expected: u64,
        found: u64,
        expected_root: Hash,
        found_root: Hash,
    },
    #[error("chains of epoch {epoch} have {found} leaves, the manifest says {expected}")]
    LeafCount { epoch: u64, expected: u64, found: u64 },
}

impl Manifest {
    /// The manifest's bytes.
    pub fn to_text(&self) -> String {
        format!(
            "{FIRST_LINE}\nepoch {}\nprevious {}\nopened {}\nclosed {}\nincarnation {}\npolicy {}\n\
             timestamp {}\nwitness {}\nheads {} {}\nleaves {}\n",
            self.epoch,
            to_hex(&self.previous),
            self.opened_us,
            self.closed_us,
            self.incarnation.hyphenated(),
            to_hex(&self.policy_hash),
            to_hex(&self.timestamp_hash),
            to_hex(&self.witness_hash),
            self.head_count,
            to_hex(&self.heads_root),
            self.leaf_count,
        )
    }

    /// The manifest of these bytes.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly what [`Manifest::to_text`] would give.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ManifestError::Text)?;
        let body = text.strip_suffix('\n').ok_or(ManifestError::Text)?;
        let mut lines = Lines {
            lines: body.split('\n'),
            number: 0,
        };
        lines
            .value("")
            .filter(|line| *line == FIRST_LINE)
            .ok_or(ManifestError::Line(1))?;
        let manifest = Manifest {
            epoch: lines.field("epoch ", parse_u64)?,
            previous: lines.field("previous ", parse_hex)?,
            opened_us: lines.field("opened ", parse_i64)?,
            closed_us: lines.field("closed ", parse_i64)?,
            incarnation: lines.field("incarnation ", parse_uuid)?,
            policy_hash: lines.field("policy ", parse_hex)?,
            timestamp_hash: lines.field("timestamp ", parse_hex)?,
            witness_hash: lines.field("witness ", parse_hex)?,
            head_count: 0,
            heads_root: ZERO_HASH,
            leaf_count: 0,
        };
        let (head_count, heads_root) = lines.field("heads ", |value| {
            let (count, root) = value.split_once(' ')?;
            Some((parse_u64(count)?, parse_hex(root)?))
        })?;
        let leaf_count = lines.field("leaves ", parse_u64)?;
        if lines.lines.next().is_some() {
            return Err(ManifestError::Text);
        }
        let manifest = Manifest {
            head_count,
            heads_root,
            leaf_count,
            ..manifest
        };
        if manifest.opened_us > manifest.closed_us {
            return Err(ManifestError::Times(manifest.epoch));
        }
        Ok(manifest)
    }

    /// What the next manifest names as `previous`.
    pub fn hash(&self) -> Hash {
        sha256(self.to_text().as_bytes())
    }

    /// The manifest's leaf hash in the anchor log.
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(self.to_text().as_bytes())
    }

    /// Checks that this is the epoch after `before`, or epoch 0 when there is none.
    ///
    /// # Errors
    /// Says what does not follow.
    pub fn check_follows(&self, before: Option<&Manifest>) -> Result<(), ManifestError> {
        let epoch = self.epoch;
        let expected = before.map_or(0, |before| before.epoch.saturating_add(1));
        if epoch != expected {
            return Err(ManifestError::Epoch {
                expected,
                found: epoch,
            });
        }
        let previous = before.map_or(ZERO_HASH, Manifest::hash);
        if self.previous != previous {
            return Err(ManifestError::Previous {
                epoch,
                expected: previous,
                found: self.previous,
            });
        }
        let Some(before) = before else {
            return Ok(());
        };
        if self.opened_us != before.closed_us || self.closed_us < self.opened_us {
            return Err(ManifestError::Times(epoch));
        }
        if self.leaf_count < before.leaf_count {
            return Err(ManifestError::LeavesShrank {
                epoch,
                before: before.leaf_count,
                found: self.leaf_count,
            });
        }
        Ok(())
    }

    /// Checks that these are the heads the manifest commits to.
    ///
    /// # Errors
    /// Says which number or root differs.
    pub fn check_heads(&self, heads: &Heads) -> Result<(), ManifestError> {
        let (found, found_root) = (heads.line_count(), heads.root());
        if (found, found_root) != (self.head_count, self.heads_root) {
            return Err(ManifestError::Heads {
                epoch: self.epoch,
                expected: self.head_count,
                found,
                expected_root: self.heads_root,
                found_root,
            });
        }
        // A sum beyond 64 bits equals no stated count.
        let leaf_count = heads.leaf_count();
        if leaf_count != Some(self.leaf_count) {
            return Err(ManifestError::LeafCount {
                epoch: self.epoch,
                expected: self.leaf_count,
                found: leaf_count.unwrap_or(u64::MAX),
            });
        }
        Ok(())
    }
}

struct Lines<'a> {
    lines: std::str::Split<'a, char>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn value(&mut self, name: &str) -> Option<&'a str> {
        self.number += 1;
        self.lines.next()?.strip_prefix(name)
    }

    fn field<T>(&mut self, name: &str, parse: impl Fn(&'a str) -> Option<T>) -> Result<T, ManifestError> {
        let value = self.value(name);
        value.and_then(parse).ok_or(ManifestError::Line(self.number))
    }
}
