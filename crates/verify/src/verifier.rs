//! Feeds checkpoints, manifests, heads and records through the checks, and sums up.

mod damage;

use std::collections::{BTreeMap, HashMap, HashSet};

use aal_ledger::{ChainHead, ChainId, Heads, LeafView, PrunedRecords, Prunes, TrustPolicy};
use uuid::Uuid;

use crate::anchor::Anchor;
use crate::chain::ChainCheck;
use crate::content::{self, Checked};
use crate::offsets::OffsetSums;
use crate::receipts::{Receipts, Seen};
use crate::record::StoredRecord;
use crate::report::{Place, Report, Tally, Verdict};
use crate::timestamps::Timestamps;
use crate::witness::Witnesses;

/// Verifies one log. Feed in this order: checkpoints ([`Verifier::checkpoint`], any number: the newest, and older
/// ones kept from before), cosigned checkpoints and timestamps, all manifests from epoch 0, the heads of the newest signed epoch, all records with each
/// chain's together and ascending by index; then [`Verifier::finish`].
#[derive(Debug)]
pub struct Verifier {
    policy: TrustPolicy,
    tally: Tally,
    anchor: Anchor,
    witnesses: Witnesses,
    timestamps: Timestamps,
    heads: Option<Heads>,
    chain_heads: HashMap<ChainId, ChainHead>,
    current: Option<ChainCheck>,
    seen_chains: HashSet<ChainId>,
    shards: BTreeMap<u32, ShardCheck>,
    /// Absent slots by tenant and data key: how many, and where first.
    absent: BTreeMap<(Uuid, Uuid), (u64, Place)>,
    erased: HashSet<(Uuid, Uuid)>,
    pruned: PrunedRecords,
    prunes: Prunes,
    records: u64,
    sealed: u64,
    unreadable: Vec<String>,
    receipts: Option<Receipts>,
    seen_receipts: Vec<Seen>,
}

#[derive(Debug, Default)]
struct ShardCheck {
    offsets: OffsetSums,
    next_block: u64,
    /// A leaf that does not decode has no offset, so the sums cannot be right.
    is_complete: bool,
}

impl Verifier {
    /// A verifier of the log that the policy pins.
    pub fn new(policy: TrustPolicy) -> Verifier {
        Verifier {
            policy,
            tally: Tally::default(),
            anchor: Anchor::default(),
            witnesses: Witnesses::default(),
            timestamps: Timestamps::default(),
            heads: None,
            chain_heads: HashMap::new(),
            current: None,
            seen_chains: HashSet::new(),
            shards: BTreeMap::new(),
            absent: BTreeMap::new(),
            erased: HashSet::new(),
            pruned: PrunedRecords::default(),
            prunes: Prunes::default(),
            records: 0,
            sealed: 0,
            unreadable: Vec::new(),
            receipts: None,
            seen_receipts: Vec::new(),
        }
    }

    /// Also looks for the events of these receipts.
    #[must_use]
    pub fn with_receipts(mut self, receipts: Option<Receipts>) -> Verifier {
        self.receipts = receipts;
        self
    }

    /// A signed checkpoint of the anchor log. The one of the largest size is the head; smaller ones must agree.
    pub fn checkpoint(&mut self, note: &[u8]) {
        self.anchor.checkpoint(note, &self.policy, &mut self.tally);
        self.timestamps.checkpoint(note);
    }

    /// The checkpoint of an epoch with cosignatures of witnesses. It counts as a checkpoint, too: a log that does not
    /// lead to it, or ends before it, is refuted.
    pub fn cosigned(&mut self, epoch: u64, note: &[u8]) {
        let log_size = self.anchor.size();
        self.witnesses
            .cosigned(epoch, note, log_size, &self.policy, &mut self.tally);
        self.anchor.checkpoint(note, &self.policy, &mut self.tally);
    }

    /// An RFC 3161 answer over the checkpoint of an epoch, once that was fed.
    pub fn timestamp(&mut self, epoch: u64, response: &[u8]) {
        self.timestamps
            .token(epoch, response, &self.policy, &mut self.tally);
    }

    /// The next manifest, from epoch 0. Those beyond the newest checkpoint are chained and otherwise ignored.
    pub fn manifest(&mut self, bytes: &[u8]) {
        self.anchor.manifest(bytes, &mut self.tally);
        if let Some((manifest, root)) = self.anchor.last() {
            self.witnesses.manifest(manifest, &root, &mut self.tally);
            self.timestamps.manifest(manifest, &self.policy, &mut self.tally);
        }
    }

