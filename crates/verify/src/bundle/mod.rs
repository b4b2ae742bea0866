//! Verifies an evidence bundle in one forward pass (docs/evidence-bundle.md section 7).
//!
//! Memory is that of a few members and of one entry for each chain, whatever the number of records. Records are
//! checked on several threads and joined in order, so the report does not depend on their number.

mod chains;
mod chunk;
mod erasures;
mod figures;
mod finish;
mod header;
mod heads;
mod leaf_run;
mod log;
mod money;
mod parallel;
mod report_file;
mod slots;

pub use finish::BundleFacts;
pub(crate) use leaf_run::{Fit, LeafRun};

use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use aal_bundle::member::CheckpointPart;
use aal_bundle::{
    Archive, BundleManifest, Counts, FormError, Member, MemberDigest, MemberKind, ReadError, Scope,
};
use aal_bundle::{parts, split_packed};
use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::{Checkpoint, PrunedRecords, Prunes, TrustPolicy};
use uuid::Uuid;

use crate::bundle::chains::Chains;
use crate::bundle::chunk::{Absent, ChunkChecked, Context};
use crate::bundle::figures::Figures;
use crate::bundle::heads::EpochHeads;
use crate::bundle::log::{Group, LogCheck};
use crate::bundle::report_file::ReportFile;
use crate::offsets::OffsetSums;
use crate::receipts::{Receipts, Seen};
use crate::report::{Place, Report, Tally, Verdict};

/// What is given beside bundle and policy.
#[derive(Debug, Default)]
pub struct BundleOptions {
    /// Threads that check records; 0 and 1 mean the caller's own.
    pub threads: usize,
    /// A checkpoint kept from before, which the bundle must agree with.
    pub known_head: Option<Checkpoint>,
    /// Receipts kept by clients.
    pub receipts: Option<Receipts>,
}

/// Verifies the bundle that `input` gives.
///
/// # Errors
/// Only when nothing can be judged: the input fails, is empty, or does not begin as a bundle. Everything else is in the
/// report.
pub fn verify_bundle(
    input: impl Read,
    policy: &TrustPolicy,
    options: BundleOptions,
) -> Result<Report, ReadError> {
    let mut pass = Pass {
        archive: Archive::new(input),
        next: None,
        digests: Vec::new(),
        policy,
        options,
        found: Found::default(),
    };
    pass.next = pass.archive.next_member()?;
    match pass.run() {
        Ok(()) => {}
        Err(ReadError::Io(error)) => return Err(error.into()),
        Err(ReadError::Form(error)) => pass.found.refuse(&error),
    }
    Ok(pass.found.finish(&pass.options, pass.policy))
}

/// The pass through the archive.
struct Pass<'p, R> {
    archive: Archive<R>,
    /// The member whose data comes next.
    next: Option<Member>,
    digests: Vec<MemberDigest>,
    policy: &'p TrustPolicy,
    options: BundleOptions,
    found: Found,
}

/// Everything found so far.
#[derive(Debug, Default)]
struct Found {
    tally: Tally,
    scope: Option<Scope>,
    log: Option<LogCheck>,
    report: Option<ReportFile>,
    has_report: bool,
    counts: Counts,
    base_heads: EpochHeads,
    last_heads: Option<EpochHeads>,
    chains: Option<Chains>,
    offsets: BTreeMap<u32, OffsetSums>,
    absent: Absent,
    erased: HashSet<(Uuid, Uuid)>,
    pruned: PrunedRecords,
    prunes: Prunes,
    figures: Option<Figures>,
    receipts: Vec<Seen>,
    /// The archive was read to its end.
    is_whole: bool,
}

impl Found {
    /// What is not of the form.
    fn refuse(&mut self, error: &FormError) {
        self.tally.checked(Verdict::Content, 1);
        self.tally
            .refute(Verdict::Content, Place::default(), error.to_string());
    }
}

