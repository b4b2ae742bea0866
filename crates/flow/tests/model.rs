//! A model of the store and of several processors, with every fault in any order: whatever happens, each
//! offset is accounted for exactly once and blocks are dense.
//!
//! The store behaves as measured: a second insert of a block number is dropped with success although its rows
//! differ; an insert that timed out may land later.

use aal_flow::{Decision, Fact, InsertAnswer, Shard};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct StoredBlock {
    offsets: Vec<u64>,
    hashes: Vec<[u8; 32]>,
}

#[derive(Default)]
struct Store {
    blocks: Vec<StoredBlock>,
    /// Inserts that timed out and may still land.
    late: Vec<(u64, StoredBlock)>,
}

impl Store {
    /// The token is a compare-and-set on the block number.
    fn insert(&mut self, number: u64, block: StoredBlock) {
        if number as usize == self.blocks.len() {
            self.blocks.push(block);
        }
    }

    fn next_offset(&self) -> Option<u64> {
        self.blocks
            .iter()
            .flat_map(|block| &block.offsets)
            .max()
            .map(|offset| offset + 1)
    }
}

struct Processor {
    id: u8,
    shard: Shard,
    decision: Decision,
    next_offset: u64,
    next_block: u64,
    built: Option<(u64, StoredBlock)>,
}

const LOG_END: u64 = 40;

impl Processor {
    fn new(id: u8) -> Processor {
        let mut shard = Shard::new(10_000);
        let decision = shard.step(Fact::Assigned);
        Processor {
            id,
            shard,
            decision,
            next_offset: 0,
            next_block: 0,
            built: None,
        }
    }

    /// One action; `fault` chooses how the world answers.
    fn act(&mut self, store: &mut Store, fault: u8) {
        let fact = match self.decision.clone() {
            Decision::ReadHead { .. } if fault == 1 => Fact::HeadUnreadable,
            Decision::ReadHead { .. } | Decision::StepBack => {
                if self.decision == Decision::StepBack {
                    self.built = None;
                }
                Fact::HeadRead {
                    blocks: store.blocks.len() as u64,
                    next_offset: store.next_offset(),
                    log_start: 0,
                    log_end: LOG_END,
                }
            }
            Decision::Consume { block, start } => {
                (self.next_block, self.next_offset) = (block, start.offset);
                match self.build(fault) {
                    Some(fact) => fact,
                    None => return,
                }
            }
            Decision::Committed {
                next_block,
                next_offset,
            } => {
                (self.next_block, self.next_offset) = (next_block, next_offset);
                match self.build(fault) {
                    Some(fact) => fact,
                    None => return,
                }
            }
            Decision::Insert { .. } => {
                let (number, block) = self
                    .built
                    .clone()
                    .expect("a block was built before it is inserted");
                Fact::InsertAnswered(match fault {
                    1 => InsertAnswer::Refused,
                    2 => {
                        store.late.push((number, block));
                        InsertAnswer::Unknown
                    }
                    3 => {
                        store.insert(number, block);
                        InsertAnswer::Unknown
                    }
                    _ => {
                        store.insert(number, block);
                        InsertAnswer::Accepted
                    }
                })
            }
            Decision::ReadBack { .. } if fault == 1 => Fact::ReadBackFailed,
            Decision::ReadBack { .. } => {
                let number = self
                    .built
                    .as_ref()
                    .expect("a block was built before it is read back")
                    .0;
                Fact::ReadBack(
                    store
                        .blocks
                        .get(number as usize)
                        .map(|block| block.hashes.clone())
                        .unwrap_or_default(),
                )
            }
            Decision::Stop | Decision::Halt(_) => panic!("{:?}", self.decision),
        };
        self.decision = self.shard.step(fact);
    }

