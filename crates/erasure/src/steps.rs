//! What comes next for a request, and what each step changes in it. Pure: the clock and all facts come in.

use aal_event::MAX_ERASED_KEYS;
use uuid::Uuid;

use crate::request::{Certified, Erasure, Found, Stage, fact};

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send what is in the outbox.
    Tell,
    /// Look for legal holds and decide.
    Decide,
    /// Find the keys and the rows, and write the list down.
    List,
    /// Delete the keys.
    Destroy,
    /// See whether the ledger holds the `erasure_done` leaves.
    Record,
    /// Empty rows.
    Empty,
    /// Empty the rows written meanwhile.
    Sweep,
    /// See whether old files of the record store are gone.
    Parts,
    /// Delete report files.
    Withdraw,
    /// Make the certificate.
    Certify,
    /// Nothing before this time, microseconds.
    WaitUntil(i64),
    /// Nothing at all.
    Nothing,
}

/// The next step. `settle_us`: longest life of an unwrapped key in any process's memory.
pub fn next(erasure: &Erasure, now_us: i64, settle_us: i64) -> Next {
    if !erasure.outbox.is_empty() {
        return Next::Tell;
    }
    match erasure.stage {
        Stage::Waiting if erasure.is_overridden() || now_us >= erasure.not_before_us => Next::Decide,
        Stage::Waiting => Next::WaitUntil(erasure.not_before_us),
        Stage::Held => Next::Decide,
        Stage::Listing => Next::List,
        Stage::Destroying => Next::Destroy,
        Stage::Recording => Next::Record,
        Stage::Emptying => Next::Empty,
        Stage::Settling => {
            let until_us = erasure.destroyed_us.saturating_add(settle_us);
            if now_us >= until_us {
                Next::Sweep
            } else {
                Next::WaitUntil(until_us)
            }
        }
        Stage::Parts => Next::Parts,
        Stage::Withdrawing => Next::Withdraw,
        Stage::Certifying => Next::Certify,
        Stage::Done | Stage::Refused | Stage::Cancelled => Next::Nothing,
    }
}

impl Erasure {
    /// The outbox was acknowledged.
    pub fn told(&mut self) {
        self.outbox.clear();
    }

    /// Legal holds were looked at; says whether anything changed.
    pub fn holds_found(&mut self, mut holds: Vec<Uuid>, now_us: i64) -> bool {
        holds.sort_unstable();
        if !holds.is_empty() {
            let last = self.decisions.last();
            let is_known = last.is_some_and(|last| last.outcome == "held" && last.holds == holds);
            if self.stage == Stage::Held && is_known {
                return false;
            }
            self.decide("held", holds, None, now_us, None);
            self.leave(Stage::Held, now_us);
            return true;
        }
        self.decide("approved", holds, None, now_us, None);
        self.leave(Stage::Listing, now_us);
        true
    }

    /// The keys and rows that there are now; keys found earlier stay in the list.
    pub fn listed(&mut self, keys: Vec<Uuid>, found: Found, now_us: i64) {
        self.keys.extend(keys);
        self.keys.sort_unstable();
        self.keys.dedup();
        self.found = found;
        self.leave(Stage::Destroying, now_us);
    }

    /// A hold was placed after the decision and before the destruction.
    pub fn held_back(&mut self, holds: Vec<Uuid>, now_us: i64) {
        self.leave(Stage::Held, now_us);
        self.holds_found(holds, now_us);
    }

    /// The keys are gone. The leaf names them; several leaves when there are many.
    pub fn keys_destroyed(&mut self, now_us: i64) {
        self.destroyed_us = now_us;
        let keys = self.keys.clone();
        for (number, chunk) in keys.chunks(MAX_ERASED_KEYS).enumerate() {
            let names: Vec<String> = chunk.iter().map(Uuid::to_string).collect();
            let facts = fact("subject_key_ids", names.into());
            self.say("keys_destroyed", &number.to_string(), None, now_us, facts, None);
        }
        self.leave(Stage::Recording, now_us);
    }

    /// The ids of the `erasure_done` leaves.
    pub fn done_leaves(&self) -> impl Iterator<Item = Uuid> + '_ {
        let done = aal_event::Kind::ErasureDone.as_str();
        self.leaves
            .iter()
            .filter(move |leaf| leaf.kind == done)
            .map(|leaf| leaf.event_id)
    }

    /// The leaves are in the ledger.
    pub fn recorded(&mut self, now_us: i64) {
        self.leave(Stage::Emptying, now_us);
    }

    /// No row holds anything under the keys any more; the record store's clock says `store_now_s`.
    pub fn emptied(&mut self, store_now_s: i64, now_us: i64) {
        self.emptied_s = store_now_s;
        let next = match self.stage {
            Stage::Emptying => Stage::Settling,
            _ => Stage::Parts,
        };
        self.leave(next, now_us);
    }

    /// No file with old rows is left.
    pub fn parts_gone(&mut self, now_us: i64) {
        self.leave(Stage::Withdrawing, now_us);
    }

    /// The files of these jobs were deleted, and nothing that could make further ones runs.
    pub fn reports_withdrawn(&mut self, now_us: i64) {
        self.leave(Stage::Certifying, now_us);
    }

    /// The certificate is stored; its digest goes into the ledger.
    pub fn certified(&mut self, certified: Certified, now_us: i64) {
        let facts = fact("certificate_sha256", certified.sha256.clone().into());
        self.certified = Some(certified);
        self.say("complete", "0", None, now_us, facts, None);
        self.leave(Stage::Done, now_us);
    }
}
