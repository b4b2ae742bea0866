//! One member of records, checked by itself: the part of the work that runs on every core.

use std::collections::BTreeMap;

use aal_bundle::{Counts, EntryView, FormError, Scope, filter};
use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::jcs::Members;
use aal_ledger::{ChainId, CommittedSlots, Hash, LeafView, PruneRanges, PrunedRecords, leaf_hash};
use uuid::Uuid;

use crate::bundle::figures::{Figures, ReportScope};
use crate::bundle::leaf_run::{Fit, LeafRun};
use crate::bundle::{header, slots};
use crate::offsets::OffsetSums;
use crate::receipts::{Receipts, Seen};
use crate::report::{Place, Tally, Verdict};

/// What every record is compared with.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) scope: &'a Scope,
    /// Latest edge time that the last epoch allows, µs; absent without a signed manifest.
    pub(crate) latest_edge_us: Option<i64>,
    /// Edge times before this came late or were dated back, µs.
    pub(crate) earliest_edge_us: Option<i64>,
    pub(crate) report: Option<&'a ReportScope>,
    pub(crate) receipts: Option<&'a Receipts>,
}

/// Absent slots by tenant and data key: how many, and where first.
pub(crate) type Absent = BTreeMap<(Uuid, Uuid), (u64, Place)>;

/// What one member gave.
#[derive(Debug, Default)]
pub(crate) struct ChunkChecked {
    pub(crate) tally: Tally,
    /// Of the member's bytes.
    pub(crate) digest: Hash,
    pub(crate) size: u64,
    pub(crate) counts: Counts,
    pub(crate) runs: Vec<LeafRun>,
    pub(crate) offsets: BTreeMap<u32, OffsetSums>,
    pub(crate) absent: Absent,
    pub(crate) erased: Vec<(Uuid, Uuid)>,
    pub(crate) pruned: PrunedRecords,
    /// What prune leaves name: tenant, ranges, and when they were told.
    pub(crate) prunes: Vec<(Uuid, PruneRanges, i64)>,
    pub(crate) figures: Option<Figures>,
    pub(crate) receipts: Vec<Seen>,
    /// What keeps the rest of the member from being read.
    pub(crate) form: Option<FormError>,
}

/// Checks one member's bytes.
pub(crate) fn check(context: &Context<'_>, name: &str, bytes: &[u8]) -> ChunkChecked {
    let mut chunk = ChunkChecked {
        digest: sha256(bytes),
        size: bytes.len() as u64,
        figures: context.report.map(|_| Figures::default()),
        ..ChunkChecked::default()
    };
    let mut rest = bytes;
    let mut number = 0;
    while !rest.is_empty() {
        match EntryView::split(rest) {
            Ok((entry, behind)) => {
                chunk.entry(context, &entry);
                rest = behind;
            }
            Err(problem) => {
                let name = name.to_owned();
                chunk.form = Some(FormError::Entry {
                    name,
                    number,
                    problem,
                });
                return chunk;
            }
        }
        number += 1;
    }
    if number == 0 {
        chunk.form = Some(FormError::content(name, "it holds nothing"));
    } else if number > 1 && bytes.len() as u64 > aal_bundle::limits::MAX_PACKED {
        chunk.form = Some(FormError::content(
            name,
            "several entries take more than 8388608 bytes",
        ));
    }
    chunk
}

impl ChunkChecked {
    fn entry(&mut self, context: &Context<'_>, entry: &EntryView<'_>) {
        let (openings, ciphertexts) = entry.slot_counts();
        self.counts.leaves += 1;
        self.counts.matched += u64::from(entry.is_match);
        self.counts.openings += u64::from(openings);
        self.counts.ciphertexts += u64::from(ciphertexts);
        let hash = leaf_hash(entry.leaf);
        self.tally.checked(Verdict::Content, 1);
        let leaf = match LeafView::new(entry.leaf) {
            Ok(leaf) => leaf,
            Err(error) => {
                let what = format!("entry {} is no leaf: {error}", self.counts.leaves - 1);
                return self.tally.refute(Verdict::Content, Place::default(), what);
            }
        };
        let place = Place {
            chain: Some(ChainId {
                tenant: leaf.tenant(),
                shard: leaf.shard(),
            }),
            index: Some(leaf.index()),
            event_id: Some(leaf.event_id()),
        };
        self.link(&leaf, hash, place);
        self.edge_time(context, &leaf, place);
        if entry.header.is_empty() {
            return self.pruned(context, entry, &leaf, place);
        }
        let header = header::check(&leaf, entry.header, place, &mut self.tally);
        self.offset(&leaf, header.as_ref(), place);
        if let Some(receipts) = context.receipts {
            self.receipts.extend(receipts.seen(&leaf));
        }
        let committed = header.as_ref().map(CommittedSlots::of).unwrap_or_default();
        let disclosure = context.scope.disclosure;
        let slots = slots::check(&leaf, entry, disclosure, &committed, place, &mut self.tally);
        for key in slots.absent_keys {
            self.absent.entry((leaf.tenant(), key)).or_insert((0, place)).0 += 1;
        }
        if let Some(header) = &header {
            let erased = header::erased_keys(leaf.kind(), header);
            self.erased
                .extend(erased.into_iter().map(|key| (leaf.tenant(), key)));
            let named = header::prunes(leaf.kind(), header);
            self.prunes
                .extend(named.map(|named| (leaf.tenant(), named, leaf.t_edge_us())));
            self.matching(context, entry, &leaf, header, slots.attributes, place);
        }
    }

