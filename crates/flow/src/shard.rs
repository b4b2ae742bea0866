//! The life of one shard under one processor.

use crate::{Start, StartError, start};

/// How an insert was answered. None of these proves what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertAnswer {
    Accepted,
    /// Timed out or the connection broke: it may be stored, or be stored later.
    Unknown,
    /// The store said no.
    Refused,
}

/// What the processor has learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The shard was assigned to this processor.
    Assigned,
    /// The shard was taken away, or the process ends.
    Revoked,
    /// The store's head and Kafka's range were read.
    HeadRead {
        blocks: u64,
        next_offset: Option<u64>,
        log_start: u64,
        log_end: u64,
    },
    /// The head could not be read; it may work later.
    HeadUnreadable,
    /// The stored shard has holes.
    HeadBroken(String),
    /// A block was assembled; `since_poll_ms` is how long ago this processor last polled Kafka.
    BlockBuilt {
        block: u64,
        next_offset: u64,
        hashes: Vec<[u8; 32]>,
        since_poll_ms: u64,
    },
    InsertAnswered(InsertAnswer),
    /// The block's leaf hashes as stored; empty when there is no such block.
    ReadBack(Vec<[u8; 32]>),
    ReadBackFailed,
}

/// Why a shard stands still until somebody looks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    Broken(String),
    #[error("fact {0} does not fit the shard's state; this is a defect")]
    Protocol(&'static str),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Read the store's head and Kafka's range, after a pause.
    ReadHead {
        after_ms: u64,
    },
    /// Drop everything buffered, seek, append the gap record if there is one, build block `block`.
    Consume {
        block: u64,
        start: Start,
    },
    /// Send (or send again, unchanged) the block that was built, after a pause.
    Insert {
        after_ms: u64,
    },
    /// Read the block back, after a pause.
    ReadBack {
        after_ms: u64,
    },
    /// The block is stored and ours; go on with the next one.
    Committed {
        next_block: u64,
        next_offset: u64,
    },
    /// Somebody else's block stands there, or this processor was silent for too long: drop all state, read the head.
    StepBack,
    /// Nothing more to do: the shard is not ours.
    Stop,
    Halt(Halt),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Idle,
    ReadingHead {
        tries: u32,
    },
    Consuming {
        block: u64,
    },
    Inserting {
        block: u64,
        next_offset: u64,
        hashes: Vec<[u8; 32]>,
        tries: u32,
    },
    Verifying {
        block: u64,
        next_offset: u64,
        hashes: Vec<[u8; 32]>,
        tries: u32,
    },
}

/// One shard under one processor. Only one insert is ever in flight.
#[derive(Clone, Debug)]
pub struct Shard {
    state: State,
    session_timeout_ms: u64,
}

const FIRST_PAUSE_MS: u64 = 50;
const LONGEST_PAUSE_MS: u64 = 5_000;

fn pause_ms(tries: u32) -> u64 {
    if tries == 0 {
        0
    } else {
        (FIRST_PAUSE_MS << (tries - 1).min(10)).min(LONGEST_PAUSE_MS)
    }
}

impl Shard {
    /// A shard that is not assigned yet. `session_timeout_ms` is the consumer group's.
    pub fn new(session_timeout_ms: u64) -> Shard {
        Shard {
            state: State::Idle,
            session_timeout_ms,
        }
    }

    /// Whether an insert may be in flight, so that a revocation should wait for its end.
    pub fn is_in_flight(&self) -> bool {
        matches!(self.state, State::Inserting { .. } | State::Verifying { .. })
    }

    /// Takes a fact and decides.
    pub fn step(&mut self, fact: Fact) -> Decision {
        let state = std::mem::replace(&mut self.state, State::Idle);
        match (state, fact) {
            (_, Fact::Revoked) => Decision::Stop,
            (_, Fact::Assigned) => self.read_head(0),
            (
                State::ReadingHead { .. },
                Fact::HeadRead {
                    blocks,
                    next_offset,
                    log_start,
                    log_end,
                },
            ) => match start(next_offset, log_start, log_end) {
                Ok(start) => {
                    self.state = State::Consuming { block: blocks };
                    Decision::Consume { block: blocks, start }
                }
                Err(error) => Decision::Halt(error.into()),
            },
            (State::ReadingHead { tries }, Fact::HeadUnreadable) => self.read_head(tries + 1),
            (State::ReadingHead { .. }, Fact::HeadBroken(what)) => Decision::Halt(Halt::Broken(what)),
            (
                State::Consuming { block },
                Fact::BlockBuilt {
                    block: built,
                    next_offset,
                    hashes,
                    since_poll_ms,
                },
            ) if built == block && !hashes.is_empty() => {
                // Past half the session time-out the group may already have given the shard away.
                if since_poll_ms > self.session_timeout_ms / 2 {
                    self.read_head(0);
                    return Decision::StepBack;
                }
                self.state = State::Inserting {
                    block,
                    next_offset,
                    hashes,
                    tries: 0,
                };
                Decision::Insert { after_ms: 0 }
            }
            (
                State::Inserting {
                    block,
                    next_offset,
                    hashes,
                    tries,
                },
                Fact::InsertAnswered(_),
            ) => {
                // Success says only that a block of this number exists: compare in every case.
                self.state = State::Verifying {
                    block,
                    next_offset,
                    hashes,
                    tries,
                };
                Decision::ReadBack { after_ms: 0 }
            }
            (
                State::Verifying {
                    block,
                    next_offset,
                    hashes,
                    tries,
                },
                Fact::ReadBack(stored),
            ) => {
                if stored == hashes {
                    self.state = State::Consuming { block: block + 1 };
                    return Decision::Committed {
                        next_block: block + 1,
                        next_offset,
                    };
                }
                if stored.is_empty() {
                    let tries = tries + 1;
                    self.state = State::Inserting {
                        block,
                        next_offset,
                        hashes,
                        tries,
                    };
                    return Decision::Insert {
                        after_ms: pause_ms(tries),
                    };
                }
                self.read_head(0);
                Decision::StepBack
            }
            (
                State::Verifying {
                    block,
                    next_offset,
                    hashes,
                    tries,
                },
                Fact::ReadBackFailed,
            ) => {
                let tries = tries + 1;
                self.state = State::Verifying {
                    block,
                    next_offset,
                    hashes,
                    tries,
                };
                Decision::ReadBack {
                    after_ms: pause_ms(tries),
                }
            }
            (_, fact) => Decision::Halt(Halt::Protocol(name_of(&fact))),
        }
    }

    fn read_head(&mut self, tries: u32) -> Decision {
        self.state = State::ReadingHead { tries };
        Decision::ReadHead {
            after_ms: pause_ms(tries),
        }
    }
}

fn name_of(fact: &Fact) -> &'static str {
    match fact {
        Fact::Assigned => "assigned",
        Fact::Revoked => "revoked",
        Fact::HeadRead { .. } => "head read",
        Fact::HeadUnreadable => "head unreadable",
        Fact::HeadBroken(_) => "head broken",
        Fact::BlockBuilt { .. } => "block built",
        Fact::InsertAnswered(_) => "insert answered",
        Fact::ReadBack(_) => "read back",
        Fact::ReadBackFailed => "read-back failed",
    }
}