    /// Blocks of one to four records; each processor's hashes differ, as if its pipeline did.
    fn build(&mut self, fault: u8) -> Option<Fact> {
        if self.next_offset >= LOG_END {
            return None;
        }
        let last = (self.next_offset + u64::from(fault % 4)).min(LOG_END - 1);
        let offsets: Vec<u64> = (self.next_offset..=last).collect();
        let hashes = offsets
            .iter()
            .map(|offset| [(*offset as u8) ^ (self.id << 6); 32])
            .collect::<Vec<_>>();
        self.built = Some((
            self.next_block,
            StoredBlock {
                offsets,
                hashes: hashes.clone(),
            },
        ));
        let since_poll_ms = if fault == 7 { 6_000 } else { 0 };
        Some(Fact::BlockBuilt {
            block: self.next_block,
            next_offset: last + 1,
            hashes,
            since_poll_ms,
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_offset_is_accounted_for_exactly_once(steps in proptest::collection::vec((0u8..3, 0u8..8), 1..400)) {
        let mut store = Store::default();
        let mut processors: Vec<Processor> = (0..3).map(Processor::new).collect();
        for (who, fault) in steps {
            match fault {
                // A crash: all state is gone, the next one begins from the store.
                5 => processors[who as usize] = Processor::new(who),
                // A late insert lands now.
                6 if !store.late.is_empty() => {
                    let (number, block) = store.late.remove(who as usize % store.late.len());
                    store.insert(number, block);
                }
                _ => processors[who as usize].act(&mut store, fault),
            }
        }
        // Calm weather: one processor finishes the rest.
        let mut last = Processor::new(0);
        for _ in 0..400 {
            last.act(&mut store, 0);
        }
        let offsets: Vec<u64> = store.blocks.iter().flat_map(|block| block.offsets.clone()).collect();
        prop_assert_eq!(offsets, (0..LOG_END).collect::<Vec<_>>());
    }
}

#[test]
fn another_ones_block_means_step_back() {
    let mut shard = Shard::new(10_000);
    assert_eq!(shard.step(Fact::Assigned), Decision::ReadHead { after_ms: 0 });
    shard.step(Fact::HeadRead {
        blocks: 3,
        next_offset: Some(9),
        log_start: 0,
        log_end: 20,
    });
    let built = Fact::BlockBuilt {
        block: 3,
        next_offset: 10,
        hashes: vec![[1; 32]],
        since_poll_ms: 0,
    };
    assert_eq!(shard.step(built), Decision::Insert { after_ms: 0 });
    assert!(shard.is_in_flight());
    assert_eq!(
        shard.step(Fact::InsertAnswered(InsertAnswer::Accepted)),
        Decision::ReadBack { after_ms: 0 }
    );
    assert_eq!(shard.step(Fact::ReadBack(vec![[2; 32]])), Decision::StepBack);
}

#[test]
fn a_silent_processor_starts_no_insert() {
    let mut shard = Shard::new(10_000);
    shard.step(Fact::Assigned);
    shard.step(Fact::HeadRead {
        blocks: 0,
        next_offset: None,
        log_start: 0,
        log_end: 20,
    });
    let built = Fact::BlockBuilt {
        block: 0,
        next_offset: 1,
        hashes: vec![[1; 32]],
        since_poll_ms: 5_001,
    };
    assert_eq!(shard.step(built), Decision::StepBack);
}

#[test]
fn a_missing_block_is_sent_again_after_a_growing_pause() {
    let mut shard = Shard::new(10_000);
    shard.step(Fact::Assigned);
    shard.step(Fact::HeadRead {
        blocks: 0,
        next_offset: None,
        log_start: 0,
        log_end: 20,
    });
    shard.step(Fact::BlockBuilt {
        block: 0,
        next_offset: 1,
        hashes: vec![[1; 32]],
        since_poll_ms: 0,
    });
    let mut pauses = Vec::new();
    for _ in 0..9 {
        shard.step(Fact::InsertAnswered(InsertAnswer::Unknown));
        match shard.step(Fact::ReadBack(Vec::new())) {
            Decision::Insert { after_ms } => pauses.push(after_ms),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
}

#[test]
fn a_fact_out_of_place_halts() {
    let mut shard = Shard::new(10_000);
    assert!(matches!(
        shard.step(Fact::ReadBack(Vec::new())),
        Decision::Halt(_)
    ));
}