    /// Epoch whose heads [`Verifier::heads`] needs, once the manifests were fed.
    pub fn signed_epoch(&self) -> Option<u64> {
        self.anchor.signed().map(|manifest| manifest.epoch)
    }

    /// The heads of the newest signed epoch.
    pub fn heads(&mut self, bytes: &[u8]) {
        let Some(heads) = self.anchor.heads(bytes, &mut self.tally) else {
            return;
        };
        self.chain_heads = heads.chains().iter().map(|head| (head.chain, *head)).collect();
        self.heads = Some(heads);
    }

    /// Notes input that could not be read; the outcome is then at best "unreadable".
    pub fn unreadable(&mut self, what: impl Into<String>) {
        self.unreadable.push(what.into());
    }

    /// The next record.
    pub fn record(&mut self, record: &StoredRecord) {
        let chain = ChainId {
            tenant: record.tenant,
            shard: record.shard,
        };
        let index = record.chain_index;
        let place = Place {
            chain: Some(chain),
            index: Some(index),
            event_id: Some(record.event_id),
        };
        if self
            .current
            .as_ref()
            .is_none_or(|current| current.chain() != chain)
        {
            self.begin_chain(chain);
        }
        let checked = content::check(record, place, &mut self.tally);
        if let (Some(receipts), Ok(leaf)) = (&self.receipts, LeafView::new(&record.leaf)) {
            self.seen_receipts.extend(receipts.seen(&leaf));
        }
        let mut is_sealed = false;
        if let Some(current) = &mut self.current {
            is_sealed = current.is_sealed(index);
            let row = (record.block, record.row);
            current.record(
                place,
                index,
                row,
                checked.leaf_hash,
                checked.leaf.as_ref(),
                &mut self.tally,
            );
        }
        self.records += 1;
        if is_sealed {
            self.sealed += 1;
            self.account(record, place, &checked);
        } else {
            self.check_seal_delay(place, &checked);
        }
        if let Some(leaf) = &checked.leaf {
            if checked.is_pruned {
                self.pruned.push(chain, index, leaf.t_edge_us);
            }
            if let Some(named) = &checked.prunes {
                self.prunes.add(leaf.tenant, named, leaf.t_edge_us);
            }
        }
        for key in checked.absent_keys {
            self.absent.entry((record.tenant, key)).or_insert((0, place)).0 += 1;
        }
        for key in checked.erased_keys {
            self.erased.insert((record.tenant, key));
        }
    }

    fn begin_chain(&mut self, chain: ChainId) {
        self.end_chain();
        if !self.seen_chains.insert(chain) {
            let what = "chain is stored in two places or its records are out of order";
            self.tally.refute(Verdict::Scope, Place::chain(chain), what);
        }
        let sealed_by = self
            .anchor
            .signed()
            .map(|manifest| format!("manifest of epoch {}", manifest.epoch));
        let head = self.chain_heads.get(&chain).copied();
        self.current = Some(ChainCheck::new(chain, head, sealed_by.unwrap_or_default()));
    }

    fn end_chain(&mut self) {
        if let Some(current) = self.current.take() {
            current.finish(&mut self.tally);
        }
    }

    /// A record that the operator promised to have sealed by now keeps the log from being proven complete.
    fn check_seal_delay(&mut self, place: Place, checked: &Checked) {
        let (Some(promised_s), Some(manifest), Some(leaf)) =
            (self.policy.max_seal_delay_s, self.anchor.signed(), &checked.leaf)
        else {
            return;
        };
        let due_us = leaf.t_edge_us.saturating_add(i64::from(promised_s) * 1_000_000);
        if due_us < manifest.closed_us {
            let what = format!(
                "not sealed {promised_s} s after its edge time, which epoch {} has passed",
                manifest.epoch
            );
            self.tally.unproven(Verdict::Scope, place, what);
        }
    }