impl<R: Read> Pass<'_, R> {
    fn run(&mut self) -> Result<(), ReadError> {
        let scope = self.scope()?;
        self.report_files(&scope)?;
        self.log(&scope)?;
        self.heads(&scope)?;
        self.records(&scope)?;
        if self.is_next(|kind| kind == MemberKind::Erasures) {
            let erasures = self.take()?;
            self.found.erasures(&erasures, self.policy)?;
        }
        self.manifest()?;
        self.found.is_whole = true;
        Ok(())
    }

    fn is_next(&self, is_it: impl Fn(MemberKind) -> bool) -> bool {
        self.next.is_some_and(|member| is_it(member.kind))
    }

    /// Data of the next member. The archive has checked that it is one that may come here.
    fn take(&mut self) -> Result<Vec<u8>, ReadError> {
        let Some(member) = self.next else {
            // Not reached: the archive ends with the manifest, which is taken last.
            return Err(FormError::Unfinished("the archive".to_owned()).into());
        };
        let data = self.archive.data(member)?;
        self.note_digest(member, to_hex(&sha256(&data)));
        self.next = self.archive.next_member()?;
        Ok(data)
    }

    fn note_digest(&mut self, member: Member, sha256: String) {
        self.digests.push(MemberDigest {
            name: member.kind.name(),
            sha256,
            size: member.size,
        });
    }

    fn scope(&mut self) -> Result<Scope, ReadError> {
        let bytes = self.take()?;
        let scope = Scope::parse(&bytes)?;
        let tally = &mut self.found.tally;
        tally.checked(Verdict::Content, 1);
        tally.checked(Verdict::Identity, 1);
        if scope.origin != self.policy.origin {
            let what = format!(
                "the bundle is of log {:?}, the policy pins {:?}",
                scope.origin, self.policy.origin
            );
            tally.refute(Verdict::Identity, Place::default(), what);
        }
        self.found.scope = Some(scope.clone());
        Ok(scope)
    }

    fn report_files(&mut self, scope: &Scope) -> Result<(), ReadError> {
        if self.is_next(|kind| kind == MemberKind::ReportJson) {
            let bytes = self.take()?;
            self.found.has_report = true;
            self.found.report = ReportFile::read(&bytes, scope, &mut self.found.tally);
        }
        while self.is_next(|kind| matches!(kind, MemberKind::ReportPdf | MemberKind::ReportCsv)) {
            self.take()?;
        }
        Ok(())
    }

    fn log(&mut self, scope: &Scope) -> Result<(), ReadError> {
        let before = self.take()?;
        let mut log = LogCheck::new(scope.range, &before)?;
        let outcome = self.log_members(&mut log);
        self.found.log = Some(log);
        outcome
    }

    fn log_members(&mut self, log: &mut LogCheck) -> Result<(), ReadError> {
        while let Some(MemberKind::Checkpoint(..)) = self.next.map(|member| member.kind) {
            let group = self.checkpoint_group()?;
            log.group(group, self.policy, &mut self.found.tally)?;
        }
        log.end_of_checkpoints(&mut self.found.tally);
        let has_proof = self.is_next(|kind| kind == MemberKind::TipProof);
        let proof = if has_proof { Some(self.take()?) } else { None };
        log.tip_proof(proof.as_deref(), &mut self.found.tally)?;
        while let Some(kind @ MemberKind::Manifests(_)) = self.next.map(|member| member.kind) {
            let bytes = self.take()?;
            for manifest in split_packed(&kind.name(), &bytes)? {
                self.found.counts.manifests += 1;
                log.manifest(manifest, self.policy, &mut self.found.tally);
            }
        }
        log.end_of_manifests(self.policy, &mut self.found.tally);
        Ok(())
    }

    fn checkpoint_group(&mut self) -> Result<Group, ReadError> {
        let mut group = Group {
            note: self.take()?,
            ..Group::default()
        };
        while let Some(MemberKind::Checkpoint(_, part)) = self.next.map(|member| member.kind) {
            match part {
                CheckpointPart::Note => break,
                CheckpointPart::Cosigned => group.cosigned = Some(self.take()?),
                CheckpointPart::Token(position) => group.tokens.push((position, self.take()?)),
            }
        }
        Ok(group)
    }

    fn heads(&mut self, scope: &Scope) -> Result<(), ReadError> {
        let base_bytes = if self.is_next(|kind| kind == MemberKind::HeadsBase) {
            Some(self.take()?)
        } else {
            None
        };
        if base_bytes.is_some() != scope.range.base_epoch.is_some() {
            let problem = "it is there exactly when the range has a base";
            return Err(FormError::content("heads/base", problem).into());
        }
        let last_bytes = self.take()?;
        let frontiers = parts::parse_frontiers(&self.take()?)?;
        let found = &mut self.found;
        let (tally, Some(log)) = (&mut found.tally, &found.log) else {
            return Ok(()); // Not reached: the log comes first.
        };
        let tenant = scope.tenant;
        if let Some(bytes) = &base_bytes {
            let manifest = log.base_manifest.as_ref();
            found.base_heads = EpochHeads::read("heads/base", bytes, tenant, manifest, tally)?;
        }
        let last = EpochHeads::read("heads/last", &last_bytes, tenant, log.last_manifest(), tally)?;
        found.counts.chains = last.chains.len() as u64;
        let ranges = last.grown_since(&found.base_heads, frontiers, tally)?;
        found.chains = Some(Chains::new(ranges));
        found.last_heads = Some(last);
        Ok(())
    }

    fn records(&mut self, scope: &Scope) -> Result<(), ReadError> {
        let found = &mut self.found;
        let report_scope = found.report.as_ref().map(ReportFile::scope);
        found.figures = report_scope.as_ref().map(|_| Figures::default());
        let last_closed_us = found.log.as_ref().and_then(LogCheck::last_manifest);
        let last_closed_us = last_closed_us.map(|manifest| manifest.closed_us);
        let base_closed_us = found.base_closed_us();
        let tolerance_us = i64::from(self.policy.clock_tolerance_s) * 1_000_000;
        let delay_us = self
            .policy
            .max_seal_delay_s
            .map(|seconds| i64::from(seconds) * 1_000_000);
        let context = Context {
            scope,
            latest_edge_us: last_closed_us.map(|closed_us| closed_us.saturating_add(tolerance_us)),
            earliest_edge_us: base_closed_us
                .zip(delay_us)
                .map(|(closed_us, delay_us)| closed_us.saturating_sub(delay_us)),
            report: report_scope.as_ref(),
            receipts: self.options.receipts.as_ref(),
        };
        let (archive, next, digests) = (&mut self.archive, &mut self.next, &mut self.digests);
        let mut stopped = None;
        let produce = || {
            let member = next.filter(|member| matches!(member.kind, MemberKind::Records(_)))?;
            let read = archive
                .data(member)
                .and_then(|data| Ok((data, archive.next_member()?)));
            match read {
                Ok((data, following)) => {
                    *next = following;
                    Some((member.kind.name(), data))
                }
                Err(error) => {
                    stopped = Some(error);
                    None
                }
            }
        };
        let mut form = None;
        parallel::in_order(
            self.options.threads,
            produce,
            |(name, data): (String, Vec<u8>)| {
                let chunk = chunk::check(&context, &name, &data);
                (name, chunk)
            },
            |(name, chunk): (String, ChunkChecked)| {
                digests.push(MemberDigest {
                    name,
                    sha256: to_hex(&chunk.digest),
                    size: chunk.size,
                });
                if form.is_none() {
                    form = found.merge(chunk).err();
                }
            },
        );
        // What was found in an earlier member comes before what stopped the reading of a later one.
        if let Some(error) = form {
            return Err(error.into());
        }
        stopped.map_or(Ok(()), Err)
    }

    fn manifest(&mut self) -> Result<(), ReadError> {
        let bytes = self.take()?;
        self.digests.pop();
        let manifest = BundleManifest::parse(&bytes)?;
        let tally = &mut self.found.tally;
        tally.checked(Verdict::Content, self.digests.len() as u64 + 1);
        let mut refute = |what: String| tally.refute(Verdict::Content, Place::default(), what);
        if manifest.counts != self.found.counts {
            refute(format!(
                "manifest.json counts {:?}, the bundle holds {:?}",
                manifest.counts, self.found.counts
            ));
        }
        if manifest.members.len() != self.digests.len() {
            let (stated, read) = (manifest.members.len(), self.digests.len());
            refute(format!("manifest.json names {stated} members, {read} are here"));
        }
        for (stated, read) in manifest.members.iter().zip(&self.digests) {
            if stated != read {
                refute(format!(
                    "manifest.json says {} of {} bytes with SHA-256 {}, read was {} of {} bytes with {}",
                    stated.name, stated.size, stated.sha256, read.name, read.size, read.sha256
                ));
            }
        }
        Ok(())
    }
}
