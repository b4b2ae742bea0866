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
        /// The first offset behind everything that some processor saw stored, as Kafka's consumer group remembers
        /// it; none when it does not.
        acknowledged: Option<u64>,
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
    /// Send (or send again, unchanged) the block that was built, after a pause, under the block number's token of
    /// this attempt.
    Insert {
        after_ms: u64,
        attempt: u32,
    },
    /// As `Insert`, but raise an alarm: the store holds the token of this block and not its rows, although they were
    /// stored once. Somebody removed them, and only putting them back is sound.
    InsertVanished {
        after_ms: u64,
        attempt: u32,
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
    ReadingHead { tries: u32 },
    Consuming { block: u64 },
    Inserting(InFlight),
    Verifying(InFlight),
}

/// A block that was built and is not known to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InFlight {
    block: u64,
    next_offset: u64,
    hashes: Vec<[u8; 32]>,
    /// How often it was looked for in vain, whatever the reason.
    tries: u32,
    /// Which of the block number's tokens it is sent under.
    attempt: u32,
    /// The answer to the last insert was success.
    accepted: bool,
    /// How often an insert of this attempt succeeded and nothing was stored.
    swallowed: u32,
}

/// One shard under one processor. Only one insert is ever in flight.
#[derive(Clone, Debug)]
pub struct Shard {
    state: State,
    session_timeout_ms: u64,
    /// The store ends before what was seen stored, as far as Kafka remembers; rows may have been removed.
    may_have_vanished: bool,
}

const FIRST_PAUSE_MS: u64 = 50;
const LONGEST_PAUSE_MS: u64 = 5_000;
/// How often a success without rows is seen before it is believed: half a minute of pauses.
const MOST_SWALLOWED: u32 = 12;

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
            may_have_vanished: false,
        }
    }

    /// Whether an insert may be in flight, so that a revocation should wait for its end.
    pub fn is_in_flight(&self) -> bool {
        matches!(self.state, State::Inserting(_) | State::Verifying(_))
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
                    acknowledged,
                    log_start,
                    log_end,
                },
            ) => match start(next_offset, log_start, log_end) {
                Ok(start) => {
                    self.may_have_vanished = may_have_vanished(next_offset, acknowledged, log_end);
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
                self.state = State::Inserting(InFlight {
                    block,
                    next_offset,
                    hashes,
                    tries: 0,
                    attempt: 0,
                    accepted: false,
                    swallowed: 0,
                });
                Decision::Insert {
                    after_ms: 0,
                    attempt: 0,
                }
            }
            (State::Inserting(sent), Fact::InsertAnswered(answer)) => {
                // Success says only that a block of this number was noted: compare in every case.
                self.state = State::Verifying(InFlight {
                    accepted: answer == InsertAnswer::Accepted,
                    ..sent
                });
                Decision::ReadBack { after_ms: 0 }
            }
            (State::Verifying(sent), Fact::ReadBack(stored)) => {
                if stored == sent.hashes {
                    self.state = State::Consuming {
                        block: sent.block + 1,
                    };
                    return Decision::Committed {
                        next_block: sent.block + 1,
                        next_offset: sent.next_offset,
                    };
                }
                if stored.is_empty() {
                    return self.send_again(sent);
                }
                self.read_head(0);
                Decision::StepBack
            }
            (State::Verifying(sent), Fact::ReadBackFailed) => {
                let tries = sent.tries + 1;
                self.state = State::Verifying(InFlight { tries, ..sent });
                Decision::ReadBack {
                    after_ms: pause_ms(tries),
                }
            }
            (_, fact) => Decision::Halt(Halt::Protocol(name_of(&fact))),
        }
    }

    /// The store has nothing of the block.
    ///
    /// Success without rows means that the store noted the block's token and holds no rows for it: token and rows
    /// appear together, so nobody's rows of this token will come any more. Either the store crashed between the two, and
    /// the block goes under the number's next token; all processors take the same tokens in the same order, so each is a
    /// compare-and-set as the first was. Or the rows were stored, seen and removed since; storing the messages again
    /// would cut them into other blocks and contradict what was sealed, so the shard waits for them.
    fn send_again(&mut self, mut sent: InFlight) -> Decision {
        sent.tries += 1;
        sent.swallowed += u32::from(sent.accepted);
        let believed = sent.swallowed >= MOST_SWALLOWED;
        if believed && !self.may_have_vanished {
            sent.attempt += 1;
            sent.swallowed = 0;
            sent.tries = 0;
        }
        let (after_ms, attempt) = (pause_ms(sent.tries), sent.attempt);
        self.state = State::Inserting(sent);
        if believed && self.may_have_vanished {
            Decision::InsertVanished { after_ms, attempt }
        } else {
            Decision::Insert { after_ms, attempt }
        }
    }

    fn read_head(&mut self, tries: u32) -> Decision {
        self.state = State::ReadingHead { tries };
        Decision::ReadHead {
            after_ms: pause_ms(tries),
        }
    }
}

/// Whether the store ends before what was seen stored. What Kafka remembers of another topic of the same name does not
/// count.
fn may_have_vanished(next_offset: Option<u64>, acknowledged: Option<u64>, log_end: u64) -> bool {
    acknowledged.is_some_and(|offset| offset <= log_end && offset > next_offset.unwrap_or(0))
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
