//! A chain read back: what is untouched agrees, and every way to touch it is named.

use aal_ledger::hash::{sha256, topic_hash};
use aal_ledger::leaf::NO_TIME;
use aal_ledger::merkle::CompactRange;
use aal_ledger::{ChainHead, ChainId, Hash, Kind, Leaf, ZERO_HASH, jcs, leaf_hash};
use aal_readback::walk::{Fault, Walk};
use aal_verify::{COLUMNS, StoredRecord};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const CHAIN: ChainId = ChainId {
    tenant: Uuid::from_u128(1),
    shard: 2,
};

fn record(index: u64, prev_leaf_hash: Hash, model: &str) -> StoredRecord {
    let event_id = Uuid::from_u128(0xe000 + u128::from(index));
    let t_edge_us = 1_790_000_000_000_000 + index as i64;
    let header = json!({"kind": "event", "event_id": event_id, "edge_at_us": t_edge_us, "occurred_at_us": t_edge_us,
        "model": model, "block": 0, "block_row": index, "block_month": 202_609});
    let header_bytes = jcs::to_vec(&header).unwrap();
    let leaf = Leaf {
        kind: Kind::Event,
        tenant: CHAIN.tenant,
        shard: CHAIN.shard,
        index,
        prev_leaf_hash,
        event_id,
        source_id: Uuid::from_u128(3),
        source_epoch: 1,
        source_seq: index,
        topic_hash: topic_hash("audit.events"),
        partition: 2,
        offset: index + 10,
        t_source_us: NO_TIME,
        t_edge_us,
        avro_schema_hash: ZERO_HASH,
        pipeline_hash: ZERO_HASH,
        header_hash: sha256(&header_bytes),
        ingress_receipt_hash: ZERO_HASH,
        slots: Vec::new(),
    };
    let members = header.as_object().unwrap();
    let columns = COLUMNS.iter().map(|column| {
        (
            column.name.to_owned(),
            column.expected(&leaf, members, None).unwrap(),
        )
    });
    let columns: Map<String, Value> = columns.collect();
    let bytes = leaf.encode().unwrap();
    StoredRecord {
        shard: leaf.shard,
        block: 0,
        row: index as u32,
        offset: leaf.offset,
        tenant: leaf.tenant,
        chain_index: index,
        kind: "event".to_owned(),
        event_id,
        prev_leaf_hash: prev_leaf_hash.to_vec(),
        leaf_hash: leaf_hash(&bytes).to_vec(),
        leaf: bytes,
        header: header_bytes,
        templates: Vec::new(),
        ciphertexts: Vec::new(),
        columns,
    }
}

fn chain(len: u64, model_of: impl Fn(u64) -> &'static str) -> (Vec<StoredRecord>, Vec<Hash>) {
    let mut previous = ZERO_HASH;
    let mut records = Vec::new();
    let mut hashes = Vec::new();
    for index in 0..len {
        let record = record(index, previous, model_of(index));
        previous = leaf_hash(&record.leaf);
        hashes.push(previous);
        records.push(record);
    }
    (records, hashes)
}

fn range(hashes: &[Hash]) -> CompactRange {
    let mut range = CompactRange::new();
    hashes.iter().for_each(|hash| range.append(*hash));
    range
}

fn head(hashes: &[Hash]) -> ChainHead {
    ChainHead {
        chain: CHAIN,
        size: hashes.len() as u64,
        root: range(hashes).root(),
        last_leaf_hash: *hashes.last().unwrap(),
    }
}

/// All faults of a walk, and whether it agrees.
fn walked(mut walk: Walk, records: &[StoredRecord], sealed: Option<&[Hash]>) -> (Vec<Fault>, bool) {
    let mut faults = Vec::new();
    for record in records {
        let hash = sealed
            .and_then(|sealed| sealed.get(record.chain_index as usize))
            .copied();
        faults.extend(walk.take(record, hash).faults);
    }
    faults.extend(walk.end());
    (faults, walk.agrees())
}

