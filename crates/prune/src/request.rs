//! One prune: what it removes, who must agree, how far it is, and what comes next. Pure.

use aal_event::Kind;
use aal_ledger::pruned::MAX_RANGES;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::plan::Plan;

/// How far a prune is. The last two end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Until a second person agrees.
    Planned,
    /// Agreed; rules and holds are looked at once more.
    Approved,
    /// The `prune` leaves are on their way into the ledger.
    Recording,
    /// Rows are being emptied.
    Removing,
    /// Until the record store has deleted the files with the old rows.
    Parts,
    /// Everything is done.
    Done,
    /// An officer took it back.
    Cancelled,
}

impl Stage {
    /// The name in JSON and in the control store.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Planned => "planned",
            Stage::Approved => "approved",
            Stage::Recording => "recording",
            Stage::Removing => "removing",
            Stage::Parts => "parts",
            Stage::Done => "done",
            Stage::Cancelled => "cancelled",
        }
    }

    /// Whether nothing is left to do.
    pub fn is_end(self) -> bool {
        matches!(self, Stage::Done | Stage::Cancelled)
    }
}

/// The second person's consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub by: Uuid,
    pub at_us: i64,
}

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("the prune is {0} and cannot be changed any more")]
    TooLate(&'static str),
    #[error("who asked for a prune cannot approve it; a second person must")]
    SamePerson,
}

/// One prune with everything about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prune {
    pub id: Uuid,
    pub tenant: Uuid,
    pub stage: Stage,
    /// Retention is reckoned as of this moment, whenever it is approved.
    pub requested_us: i64,
    pub requested_by: Uuid,
    pub reason: String,
    pub approval: Option<Approval>,
    /// What goes. After the approval it may shrink, by holds and rules that came since; it never grows.
    pub plan: Plan,
    /// Holds that stood when it was planned last.
    pub holds: Vec<Uuid>,
    /// The record store's clock when the rows were found empty, seconds.
    pub emptied_s: i64,
    /// When each stage was left, microseconds.
    pub left: Vec<(Stage, i64)>,
    /// Why the last try did not go on; empty when it did.
    pub trouble: String,
    /// Of the stored row.
    #[serde(skip)]
    pub version: i64,
}

impl Prune {
    /// A new one.
    pub fn new(id: Uuid, tenant: Uuid, by: Uuid, at_us: i64, reason: String) -> Prune {
        Prune {
            id,
            tenant,
            stage: Stage::Planned,
            requested_us: at_us,
            requested_by: by,
            reason,
            approval: None,
            plan: Plan::default(),
            holds: Vec::new(),
            emptied_s: 0,
            left: Vec::new(),
            trouble: String::new(),
            version: 0,
        }
    }

    /// A second person agrees.
    ///
    /// # Errors
    /// The same person, or it is too late.
    pub fn approve(&mut self, by: Uuid, at_us: i64) -> Result<(), ChangeError> {
        if self.stage != Stage::Planned {
            return Err(ChangeError::TooLate(self.stage.as_str()));
        }
        if by == self.requested_by {
            return Err(ChangeError::SamePerson);
        }
        self.approval = Some(Approval { by, at_us });
        self.leave(Stage::Approved, at_us);
        Ok(())
    }

    /// An officer takes it back.
    ///
    /// # Errors
    /// Its leaves are on their way: from there on it is carried out.
    pub fn cancel(&mut self, at_us: i64) -> Result<(), ChangeError> {
        if !matches!(self.stage, Stage::Planned | Stage::Approved) {
            return Err(ChangeError::TooLate(self.stage.as_str()));
        }
        self.leave(Stage::Cancelled, at_us);
        Ok(())
    }

    /// Planned anew right before it is carried out.
    pub fn planned_again(&mut self, plan: Plan, holds: Vec<Uuid>, at_us: i64) {
        self.plan = plan.within(&self.plan);
        self.holds = holds;
        let next = if self.plan.chains.is_empty() {
            Stage::Done
        } else {
            Stage::Recording
        };
        self.leave(next, at_us);
    }

