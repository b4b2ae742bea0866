//! One record by itself, for whoever walks the table on his own.

use aal_ledger::{ChainId, Hash, Leaf, PruneRanges};
use uuid::Uuid;

use crate::content;
use crate::record::StoredRecord;
use crate::report::{Finding, Place, Tally};

/// What the checks of one record came to.
#[derive(Clone, Debug)]
pub struct SingleCheck {
    /// Recomputed from the stored leaf bytes.
    pub leaf_hash: Hash,
    /// Absent when the stored bytes are no leaf.
    pub leaf: Option<Leaf>,
    /// Data keys whose slots are committed to and not stored: right only if an erasure_done leaf names them.
    pub absent_keys: Vec<Uuid>,
    /// Data keys that this record, of kind erasure_done, says were destroyed.
    pub erased_keys: Vec<Uuid>,
    /// Nothing but place and leaf is stored: right only if a prune leaf names the record.
    pub is_pruned: bool,
    /// What this record, of kind prune, names.
    pub prunes: Option<PruneRanges>,
    /// What does not agree; empty when all does.
    pub findings: Vec<Finding>,
}

/// Checks stored bytes, place, header, slots and every column of one record against its own leaf, as
/// [`crate::Verifier`] does. Whether that leaf is the sealed one, only its chain can tell.
pub fn check_record(record: &StoredRecord) -> SingleCheck {
    let chain = ChainId {
        tenant: record.tenant,
        shard: record.shard,
    };
    let place = Place {
        chain: Some(chain),
        index: Some(record.chain_index),
        event_id: Some(record.event_id),
    };
    let mut tally = Tally::default();
    let checked = content::check(record, place, &mut tally);
    let reports = tally.into_reports();
    SingleCheck {
        leaf_hash: checked.leaf_hash,
        leaf: checked.leaf,
        absent_keys: checked.absent_keys,
        erased_keys: checked.erased_keys,
        is_pruned: checked.is_pruned,
        prunes: checked.prunes,
        findings: reports.into_iter().flat_map(|report| report.findings).collect(),
    }
}
