//! Verdicts with counts and first findings.

use std::fmt;

use aal_ledger::{ChainId, PrunedRecords, Prunes};
use serde::Serialize;
use uuid::Uuid;

use crate::bundle::BundleFacts;
use crate::receipts::ReceiptReport;

/// Findings kept in full per verdict; more are only counted.
pub const MAX_FINDINGS: usize = 20;

/// What is judged separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Stored bytes are those that the leaves commit to.
    Content,
    /// The log is the pinned one, signed by its key.
    Identity,
    /// Times are in order.
    Time,
    /// Others saw the same log.
    Witness,
    /// Nothing is missing, moved or added.
    Scope,
    /// What is absent was erased or pruned, and the ledger says so.
    Erasure,
    /// Figures of a report follow from the records.
    Report,
}

impl Verdict {
    /// All verdicts in the order they are shown.
    pub const ALL: [Verdict; 7] = [
        Verdict::Content,
        Verdict::Identity,
        Verdict::Time,
        Verdict::Witness,
        Verdict::Scope,
        Verdict::Erasure,
        Verdict::Report,
    ];

    /// Whether exit status 0 always needs a pass. The others may be unproven: nothing was erased, no witness is configured,
    /// no report was given.
    pub fn is_required(self) -> bool {
        matches!(
            self,
            Verdict::Content | Verdict::Identity | Verdict::Time | Verdict::Scope
        )
    }

    /// The name in capitals.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Content => "CONTENT",
            Verdict::Identity => "IDENTITY",
            Verdict::Time => "TIME",
            Verdict::Witness => "WITNESS",
            Verdict::Scope => "SCOPE",
            Verdict::Erasure => "ERASURE",
            Verdict::Report => "REPORT",
        }
    }
}

/// Outcome of one verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pass,
    Fail,
    Unproven,
}

/// What a finding means for its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Contradicts what was sealed.
    Refuted,
    /// Could not be checked.
    Unproven,
}

/// One thing that is wrong, or could not be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub verdict: Verdict,
    pub severity: Severity,
    /// Chain id in text; absent when it concerns the log as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Index in the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Event the record says it is about; never nil.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<Uuid>,
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(chain) = &self.chain {
            write!(f, "chain {chain}")?;
            if let Some(index) = self.index {
                write!(f, " index {index}")?;
            }
            if let Some(event_id) = self.event_id {
                write!(f, " event {event_id}")?;
            }
            write!(f, ": ")?;
        }
        f.write_str(&self.what)
    }
}

/// One verdict with its counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerdictReport {
    pub verdict: Verdict,
    pub status: Status,
    /// Whether exit status 0 needs a pass.
    pub is_required: bool,
    /// Checks made, failed ones included.
    pub checked: u64,
    pub refuted: u64,
    pub unproven: u64,
    /// The first findings, [`MAX_FINDINGS`] at most.
    pub findings: Vec<Finding>,
}

/// The outcome of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One for each of [`Verdict::ALL`], in that order.
    pub verdicts: Vec<VerdictReport>,
    /// Records read.
    pub records: u64,
    /// Of them, those below a sealed head.
    pub sealed: u64,
    /// Of them, those of which only the leaf is left, for their retention was over.
    pub pruned: u64,
    /// Of them, those after it: hashed and chain-checked, sealed by a later epoch.
    pub not_yet_sealed: u64,
    /// Chains that records came from.
    pub chains: u64,
    /// Manifests under the newest checkpoint.
    pub epochs: u64,
    /// When the newest signed epoch closed, µs; absent without one.
    pub newest_closed_us: Option<i64>,
    /// Names of stores that the signed epochs were read from; more than one: the store was replaced.
    pub incarnations: Vec<Uuid>,
    /// Input that could not be read at all.
    pub unreadable: Vec<String>,
    /// What an evidence bundle is about; absent for a running service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<BundleFacts>,
    /// Outcome for receipts, where some were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipts: Option<ReceiptReport>,
}

impl Report {
    /// One verdict of the report.
    pub fn verdict(&self, verdict: Verdict) -> &VerdictReport {
        // Verdict::ALL is in the order of the enum, and the report holds all of them.
        &self.verdicts[verdict as usize]
    }

    /// 0 proven, 1 refuted, 2 unreadable, 3 unproven.
    pub fn exit_code(&self) -> u8 {
        let has = |status: Status| self.verdicts.iter().any(|report| report.status == status);
        if has(Status::Fail) {
            return 1;
        }
        if !self.unreadable.is_empty() {
            return 2;
        }
        let is_missing = |report: &VerdictReport| report.is_required && report.status != Status::Pass;
        if self.verdicts.iter().any(is_missing) {
            3
        } else {
            0
        }
    }

