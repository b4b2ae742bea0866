//! From what was found to verdicts.

use aal_bundle::limits::MAX_ABSENT_KEYS;
use aal_bundle::{Counts, FormError, Scope};
use aal_ledger::{ChainId, TrustPolicy};
use serde::Serialize;
use uuid::Uuid;

use crate::bundle::chunk::ChunkChecked;
use crate::bundle::{BundleOptions, Found};
use crate::offsets::OffsetSums;
use crate::report::{Place, Report, Verdict};

/// Most erased data keys that are remembered.
const MAX_ERASED_KEYS: usize = 1_000_000;

/// What the bundle says it is about, and whether it is all of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleFacts {
    /// Every leaf of the range was there and in its place.
    pub complete_within_range: bool,
    /// The range ends with the newest epoch that the verifier knows of.
    pub range_covers_tip: bool,
    pub from_us: i64,
    pub to_us: i64,
    pub base_epoch: Option<u64>,
    pub last_epoch: u64,
    pub tip_epoch: u64,
    pub tenant: Option<Uuid>,
    pub filter: aal_bundle::Filter,
    pub counts: Counts,
    /// The maker's own words.
    pub coverage: String,
}

impl Found {
    /// Joins one member of records.
    pub(super) fn merge(&mut self, chunk: ChunkChecked) -> Result<(), FormError> {
        self.tally.merge(chunk.tally);
        let (counts, added) = (&mut self.counts, chunk.counts);
        counts.leaves += added.leaves;
        counts.matched += added.matched;
        counts.openings += added.openings;
        counts.ciphertexts += added.ciphertexts;
        if let Some(chains) = &mut self.chains {
            chunk.runs.iter().for_each(|run| chains.run(run, &mut self.tally));
        }
        for (shard, sums) in &chunk.offsets {
            self.offsets.entry(*shard).or_default().merge(sums);
        }
        for (key, (count, place)) in chunk.absent {
            self.absent.entry(key).or_insert((0, place)).0 += count;
        }
        if self.absent.len() > MAX_ABSENT_KEYS {
            let problem = format!("slots of more than {MAX_ABSENT_KEYS} data keys are absent");
            return Err(FormError::content("records", problem));
        }
        let room = MAX_ERASED_KEYS.saturating_sub(self.erased.len());
        self.erased.extend(chunk.erased.into_iter().take(room));
        self.pruned.merge(chunk.pruned);
        for (tenant, named, told_us) in chunk.prunes {
            self.prunes.add(tenant, &named, told_us);
        }
        if let (Some(figures), Some(added)) = (&mut self.figures, chunk.figures) {
            figures.merge(added);
        }
        self.receipts.extend(chunk.receipts);
        chunk.form.map_or(Ok(()), Err)
    }

    /// When the base epoch closed, µs.
    pub(super) fn base_closed_us(&self) -> Option<i64> {
        let log = self.log.as_ref()?;
        log.base_manifest.as_ref().map(|manifest| manifest.closed_us)
    }

    pub(super) fn finish(mut self, options: &BundleOptions, policy: &TrustPolicy) -> Report {
        let last = self.log.as_ref().and_then(|log| log.last_manifest()).cloned();
        let is_head_older = self.compare_known_head(options);
        let is_complete = self.finish_scope();
        self.finish_erasures();
        self.tally.pruned(&self.pruned, &self.prunes);
        self.finish_report();
        let has_report = self.has_report;
        let base_closed_us = self.base_closed_us();
        let last_closed_us = last.as_ref().map(|manifest| manifest.closed_us);
        let receipts = options
            .receipts
            .as_ref()
            .map(|receipts| receipts.judge(&self.receipts, base_closed_us, last_closed_us, &mut self.tally));
        let is_complete = is_complete && !self.tally.is_refuted(Verdict::Scope);
        let facts = self.scope.as_ref().map(|scope| {
            let is_tip = scope.range.last_epoch == scope.range.tip_epoch;
            self.facts(scope, is_complete, is_tip && self.is_whole && !is_head_older)
        });
        let incarnations = self.log.as_ref().map(|log| log.anchor().incarnations().to_vec());
        let mut verdicts = self.tally.into_reports();
        for report in &mut verdicts {
            report.is_required |= match report.verdict {
                Verdict::Report => has_report,
                Verdict::Witness => policy.witness_policy.is_some(),
                _ => false,
            };
        }
        Report {
            records: self.counts.leaves,
            sealed: self.counts.leaves,
            pruned: self.pruned.count(),
            not_yet_sealed: 0,
            chains: self.counts.chains,
            epochs: last.as_ref().map_or(0, |manifest| manifest.epoch + 1),
            newest_closed_us: last_closed_us,
            incarnations: incarnations.unwrap_or_default(),
            unreadable: Vec::new(),
            bundle: facts,
            receipts,
            verdicts,
        }
    }

