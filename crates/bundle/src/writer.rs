//! Writing a bundle forward, once (docs/evidence-bundle.md). The same facts give the same bytes.

use std::io::Write;

use aal_ledger::Hash;
use aal_ledger::merkle::CompactRange;
use sha2::{Digest as _, Sha256};

use crate::entry::Entry;
use crate::error::{FormError, WriteError};
use crate::limits::MAX_PACKED;
use crate::manifest::{BundleManifest, Counts, FORMAT, MemberDigest};
use crate::member::{CheckpointPart, MemberKind};
use crate::parts::tip_proof_text;
use crate::scope::Scope;
use crate::tar;

/// Where writing stops with an error instead of going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteLimits {
    pub max_records: u64,
    /// Of the finished file.
    pub max_bytes: u64,
}

impl Default for WriteLimits {
    fn default() -> WriteLimits {
        WriteLimits {
            max_records: 20_000_000,
            max_bytes: 64 << 30,
        }
    }
}

/// The files of one checkpoint.
#[derive(Clone, Debug, Default)]
pub struct CheckpointFiles {
    pub note: Vec<u8>,
    pub cosigned: Option<Vec<u8>>,
    /// Position of the authority and its token, ascending.
    pub tokens: Vec<(u8, Vec<u8>)>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub counts: Counts,
    /// Of the finished file.
    pub bytes: u64,
    /// Of the finished file, lower-case hexadecimal.
    pub sha256: String,
}

/// A bundle that is being written: call the methods in the order of the format. Memory is that of one member.
#[derive(Debug)]
pub struct BundleWriter<W> {
    output: W,
    limits: WriteLimits,
    digest: Sha256,
    bytes: u64,
    previous: Option<MemberKind>,
    members: Vec<MemberDigest>,
    counts: Counts,
    checkpoints: u32,
    /// Items of the packed member that is not full yet.
    packed: Vec<u8>,
    packed_members: u32,
    entry: Vec<u8>,
    erasures: Vec<u8>,
}

impl<W: Write> BundleWriter<W> {
    /// Begins with the scope.
    ///
    /// # Errors
    /// On a scope beyond its limits, and when the output fails.
    pub fn new(output: W, scope: &Scope, limits: WriteLimits) -> Result<BundleWriter<W>, WriteError> {
        let mut writer = BundleWriter {
            output,
            limits,
            digest: Sha256::new(),
            bytes: 0,
            previous: None,
            members: Vec::new(),
            counts: Counts::default(),
            checkpoints: 0,
            packed: Vec::new(),
            packed_members: 0,
            entry: Vec::new(),
            erasures: Vec::new(),
        };
        writer.member(MemberKind::Scope, &scope.to_bytes()?)?;
        Ok(writer)
    }

    /// A file of the report: `ReportJson`, `ReportPdf` or `ReportCsv`.
    ///
    /// # Errors
    /// Out of order or too long; or the output fails. So it is for all that follow.
    pub fn report(&mut self, kind: MemberKind, bytes: &[u8]) -> Result<(), WriteError> {
        self.member(kind, bytes)
    }

    /// All manifests before the first one in the bundle.
    ///
    /// # Errors
    /// As [`BundleWriter::report`].
    pub fn before_range(&mut self, range: &CompactRange) -> Result<(), WriteError> {
        self.member(MemberKind::BeforeRange, &range.to_bytes())
    }

    /// The next checkpoint by size.
    ///
    /// # Errors
    /// As [`BundleWriter::report`].
    pub fn checkpoint(&mut self, files: &CheckpointFiles) -> Result<(), WriteError> {
        let n = self.checkpoints;
        self.checkpoints += 1;
        self.member(MemberKind::Checkpoint(n, CheckpointPart::Note), &files.note)?;
        if let Some(cosigned) = &files.cosigned {
            self.member(MemberKind::Checkpoint(n, CheckpointPart::Cosigned), cosigned)?;
        }
        for (position, token) in &files.tokens {
            self.member(MemberKind::Checkpoint(n, CheckpointPart::Token(*position)), token)?;
        }
        Ok(())
    }

    /// From the last epoch of the range to the tip, when that is another.
    ///
    /// # Errors
    /// As [`BundleWriter::report`].
    pub fn tip_proof(&mut self, hashes: &[Hash]) -> Result<(), WriteError> {
        self.member(MemberKind::TipProof, tip_proof_text(hashes).as_bytes())
    }

    /// The next manifest.
    ///
    /// # Errors
    /// As [`BundleWriter::report`].
    pub fn manifest(&mut self, manifest: &[u8]) -> Result<(), WriteError> {
        let len = u16::try_from(manifest.len());
        let len = len.map_err(|_| FormError::content("manifests", "a manifest is too long"))?;
        self.counts.manifests += 1;
        let mut item = std::mem::take(&mut self.entry);
        item.clear();
        item.extend_from_slice(&len.to_be_bytes());
        item.extend_from_slice(manifest);
        let done = self.pack(MemberKind::Manifests, &item);
        self.entry = item;
        done
    }