    /// A record of which only the leaf is left.
    fn pruned(&mut self, context: &Context<'_>, entry: &EntryView<'_>, leaf: &LeafView<'_>, place: Place) {
        self.tally.checked(Verdict::Content, 1);
        if !leaf.kind().is_prunable() {
            let what = format!(
                "it has no header, and a record of kind {} is never pruned",
                leaf.kind()
            );
            self.tally.refute(Verdict::Content, place, what);
        }
        if entry.is_match || entry.slot_counts() != (0, 0) {
            let what = "it has no header, and content all the same";
            self.tally.refute(Verdict::Content, place, what);
        }
        self.offset(leaf, None, place);
        if let Some(receipts) = context.receipts {
            self.receipts.extend(receipts.seen(leaf));
        }
        if let Some(chain) = place.chain {
            self.pruned.push(chain, leaf.index(), leaf.t_edge_us());
        }
    }

    /// Place in the chain.
    fn link(&mut self, leaf: &LeafView<'_>, hash: Hash, place: Place) {
        self.tally.checked(Verdict::Scope, 1);
        let before = self.runs.last().map(|run| run.last_leaf_hash);
        let fit = self
            .runs
            .last_mut()
            .map_or(Fit::Elsewhere, |run| run.push(leaf, hash));
        match fit {
            Fit::Next => {}
            Fit::Elsewhere => self.runs.push(LeafRun::begin(leaf, hash)),
            Fit::BrokenLink => {
                let named = to_hex(&leaf.prev_leaf_hash());
                let found = to_hex(&before.unwrap_or_default());
                let what = format!("leaf names {named} as the leaf before it, that is {found}");
                self.tally.refute(Verdict::Scope, place, what);
            }
            Fit::OffsetOrder { last } => {
                let what = format!("offset {} does not follow offset {last}", leaf.offset());
                self.tally.refute(Verdict::Scope, place, what);
            }
        }
    }

    fn edge_time(&mut self, context: &Context<'_>, leaf: &LeafView<'_>, place: Place) {
        let edge_us = leaf.t_edge_us();
        if let Some(latest_us) = context.latest_edge_us {
            self.tally.checked(Verdict::Time, 1);
            if edge_us > latest_us {
                let what =
                    format!("edge time {edge_us} is after the last epoch closed, at the latest {latest_us}");
                self.tally.refute(Verdict::Time, place, what);
            }
        }
        if context
            .earliest_edge_us
            .is_some_and(|earliest_us| edge_us < earliest_us)
        {
            let what = format!(
                "edge time {edge_us} is longer before the range than the promised delay of sealing: late or dated back"
            );
            self.tally.unproven(Verdict::Time, place, what);
        }
    }

    fn offset(&mut self, leaf: &LeafView<'_>, header: Option<&Members<'_>>, place: Place) {
        if !leaf.has_offset() {
            return;
        }
        let (first, last) = (header::first_offset(leaf, header), leaf.offset());
        if !self.offsets.entry(leaf.shard()).or_default().add(first, last) {
            let what = format!("offsets {first} to {last} are no range of offsets");
            self.tally.refute(Verdict::Scope, place, what);
        }
    }

    /// The flag of the entry, and the figures of a report.
    fn matching(
        &mut self,
        context: &Context<'_>,
        entry: &EntryView<'_>,
        leaf: &LeafView<'_>,
        header: &Members<'_>,
        attributes: Option<&[u8]>,
        place: Place,
    ) {
        let scope = context.scope;
        let time_us = filter::time_us(leaf, header);
        let is_in_period = (scope.from_us..scope.to_us).contains(&time_us);
        let accepts = is_in_period && scope.filter.accepts(leaf, header);
        self.tally.checked(Verdict::Scope, 1);
        let is_contradicted = if entry.is_match {
            !accepts || attributes.is_some_and(|text| !scope.filter.accepts_attributes(text))
        } else {
            accepts && !scope.filter.needs_attributes()
        };
        if is_contradicted {
            let claim = if entry.is_match { "match" } else { "not match" };
            let what = format!("entry is marked to {claim} the filter and the period, which is not so");
            self.tally.refute(Verdict::Scope, place, what);
        }
        if let (Some(figures), Some(report)) = (&mut self.figures, context.report)
            && is_in_period
            && report.covers(leaf)
        {
            figures.add(leaf.kind(), header, entry.is_match);
        }
    }
}