    /// Offsets, blocks and times of a sealed record.
    fn account(&mut self, record: &StoredRecord, place: Place, checked: &Checked) {
        let shard = self.shards.entry(record.shard).or_insert(ShardCheck {
            is_complete: true,
            ..Default::default()
        });
        shard.next_block = shard.next_block.max(record.block.saturating_add(1));
        let Some(leaf) = &checked.leaf else {
            shard.is_complete = false;
            return;
        };
        if leaf.has_offset() {
            let first = checked.first_offset.unwrap_or(leaf.offset);
            if !shard.offsets.add(first, leaf.offset) {
                shard.is_complete = false;
                let what = format!("offsets {first} to {} are no range of offsets", leaf.offset);
                self.tally.refute(Verdict::Scope, place, what);
            }
        }
        let Some(manifest) = self.anchor.signed() else {
            return;
        };
        self.tally.checked(Verdict::Time, 1);
        let tolerance_us = i64::from(self.policy.clock_tolerance_s) * 1_000_000;
        if leaf.t_edge_us > manifest.closed_us.saturating_add(tolerance_us) {
            let what = format!(
                "edge time {} is after epoch {} closed at {}",
                leaf.t_edge_us, manifest.epoch, manifest.closed_us
            );
            self.tally.refute(Verdict::Time, place, what);
        }
    }

    /// The verdicts.
    pub fn finish(mut self) -> Report {
        self.end_chain();
        self.anchor.finish(&mut self.tally);
        self.finish_heads();
        self.finish_erasures();
        self.tally.pruned(&self.pruned, &self.prunes);
        let newest = self.anchor.signed();
        self.witnesses.finish(newest, &self.policy, &mut self.tally);
        self.timestamps.finish(newest, &self.policy, &mut self.tally);
        let last_closed_us = newest.map(|manifest| manifest.closed_us);
        let receipts = self
            .receipts
            .as_ref()
            .map(|receipts| receipts.judge(&self.seen_receipts, None, last_closed_us, &mut self.tally));
        let mut verdicts = self.tally.into_reports();
        if self.policy.witness_policy.is_some() {
            verdicts[Verdict::Witness as usize].is_required = true;
        }
        Report {
            records: self.records,
            sealed: self.sealed,
            pruned: self.pruned.count(),
            not_yet_sealed: self.records - self.sealed,
            chains: self.seen_chains.len() as u64,
            epochs: newest.map_or(0, |manifest| manifest.epoch + 1),
            newest_closed_us: newest.map(|manifest| manifest.closed_us),
            incarnations: self.anchor.incarnations().to_vec(),
            unreadable: self.unreadable,
            bundle: None,
            receipts,
            verdicts,
        }
    }

    fn finish_heads(&mut self) {
        let Some(heads) = &self.heads else {
            let what = "no heads of a signed epoch, so nothing says how many records there must be";
            return self.tally.unproven(Verdict::Scope, Place::default(), what);
        };
        if self.sealed == 0 {
            let what = "no sealed record was checked";
            self.tally.unproven(Verdict::Scope, Place::default(), what);
        }
        let sealed_by = self
            .anchor
            .signed()
            .map(|manifest| format!("manifest of epoch {}", manifest.epoch));
        let sealed_by = sealed_by.unwrap_or_default();
        for head in heads.chains() {
            if !self.seen_chains.contains(&head.chain) {
                ChainCheck::new(head.chain, Some(*head), sealed_by.clone()).finish(&mut self.tally);
            }
        }
        for head in heads.shards() {
            self.tally.checked(Verdict::Scope, 1);
            let none = ShardCheck {
                is_complete: true,
                ..Default::default()
            };
            let shard = self.shards.get(&head.shard).unwrap_or(&none);
            let next_offset = shard.offsets.highest().map_or(0, |highest| highest + 1);
            let mut faults = Vec::from_iter(shard.offsets.fault());
            if next_offset != head.next_offset {
                faults.push(format!(
                    "offsets end before {next_offset}, {sealed_by} says {}",
                    head.next_offset
                ));
            }
            if shard.next_block != head.next_block {
                faults.push(format!(
                    "blocks end before {}, {sealed_by} says {}",
                    shard.next_block, head.next_block
                ));
            }
            for fault in faults.into_iter().filter(|_| shard.is_complete) {
                self.tally.refute(
                    Verdict::Scope,
                    Place::default(),
                    format!("shard {}: {fault}", head.shard),
                );
            }
        }
    }

    fn finish_erasures(&mut self) {
        for ((tenant, key), (count, place)) in &self.absent {
            self.tally.checked(Verdict::Erasure, *count);
            if !self.erased.contains(&(*tenant, *key)) {
                let what = format!(
                    "content under data key {key} is absent in {count} records and no erasure_done leaf names that key"
                );
                self.tally.refute(Verdict::Erasure, *place, what);
            }
        }
    }
}