fn whole(hashes: &[Hash], records: &[StoredRecord]) -> (Vec<Fault>, bool) {
    walked(Walk::whole(head(hashes)), records, None)
}

/// The index of the only fault, which is about a record.
fn only_record(faults: &[Fault]) -> (u64, Uuid, &str) {
    match faults {
        [
            Fault::Record {
                index,
                event_id,
                what,
            },
        ] => (*index, *event_id, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_untouched_chain_agrees_from_its_beginning_and_from_any_tree_before() {
    let (records, hashes) = chain(9, |_| "gpt-4o");
    assert_eq!(whole(&hashes, &records), (vec![], true));
    for from in 1..9 {
        let walk = Walk::after(range(&hashes[..from]), hashes[from - 1], head(&hashes));
        assert_eq!(
            walked(walk, &records[from..], Some(&hashes)),
            (vec![], true),
            "{from}"
        );
    }
}

#[test]
fn each_column_that_is_changed_names_its_record() {
    let (records, hashes) = chain(5, |_| "gpt-4o");
    for column in &COLUMNS {
        let mut changed = records.clone();
        changed[3]
            .columns
            .insert(column.name.to_owned(), json!("something else"));
        let (faults, _) = whole(&hashes, &changed);
        let (index, event_id, what) = only_record(&faults);
        assert_eq!((index, event_id), (3, Uuid::from_u128(0xe003)), "{}", column.name);
        assert!(what.contains(column.name), "{what}");
    }
}

#[test]
fn a_row_that_is_gone_is_named_and_so_is_one_that_came_twice() {
    let (records, hashes) = chain(6, |_| "gpt-4o");
    let mut gone = records.clone();
    gone.remove(2);
    assert_eq!(
        whole(&hashes, &gone),
        (vec![Fault::Missing { first: 2, last: 2 }], false)
    );
    assert_eq!(
        whole(&hashes, &records[..4]),
        (vec![Fault::Missing { first: 4, last: 5 }], false)
    );
    assert_eq!(
        whole(&hashes, &[]),
        (vec![Fault::Missing { first: 0, last: 5 }], false)
    );
    let mut twice = records.clone();
    twice.insert(4, records[3].clone());
    let (faults, _) = whole(&hashes, &twice);
    let (index, _, what) = only_record(&faults);
    assert_eq!((index, what), (3, "index 3 is stored twice"));
}

#[test]
fn a_suffix_rewritten_with_all_its_links_is_named_by_tiles_and_refuted_by_the_root_without_them() {
    let (_, hashes) = chain(6, |_| "gpt-4o");
    let (forged, _) = chain(6, |index| if index < 4 { "gpt-4o" } else { "gpt-cheap" });
    let (faults, agrees) = whole(&hashes, &forged);
    assert!(
        matches!(faults.as_slice(), [Fault::Root { .. }]) && !agrees,
        "{faults:?}"
    );
    let (faults, _) = walked(Walk::whole(head(&hashes)), &forged, Some(&hashes));
    let named: Vec<u64> = faults
        .iter()
        .filter_map(|fault| match fault {
            Fault::Record { index, .. } => Some(*index),
            _ => None,
        })
        .collect();
    assert_eq!(named, [4, 5]);
}

proptest! {
    /// Whichever byte of whichever leaf or header changes, the walk does not agree without a fault.
    #[test]
    fn no_changed_byte_passes(at in 0usize..7, of_header: bool, position in any::<prop::sample::Index>(), flip in 1u8..) {
        let (mut records, hashes) = chain(7, |_| "gpt-4o");
        let bytes = if of_header { &mut records[at].header } else { &mut records[at].leaf };
        let position = position.index(bytes.len());
        bytes[position] ^= flip;
        // The administrator makes the hash fit.
        records[at].leaf_hash = leaf_hash(&records[at].leaf).to_vec();
        let (faults, _) = whole(&hashes, &records);
        prop_assert!(!faults.is_empty());
    }
}
