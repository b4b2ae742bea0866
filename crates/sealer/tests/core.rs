//! Which rows are sealed, and which are refused.

mod common;

use aal_ledger::{Kind, LinkError, ZERO_HASH};
use aal_sealer::StoredLeaf;
use aal_sealer::core::{Epoch, EpochBuilder, EpochFacts, Fault, Notice};
use aal_sealer::state::SealerState;
use common::{START_US, STEP_US, Store, header_of, next_leaf, stored};
use proptest::prelude::*;
use uuid::Uuid;

fn facts(now_us: i64) -> EpochFacts {
    EpochFacts {
        now_us,
        incarnation: Uuid::from_u128(0xa1),
        policy_hash: [2; 32],
        timestamp_hash: ZERO_HASH,
        witness_hash: ZERO_HASH,
    }
}

fn rows(blocks: &[&[u128]]) -> Vec<StoredLeaf> {
    let store = Store::default();
    blocks.iter().for_each(|tenants| store.block(0, tenants));
    store.rows.lock().unwrap().clone()
}

fn seal(state: SealerState, rows: &[StoredLeaf], now_us: i64) -> Epoch {
    let mut builder = EpochBuilder::new(state);
    builder.take(0, rows);
    builder.finish(facts(now_us)).unwrap()
}

#[test]
fn an_epoch_has_one_head_for_each_chain() {
    let epoch = seal(SealerState::default(), &rows(&[&[1, 2, 1], &[2]]), START_US);
    assert_eq!(
        (epoch.manifest.epoch, epoch.manifest.leaf_count, epoch.new_leaves),
        (0, 4, 4)
    );
    let sizes: Vec<u64> = epoch.heads.chains().iter().map(|head| head.size).collect();
    assert_eq!(sizes, [2, 2]);
    let shard = epoch.heads.shards()[0];
    assert_eq!((shard.next_block, shard.next_offset), (2, 4));
    assert!(epoch.refused.is_empty() && epoch.notices.is_empty());
    assert_eq!(epoch.checkpoint("o").size, 1);

    let idle = seal(epoch.state.clone(), &[], START_US + STEP_US);
    assert_eq!(idle.heads, epoch.heads);
    assert_eq!(idle.manifest.check_follows(Some(&epoch.manifest)), Ok(()));
    assert_eq!(idle.manifest.opened_us, START_US);
    assert_eq!(idle.checkpoint("o").size, 2);
}

#[test]
fn a_clock_that_goes_back_moves_no_epoch_back() {
    let first = seal(SealerState::default(), &[], START_US);
    let second = seal(first.state.clone(), &[], START_US - 5);
    assert_eq!(
        (second.manifest.opened_us, second.manifest.closed_us),
        (START_US, START_US)
    );
    assert_eq!(
        second.notices,
        [Notice::ClockBack {
            before_us: START_US,
            now_us: START_US - 5
        }]
    );
}

#[test]
fn another_store_is_noticed() {
    let first = seal(SealerState::default(), &[], START_US);
    let replaced = EpochFacts {
        incarnation: Uuid::from_u128(0xb2),
        ..facts(START_US)
    };
    let second = EpochBuilder::new(first.state).finish(replaced).unwrap();
    assert!(matches!(second.notices[..], [Notice::StoreReplaced { .. }]));
}

#[test]
fn faulty_rows_are_not_sealed() {
    type Change = fn(&mut Vec<StoredLeaf>);
    type IsRight = fn(&Fault) -> bool;
    let cases: [(&str, Change, IsRight); 11] = [
        (
            "leaf changed",
            |rows| rows[4].leaf[250] ^= 1,
            |fault| matches!(fault, Fault::LeafHash { .. }),
        ),
        (
            "hash changed",
            |rows| rows[4].leaf_hash[0] ^= 1,
            |fault| matches!(fault, Fault::LeafHash { .. }),
        ),
        (
            "header changed",
            |rows| rows[4].header[9] ^= 1,
            |fault| *fault == Fault::Header,
        ),
        (
            "tenant column",
            |rows| rows[4].tenant = Uuid::nil(),
            |fault| *fault == Fault::Column("tenant"),
        ),
        (
            "index column",
            |rows| rows[4].chain_index += 1,
            |fault| *fault == Fault::Column("chain_index"),
        ),
        (
            "row missing",
            |rows| drop(rows.remove(3)),
            |fault| matches!(fault, Fault::Place { expected_row: 0, .. }),
        ),
        (
            "row twice",
            |rows| rows.insert(4, rows[3].clone()),
            |fault| matches!(fault, Fault::Place { expected_row: 1, .. }),
        ),
        (
            "another shard's row",
            |rows| rows[4].shard = 1,
            |fault| *fault == Fault::Shard,
        ),
        (
            "block missing",
            |rows| rows.iter_mut().skip(3).for_each(|row| row.block += 1),
            |fault| {
                matches!(
                    fault,
                    Fault::Place {
                        expected: 1,
                        expected_row: 0
                    }
                )
            },
        ),
        (
            "link changed",
            |rows| {
                let (mut leaf, header) = next_leaf(&rows[..4], 0, 1, 4);
                leaf.prev_leaf_hash[0] ^= 1;
                rows[4] = stored((leaf, header), 1, 1);
            },
            |fault| {
                matches!(
                    fault,
                    Fault::Link {
                        source: LinkError::Link { .. },
                        ..
                    }
                )
            },
        ),
        (
            "offset again",
            |rows| {
                let leaf = next_leaf(&rows[..4], 0, 1, 3);
                rows[4] = stored(leaf, 1, 1);
            },
            |fault| *fault == Fault::Offset { next: 4, found: 3 },
        ),
    ];
    let good = rows(&[&[1, 2, 1], &[2, 1], &[1]]);
    let control = seal(SealerState::default(), &good, START_US);
    assert_eq!((control.new_leaves, control.refused.len()), (6, 0));
    for (name, change, is_right) in cases {
        let mut bad = good.clone();
        change(&mut bad);
        let epoch = seal(SealerState::default(), &bad, START_US);
        assert_eq!(epoch.refused.len(), 1, "{name}");
        assert!(is_right(&epoch.refused[0].fault), "{name}: {}", epoch.refused[0]);
        assert_eq!(epoch.refused[0].shard, 0);
        // The block before is sealed, the faulty one and what follows are not.
        assert_eq!(
            (epoch.new_leaves, epoch.state.shards[&0].next_block),
            (3, 1),
            "{name}"
        );
        // Once repaired, sealing goes on where it stopped.
        let repaired = seal(epoch.state, &good[3..], START_US + STEP_US);
        assert_eq!(repaired.heads, control.heads, "{name}");
    }
}