    fn facts(&self, scope: &Scope, complete_within_range: bool, range_covers_tip: bool) -> BundleFacts {
        BundleFacts {
            complete_within_range,
            range_covers_tip,
            from_us: scope.from_us,
            to_us: scope.to_us,
            base_epoch: scope.range.base_epoch,
            last_epoch: scope.range.last_epoch,
            tip_epoch: scope.range.tip_epoch,
            tenant: scope.tenant,
            filter: scope.filter.clone(),
            counts: self.counts,
            coverage: scope.coverage.clone(),
        }
    }

    fn compare_known_head(&mut self, options: &BundleOptions) -> bool {
        let (Some(known), Some(log)) = (&options.known_head, &self.log) else {
            return false;
        };
        log.known_head(known, &mut self.tally)
    }

    /// Whether every chain of the range was there in full.
    fn finish_scope(&mut self) -> bool {
        let place = Place::default();
        let Some(mut chains) = self.chains.take() else {
            let what = "no heads were read, so nothing says how many records there must be";
            self.tally.unproven(Verdict::Scope, place, what);
            return false;
        };
        if !self.is_whole {
            let what = "reading stopped before the end, so what follows was not seen";
            self.tally.unproven(Verdict::Scope, place, what);
            return false;
        }
        let is_complete = chains.finish(&mut self.tally);
        if self.counts.leaves == 0 {
            for verdict in [Verdict::Content, Verdict::Scope] {
                self.tally.unproven(verdict, place, "the bundle has no record");
            }
        }
        if self.scope.as_ref().is_some_and(|scope| scope.tenant.is_some()) {
            let what = "that the tenant has no chains but these cannot be seen from a part of the heads";
            self.tally.unproven(Verdict::Scope, place, what);
        } else {
            self.finish_offsets();
        }
        is_complete
    }

    fn finish_offsets(&mut self) {
        let Some(last) = &self.last_heads else { return };
        let none = OffsetSums::default();
        for (shard, head) in &last.shards {
            self.tally.checked(Verdict::Scope, 1);
            let base = self
                .base_heads
                .shards
                .get(shard)
                .map_or(0, |head| head.next_offset);
            let sums = self.offsets.get(shard).unwrap_or(&none);
            let next = sums.highest().map_or(base, |highest| highest + 1);
            let mut faults = Vec::from_iter(sums.fault());
            if next != head.next_offset {
                let expected = head.next_offset;
                faults.push(format!(
                    "offsets end before {next}, the last heads say {expected}"
                ));
            }
            if let Some(lowest) = sums.lowest()
                && base > 0
                && lowest != base
            {
                faults.push(format!(
                    "offsets begin at {lowest}, the heads of the base say {base}"
                ));
            }
            for fault in faults {
                let what = format!("shard {shard}: {fault}");
                self.tally.refute(Verdict::Scope, Place::default(), what);
            }
        }
        for shard in self
            .offsets
            .keys()
            .filter(|shard| !last.shards.contains_key(shard))
        {
            let what = format!("shard {shard} has offsets and no head");
            self.tally.refute(Verdict::Scope, Place::default(), what);
        }
    }

    fn finish_erasures(&mut self) {
        for ((tenant, key), (count, place)) in &self.absent {
            self.tally.checked(Verdict::Erasure, *count);
            if !self.erased.contains(&(*tenant, *key)) {
                let what = format!(
                    "content under data key {key} is absent {count} times and no erasure_done leaf names that key"
                );
                self.tally.refute(Verdict::Erasure, *place, what);
            }
        }
    }

    fn finish_report(&mut self) {
        let place = Place::default();
        let (Some(report), Some(figures)) = (&self.report, &self.figures) else {
            if !self.has_report {
                self.tally
                    .unproven(Verdict::Report, place, "the bundle has no report");
            }
            return;
        };
        if !self.is_whole {
            let what = "reading stopped before the end, so the figures could not be computed";
            return self.tally.unproven(Verdict::Report, place, what);
        }
        let scope = report.scope();
        let last = self.last_heads.as_ref();
        let covered = |chain, size: u64| {
            let head = last.and_then(|heads| heads.chains.iter().find(|head| head.chain == chain));
            head.is_some_and(|head| head.size >= size)
        };
        let sizes: Vec<(ChainId, u64)> = scope.sizes.iter().map(|(chain, size)| (*chain, *size)).collect();
        for (chain, size) in sizes {
            if !covered(chain, size) {
                let what = format!(
                    "the report is about {size} records of the chain, the range does not reach so far"
                );
                return self.tally.unproven(Verdict::Report, Place::chain(chain), what);
            }
        }
        report.compare(figures, &mut self.tally);
    }
}
