//! Which call happens when. Only seeds are kept, never bodies, so a month of any size fits in little memory: what is
//! pending is the calls of running sessions and the outcomes of the last two days.

use std::{cmp::Reverse, collections::BinaryHeap};

use uuid::Uuid;

use crate::{
    calendar::{Calendar, Cell, HOUR_US},
    catalogue::COMPANIES,
    rng::{Rng, mix},
};

/// A session before a word of it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    pub seed: u64,
    /// Index into [`COMPANIES`].
    pub company: usize,
    /// Index into the company's scenarios.
    pub scenario: usize,
    pub turns: u64,
    pub start_us: i64,
}

/// What happens at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A call, counted from 0 within the session.
    Turn(u64),
    /// Somebody records what became of the decision with this event id.
    Outcome(Uuid),
}

/// A step of a session, ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planned {
    pub at_us: i64,
    pub session: Session,
    pub step: Step,
}

/// The steps of a month in time order.
#[derive(Debug)]
pub struct Plan {
    seed: u64,
    calendar: Calendar,
    sessions: u64,
    pending: BinaryHeap<Reverse<Planned>>,
    /// Everything before this is in `pending`.
    planned_until_us: i64,
    end_us: i64,
}

impl Plan {
    pub fn new(seed: u64, decisions: u64, end_us: i64) -> Self {
        Self {
            seed,
            calendar: Calendar::new(decisions, end_us),
            sessions: 0,
            pending: BinaryHeap::new(),
            planned_until_us: i64::MIN,
            end_us,
        }
    }

    /// Records that an outcome follows; those after the end of the month have not happened yet.
    pub fn expect_outcome(&mut self, at_us: i64, session: Session, target: Uuid) {
        if at_us < self.end_us {
            self.pending.push(Reverse(Planned {
                at_us,
                session,
                step: Step::Outcome(target),
            }));
        }
    }

    /// Plans the next hour. False when the month is over.
    fn plan_hour(&mut self) -> bool {
        for _ in &COMPANIES {
            let Some(cell) = self.calendar.next() else {
                return false;
            };
            self.planned_until_us = cell.hour_start_us + HOUR_US;
            self.plan_cell(cell);
        }
        true
    }

    fn plan_cell(&mut self, cell: Cell) {
        let mut calls_left = cell.calls;
        while calls_left > 0 {
            let seed = mix(self.seed, self.sessions);
            self.sessions += 1;
            let mut rng = Rng::new(seed);
            let scenarios = COMPANIES[cell.company].scenarios;
            let scenario = rng.weighted(scenarios.iter().map(|scenario| scenario.weight));
            let (fewest, most) = scenarios[scenario].turns;
            let turns = rng.between(fewest, most).min(calls_left);
            calls_left -= turns;
            let start_us = cell.hour_start_us + i64::try_from(rng.below(HOUR_US.unsigned_abs())).unwrap_or(0);
            let session = Session {
                seed,
                company: cell.company,
                scenario,
                turns,
                start_us,
            };
            let mut at_us = start_us;
            for turn in 0..turns {
                self.pending.push(Reverse(Planned {
                    at_us,
                    session,
                    step: Step::Turn(turn),
                }));
                at_us += i64::try_from(rng.between(18_000_000, 140_000_000)).unwrap_or(0);
            }
        }
    }
}

impl Iterator for Plan {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        loop {
            let is_ready = self
                .pending
                .peek()
                .is_some_and(|Reverse(planned)| planned.at_us < self.planned_until_us);
            if is_ready || !self.plan_hour() {
                return self.pending.pop().map(|Reverse(planned)| planned);
            }
        }
    }
}