    pub(crate) fn leave(&mut self, next: Stage, at_us: i64) {
        if next != self.stage {
            self.left.push((self.stage, at_us));
            self.stage = next;
        }
    }

    /// Notes why it did not go on; says whether that is new.
    pub(crate) fn stuck(&mut self, trouble: &str) -> bool {
        const MAX_TROUBLE_BYTES: usize = 500;
        let cut = trouble.floor_char_boundary(MAX_TROUBLE_BYTES.min(trouble.len()));
        let is_new = self.trouble != trouble[..cut];
        self.trouble = trouble[..cut].to_owned();
        is_new
    }

    /// The `prune` leaves: id of each event, and what it says. The same each time.
    pub fn leaves(&self) -> Vec<(Uuid, Map<String, Value>)> {
        let id = self.id.to_string();
        let mut leaves = Vec::new();
        for chain in &self.plan.chains {
            for (part, ranges) in chain.ranges.chunks(MAX_RANGES).enumerate() {
                let parts = [id.as_str(), &chain.shard.to_string(), &part.to_string()];
                let event_id = aal_event::system_id(Kind::Prune, &parts);
                let detail = json!({
                    "prune": id, "records": self.plan.records, "shard": chain.shard,
                    "pruned_shard": chain.shard, "pruned_ranges": ranges,
                });
                let Value::Object(detail) = detail else { continue };
                leaves.push((event_id, detail));
            }
        }
        leaves
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ChainPlan;

    fn planned() -> Prune {
        let mut prune = Prune::new(
            Uuid::from_u128(9),
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            5,
            String::new(),
        );
        prune.plan.chains = vec![ChainPlan {
            shard: 3,
            ranges: vec![(0, 4), (8, 9)],
        }];
        prune
    }

    #[test]
    fn a_second_person_must_agree_and_nobody_after_the_leaves() {
        let mut prune = planned();
        assert_eq!(prune.approve(Uuid::from_u128(2), 6), Err(ChangeError::SamePerson));
        prune.approve(Uuid::from_u128(3), 6).unwrap();
        assert_eq!(
            prune.approve(Uuid::from_u128(4), 7),
            Err(ChangeError::TooLate("approved"))
        );
        let again = prune.plan.clone();
        prune.planned_again(again, Vec::new(), 7);
        assert_eq!(prune.stage, Stage::Recording);
        assert_eq!(prune.cancel(8), Err(ChangeError::TooLate("recording")));
        let mut other = planned();
        other.cancel(8).unwrap();
        assert!(other.stage.is_end());
    }

    #[test]
    fn the_leaves_are_the_same_each_time_and_hold_so_many_ranges() {
        let mut prune = planned();
        prune.plan.chains[0].ranges = (0..MAX_RANGES as u64 + 1)
            .map(|number| (3 * number, 3 * number + 1))
            .collect();
        let leaves = prune.leaves();
        assert_eq!(leaves, prune.leaves());
        let counts: Vec<usize> = leaves
            .iter()
            .map(|(_, detail)| detail["pruned_ranges"].as_array().map_or(0, Vec::len))
            .collect();
        assert_eq!(counts, [MAX_RANGES, 1]);
        assert_ne!(leaves[0].0, leaves[1].0);
    }

    #[test]
    fn what_is_held_by_then_is_left_out_and_nothing_is_added() {
        let mut prune = planned();
        let plan = Plan {
            chains: vec![ChainPlan {
                shard: 3,
                ranges: vec![(0, 2), (8, 12)],
            }],
            ..Plan::default()
        };
        prune.planned_again(plan, vec![Uuid::from_u128(7)], 6);
        assert_eq!(prune.plan.chains[0].ranges, [(0, 2), (8, 9)]);
        prune.planned_again(Plan::default(), Vec::new(), 7);
        assert_eq!(prune.stage, Stage::Done);
    }
}