#[test]
fn one_bad_shard_does_not_stop_the_others() {
    let store = Store::default();
    store.block(0, &[1]);
    store.block(1, &[1, 2]);
    store.edit(0, |row| row.leaf[250] ^= 1);
    let rows = store.rows.lock().unwrap().clone();
    let mut builder = EpochBuilder::new(SealerState::default());
    builder.take(0, &rows[..1]);
    builder.take(1, &rows[1..]);
    assert!(builder.is_refused(0) && !builder.is_refused(1));
    let epoch = builder.finish(facts(START_US)).unwrap();
    assert_eq!(
        (epoch.new_leaves, epoch.refused.len(), epoch.heads.chains().len()),
        (2, 1, 2)
    );
}

#[test]
fn skipped_offsets_are_noticed_and_gaps_account_for_them() {
    let skipping = stored(next_leaf(&[], 0, 1, 5), 0, 0);
    let epoch = seal(SealerState::default(), std::slice::from_ref(&skipping), START_US);
    assert_eq!(
        epoch.notices,
        [Notice::OffsetsSkipped {
            shard: 0,
            first: 0,
            last: 4
        }]
    );
    assert_eq!(epoch.new_leaves, 1);

    let (mut leaf, _) = next_leaf(&[], 0, 0, 4);
    leaf.kind = Kind::Gap;
    let mut header: serde_json::Value =
        serde_json::from_slice(&header_of(Kind::Gap, leaf.t_edge_us)).unwrap();
    header["first_offset"] = 0.into();
    let header = aal_ledger::jcs::to_vec(&header).unwrap();
    leaf.header_hash = aal_ledger::hash::sha256(&header);
    let gap = stored((leaf, header), 0, 0);
    let after = stored(next_leaf(&[], 0, 1, 5), 0, 1);
    let epoch = seal(SealerState::default(), &[gap, after], START_US);
    assert_eq!(
        (epoch.notices.len(), epoch.refused.len(), epoch.new_leaves),
        (0, 0, 2)
    );
}

proptest! {
    /// However blocks are spread over epochs, the heads are those of sealing all at once.
    #[test]
    fn heads_do_not_depend_on_the_epochs(blocks in prop::collection::vec(prop::collection::vec(1u128..4, 1..5), 1..8), cuts in prop::collection::vec(any::<bool>(), 8)) {
        let blocks: Vec<&[u128]> = blocks.iter().map(Vec::as_slice).collect();
        let rows = rows(&blocks);
        let at_once = seal(SealerState::default(), &rows, START_US);
        let mut state = SealerState::default();
        let mut pending: Vec<StoredLeaf> = Vec::new();
        for block in rows.chunk_by(|left, right| left.block == right.block) {
            pending.extend_from_slice(block);
            if cuts[block[0].block as usize] {
                let epoch = seal(state, &pending, START_US);
                // What is saved brings the same state back.
                let manifest = epoch.manifest.clone();
                let restored = SealerState::restore(manifest, epoch.state.anchor.clone(), &epoch.heads, epoch.frontier.as_bytes());
                prop_assert_eq!(restored.unwrap(), epoch.state.clone());
                state = epoch.state;
                pending.clear();
            }
        }
        let last = seal(state, &pending, START_US);
        prop_assert_eq!(last.heads, at_once.heads);
    }
}