    /// After the last manifest: the heads and frontiers, as their members' bytes. `chains` is the number of chain lines
    /// in `last`.
    ///
    /// # Errors
    /// As [`BundleWriter::report`].
    pub fn heads(
        &mut self,
        base: Option<&[u8]>,
        last: &[u8],
        chains: u64,
        frontiers: &[u8],
    ) -> Result<(), WriteError> {
        self.flush(MemberKind::Manifests)?;
        self.packed_members = 0;
        if let Some(base) = base {
            self.member(MemberKind::HeadsBase, base)?;
        }
        self.member(MemberKind::HeadsLast, last)?;
        self.counts.chains = chains;
        self.member(MemberKind::Frontiers, frontiers)
    }

    /// The next record.
    ///
    /// # Errors
    /// As [`BundleWriter::report`]; and beyond the limit of records.
    pub fn record(&mut self, record: &Entry<'_>) -> Result<(), WriteError> {
        if self.counts.leaves >= self.limits.max_records {
            let limit = self.limits.max_records;
            return Err(WriteError::TooManyRecords { limit });
        }
        let mut item = std::mem::take(&mut self.entry);
        item.clear();
        let encoded = record.encode_into(&mut item);
        encoded.map_err(|problem| FormError::content(format!("record {}", self.counts.leaves), problem))?;
        self.counts.leaves += 1;
        self.counts.matched += u64::from(record.is_match);
        self.counts.openings += record.openings.len() as u64;
        self.counts.ciphertexts += record.ciphertexts.len() as u64;
        let done = self.pack(MemberKind::Records, &item);
        self.entry = item;
        done
    }

    /// Evidence of an erasure outside of the range.
    ///
    /// # Errors
    /// When all of it is too long.
    pub fn erasure(&mut self, header: &[u8], proof: &[u8]) -> Result<(), WriteError> {
        for part in [header, proof] {
            let len = u32::try_from(part.len());
            let len = len.map_err(|_| FormError::content("erasures", "a part is too long"))?;
            self.erasures.extend_from_slice(&len.to_be_bytes());
            self.erasures.extend_from_slice(part);
        }
        let (size, max) = (self.erasures.len() as u64, MemberKind::Erasures.max_size());
        if size > max {
            let name = MemberKind::Erasures.name();
            return Err(FormError::TooLong { name, size, max }.into());
        }
        Ok(())
    }

    /// Writes what is left, the manifest and the end.
    ///
    /// # Errors
    /// As [`BundleWriter::report`].
    pub fn finish(mut self) -> Result<(W, Summary), WriteError> {
        self.flush(MemberKind::Records)?;
        if !self.erasures.is_empty() {
            let erasures = std::mem::take(&mut self.erasures);
            self.member(MemberKind::Erasures, &erasures)?;
        }
        let manifest = BundleManifest {
            counts: self.counts,
            format: FORMAT.to_owned(),
            members: std::mem::take(&mut self.members),
        };
        self.member(MemberKind::Manifest, &manifest.to_bytes()?)?;
        self.put(&[0; tar::END])?;
        self.output.flush()?;
        let summary = Summary {
            counts: self.counts,
            bytes: self.bytes,
            sha256: hex::encode(self.digest.finalize()),
        };
        Ok((self.output, summary))
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn pack(&mut self, kind: fn(u32) -> MemberKind, item: &[u8]) -> Result<(), WriteError> {
        if !self.packed.is_empty() && (self.packed.len() + item.len()) as u64 > MAX_PACKED {
            self.flush(kind)?;
        }
        self.packed.extend_from_slice(item);
        Ok(())
    }

    fn flush(&mut self, kind: fn(u32) -> MemberKind) -> Result<(), WriteError> {
        if self.packed.is_empty() {
            return Ok(());
        }
        let packed = std::mem::take(&mut self.packed);
        self.member(kind(self.packed_members), &packed)?;
        self.packed_members += 1;
        self.packed = packed;
        self.packed.clear();
        Ok(())
    }

    fn member(&mut self, kind: MemberKind, data: &[u8]) -> Result<(), WriteError> {
        let (name, size, max) = (kind.name(), data.len() as u64, kind.max_size());
        if !kind.may_follow(self.previous) {
            let after = self
                .previous
                .map_or_else(|| "the beginning".to_owned(), MemberKind::name);
            return Err(FormError::Order { after, found: name }.into());
        }
        // Numbers beyond the limits have no member.
        if size > max || MemberKind::parse(&name) != Some(kind) {
            return Err(FormError::TooLong { name, size, max }.into());
        }
        let header = tar::header(&name, size).ok_or_else(|| FormError::Name(name.clone()))?;
        self.previous = Some(kind);
        self.put(&header)?;
        self.put(data)?;
        self.put(&[0; tar::BLOCK][..tar::padding(size)])?;
        let sha256 = hex::encode(Sha256::digest(data));
        self.members.push(MemberDigest { name, sha256, size });
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limits.max_bytes {
            let limit = self.limits.max_bytes;
            return Err(WriteError::TooManyBytes { limit });
        }
        self.digest.update(bytes);
        self.output.write_all(bytes)?;
        Ok(())
    }
}