    /// All kept findings in the order of the verdicts.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.verdicts.iter().flat_map(|report| &report.findings)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} records of {} chains: {} sealed, ",
            self.records, self.chains, self.sealed
        )?;
        if self.pruned > 0 {
            write!(f, "{} pruned, ", self.pruned)?;
        }
        writeln!(
            f,
            "{} not yet sealed; {} epochs",
            self.not_yet_sealed, self.epochs
        )?;
        for report in &self.verdicts {
            let status = match report.status {
                Status::Pass => "pass",
                Status::Fail => "FAIL",
                Status::Unproven => "unproven",
            };
            let name = report.verdict.name();
            write!(f, "{name:<9} {status:<9} {} checked", report.checked)?;
            if report.refuted > 0 {
                write!(f, ", {} refuted", report.refuted)?;
            }
            if report.unproven > 0 {
                write!(f, ", {} unproven", report.unproven)?;
            }
            writeln!(f)?;
            for finding in &report.findings {
                writeln!(f, "  {finding}")?;
            }
            let shown = report.findings.len() as u64;
            let hidden = (report.refuted + report.unproven).saturating_sub(shown);
            if hidden > 0 {
                writeln!(f, "  and {hidden} more")?;
            }
        }
        for what in &self.unreadable {
            writeln!(f, "unreadable: {what}")?;
        }
        if let Some(receipts) = &self.receipts {
            writeln!(
                f,
                "{} receipts: {} matched, {} missing, {} undecided, {} refused",
                receipts.given, receipts.matched, receipts.missing, receipts.undecided, receipts.refused
            )?;
        }
        if let Some(bundle) = &self.bundle {
            let said = |is_so: bool| if is_so { "yes" } else { "no" };
            writeln!(
                f,
                "complete within range: {}; range covers the tip: {}",
                said(bundle.complete_within_range),
                said(bundle.range_covers_tip)
            )?;
        }
        Ok(())
    }
}

/// Where a check was made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) chain: Option<ChainId>,
    pub(crate) index: Option<u64>,
    pub(crate) event_id: Option<Uuid>,
}

impl Place {
    pub(crate) fn chain(chain: ChainId) -> Place {
        Place {
            chain: Some(chain),
            ..Place::default()
        }
    }
}

/// Counts checks and collects findings.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By position in [`Verdict::ALL`].
    by_verdict: [Counts; Verdict::ALL.len()],
}

#[derive(Debug, Default)]
struct Counts {
    checked: u64,
    refuted: u64,
    unproven: u64,
    findings: Vec<Finding>,
}

impl Tally {
    /// Counts checks that held or will be reported apart.
    pub(crate) fn checked(&mut self, verdict: Verdict, count: u64) {
        self.by_verdict[verdict as usize].checked += count;
    }

    /// Whether anything refuted the verdict so far.
    pub(crate) fn is_refuted(&self, verdict: Verdict) -> bool {
        self.by_verdict[verdict as usize].refuted > 0
    }

    /// Adds what was tallied elsewhere, its findings after those here.
    pub(crate) fn merge(&mut self, other: Tally) {
        for (counts, added) in self.by_verdict.iter_mut().zip(other.by_verdict) {
            counts.checked += added.checked;
            counts.refuted += added.refuted;
            counts.unproven += added.unproven;
            let room = MAX_FINDINGS - counts.findings.len();
            counts.findings.extend(added.findings.into_iter().take(room));
        }
    }

    /// Every pruned record must be named by a prune leaf that was told when its retention was over.
    pub(crate) fn pruned(&mut self, found: &PrunedRecords, prunes: &Prunes) {
        for (chain, run) in found.iter() {
            self.checked(Verdict::Erasure, run.count());
            if let Some(first) = prunes.unexplained(chain, &run) {
                let place = Place {
                    chain: Some(chain),
                    index: Some(first),
                    event_id: None,
                };
                let what = format!(
                    "records {first} to {} are pruned, and no prune leaf of their time or later allows it",
                    run.last
                );
                self.refute(Verdict::Erasure, place, what);
            }
        }
    }

    /// One check that failed.
    pub(crate) fn refute(&mut self, verdict: Verdict, place: Place, what: impl Into<String>) {
        self.find(verdict, Severity::Refuted, place, what.into());
    }

    /// One check that could not be made.
    pub(crate) fn unproven(&mut self, verdict: Verdict, place: Place, what: impl Into<String>) {
        self.find(verdict, Severity::Unproven, place, what.into());
    }

    fn find(&mut self, verdict: Verdict, severity: Severity, place: Place, what: String) {
        let counts = &mut self.by_verdict[verdict as usize];
        match severity {
            Severity::Refuted => counts.refuted += 1,
            Severity::Unproven => counts.unproven += 1,
        }
        if counts.findings.len() < MAX_FINDINGS {
            let chain = place.chain.map(|chain| chain.to_string());
            let event_id = place.event_id.filter(|id| !id.is_nil());
            counts.findings.push(Finding {
                verdict,
                severity,
                chain,
                index: place.index,
                event_id,
                what,
            });
        }
    }

    pub(crate) fn into_reports(mut self) -> Vec<VerdictReport> {
        let report = |verdict: Verdict| {
            let counts = std::mem::take(&mut self.by_verdict[verdict as usize]);
            let status = if counts.refuted > 0 {
                Status::Fail
            } else if counts.checked == 0 || counts.unproven > 0 {
                Status::Unproven
            } else {
                Status::Pass
            };
            VerdictReport {
                verdict,
                status,
                is_required: verdict.is_required(),
                checked: counts.checked,
                refuted: counts.refuted,
                unproven: counts.unproven,
                findings: counts.findings,
            }
        };
        Verdict::ALL.into_iter().map(report).collect()
    }
}
