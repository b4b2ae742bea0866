//! A model of the store and of several processors, with every fault in any order: whatever happens, each
//! offset is accounted for exactly once and blocks are dense.
//!
//! The store behaves as measured: a second insert of a block number's token is dropped with success although its rows
//! differ; an insert that timed out may land later; a crash between noting a token and keeping the rows leaves the
//! token alone.

use std::collections::BTreeSet;

use aal_flow::{Decision, Fact, InsertAnswer, Shard};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct StoredBlock {
    offsets: Vec<u64>,
    hashes: Vec<[u8; 32]>,
}

/// One of a block number's tokens: the number and the attempt.
type Token = (u64, u32);

#[derive(Default)]
struct Store {
    tokens: BTreeSet<Token>,
    /// In the order in which they came, with their numbers.
    blocks: Vec<(u64, StoredBlock)>,
    /// Inserts that timed out and may still land.
    late: Vec<(Token, StoredBlock)>,
    /// What Kafka's group remembers: behind everything that was read back.
    acknowledged: Option<u64>,
}

impl Store {
    /// The store knows nothing of block numbers: only the token decides.
    fn insert(&mut self, token: Token, block: StoredBlock) {
        if self.tokens.insert(token) {
            self.blocks.push((token.0, block));
        }
    }

    /// A crash between noting the token and keeping the rows.
    fn swallow(&mut self, token: Token) {
        self.tokens.insert(token);
    }

    fn block(&self, number: u64) -> Vec<[u8; 32]> {
        let rows = self.blocks.iter().filter(|(stored, _)| *stored == number);
        rows.flat_map(|(_, block)| block.hashes.clone()).collect()
    }

    fn next_offset(&self) -> Option<u64> {
        self.blocks
            .iter()
            .flat_map(|(_, block)| &block.offsets)
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
                    acknowledged: store.acknowledged,
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
                // An asynchronous note: sometimes it is lost.
                if fault != 4 {
                    store.acknowledged = store.acknowledged.max(Some(next_offset));
                }
                match self.build(fault) {
                    Some(fact) => fact,
                    None => return,
                }
            }
            Decision::Insert { attempt, .. } => {
                let (number, block) = self
                    .built
                    .clone()
                    .expect("a block was built before it is inserted");
                let token = (number, attempt);
                Fact::InsertAnswered(match fault {
                    1 => InsertAnswer::Refused,
                    2 => {
                        store.late.push((token, block));
                        InsertAnswer::Unknown
                    }
                    3 => {
                        store.insert(token, block);
                        InsertAnswer::Unknown
                    }
                    4 => {
                        store.swallow(token);
                        InsertAnswer::Unknown
                    }
                    _ => {
                        store.insert(token, block);
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
                Fact::ReadBack(store.block(number))
            }
            Decision::Stop | Decision::Halt(_) | Decision::InsertVanished { .. } => {
                panic!("{:?}", self.decision)
            }
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
                    let (token, block) = store.late.remove(who as usize % store.late.len());
                    store.insert(token, block);
                }
                _ => processors[who as usize].act(&mut store, fault),
            }
        }
        // Calm weather: one processor finishes the rest.
        let mut last = Processor::new(0);
        for _ in 0..4_000 {
            last.act(&mut store, 0);
        }
        let numbers: Vec<u64> = store.blocks.iter().map(|(number, _)| *number).collect();
        prop_assert_eq!(&numbers, &(0..numbers.len() as u64).collect::<Vec<_>>());
        let offsets: Vec<u64> = store.blocks.iter().flat_map(|(_, block)| block.offsets.clone()).collect();
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
        acknowledged: Some(9),
        log_start: 0,
        log_end: 20,
    });
    let built = Fact::BlockBuilt {
        block: 3,
        next_offset: 10,
        hashes: vec![[1; 32]],
        since_poll_ms: 0,
    };
    assert_eq!(
        shard.step(built),
        Decision::Insert {
            after_ms: 0,
            attempt: 0
        }
    );
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
        acknowledged: None,
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
        acknowledged: None,
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
            Decision::Insert { after_ms, attempt: 0 } => pauses.push(after_ms),
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

/// A shard with a block in flight, after its head was read.
fn with_a_block_in_flight(next_offset: Option<u64>, acknowledged: Option<u64>) -> Shard {
    let mut shard = Shard::new(10_000);
    shard.step(Fact::Assigned);
    shard.step(Fact::HeadRead {
        blocks: u64::from(next_offset.is_some()),
        next_offset,
        acknowledged,
        log_start: 0,
        log_end: 20,
    });
    shard.step(Fact::BlockBuilt {
        block: u64::from(next_offset.is_some()),
        next_offset: 10,
        hashes: vec![[1; 32]],
        since_poll_ms: 0,
    });
    shard
}

/// Decisions after so many successes without rows.
fn swallowed(shard: &mut Shard, times: u32) -> Vec<Decision> {
    (0..times)
        .map(|_| {
            shard.step(Fact::InsertAnswered(InsertAnswer::Accepted));
            shard.step(Fact::ReadBack(Vec::new()))
        })
        .collect()
}

#[test]
fn a_swallowed_block_goes_under_the_next_token() {
    for (next_offset, acknowledged) in [
        (None, None),
        (Some(9), Some(9)),
        (Some(9), Some(5)),
        (None, Some(30)),
    ] {
        let mut shard = with_a_block_in_flight(next_offset, acknowledged);
        let decisions = swallowed(&mut shard, 12);
        assert!(
            decisions[..11]
                .iter()
                .all(|decision| matches!(decision, Decision::Insert { attempt: 0, .. }))
        );
        assert_eq!(
            decisions[11],
            Decision::Insert {
                after_ms: 0,
                attempt: 1
            }
        );
        let decisions = swallowed(&mut shard, 12);
        assert_eq!(
            decisions[11],
            Decision::Insert {
                after_ms: 0,
                attempt: 2
            }
        );
        shard.step(Fact::InsertAnswered(InsertAnswer::Accepted));
        assert!(matches!(
            shard.step(Fact::ReadBack(vec![[1; 32]])),
            Decision::Committed { .. }
        ));
    }
}

#[test]
fn answers_that_prove_nothing_keep_the_token() {
    let mut shard = with_a_block_in_flight(Some(9), Some(9));
    for _ in 0..100 {
        shard.step(Fact::InsertAnswered(InsertAnswer::Unknown));
        let decision = shard.step(Fact::ReadBack(Vec::new()));
        assert!(matches!(decision, Decision::Insert { attempt: 0, .. }));
    }
}

#[test]
fn rows_that_were_seen_and_removed_are_waited_for() {
    for (next_offset, acknowledged) in [(Some(9), Some(10)), (None, Some(3)), (Some(9), Some(20))] {
        let mut shard = with_a_block_in_flight(next_offset, acknowledged);
        let decisions = swallowed(&mut shard, 40);
        assert!(
            decisions[11..]
                .iter()
                .all(|decision| matches!(decision, Decision::InsertVanished { attempt: 0, .. }))
        );
    }
}
