//! The iterator over a month.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use crate::{
    catalogue::COMPANIES,
    event::{self, Month},
    plan::{Plan, Planned, Step},
};

/// One thing to send, in time order.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoItem {
    /// The company's short name: `bank`, `hospital` or `law_firm` (see [`COMPANIES`]).
    pub tenant: &'static str,
    /// Whose API key to send it with.
    pub application: &'static str,
    /// When it happened, microseconds since the Unix epoch.
    pub at_us: i64,
    pub entry: DemoEntry,
}

/// A call, or what became of an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub enum DemoEntry {
    /// The body of `POST /api/v1/audit/log`.
    Event {
        /// As in the body.
        event_id: Uuid,
        body: Value,
    },
    /// The body of `POST /api/v1/audit/logs/{event_id}/outcomes`; the event came earlier.
    Outcome {
        /// The decision it belongs to.
        event_id: Uuid,
        /// For the header `Idempotency-Key`: the same for every run that gives this event an outcome.
        outcome_id: Uuid,
        body: Value,
    },
}

/// A month of three companies' decisions. The same arguments give the same items, byte for byte.
///
/// Memory stays small whatever the number of decisions: bodies are written when they are asked for.
///
/// ```
/// let month = aal_demo::Demo::new(7, 100, 1_795_435_200_000_000);
/// let calls = month.filter(|item| matches!(item.entry, aal_demo::DemoEntry::Event { .. })).count();
/// assert_eq!(calls, 100);
/// ```
#[derive(Debug)]
pub struct Demo {
    month: Month,
    plan: Plan,
    sequences: HashMap<(usize, &'static str), u64>,
}

impl Demo {
    /// Exactly `decisions` calls in the thirty days before `end_us` (microseconds since the Unix epoch), and the
    /// outcomes that were recorded by then.
    #[must_use]
    pub fn new(seed: u64, decisions: u64, end_us: i64) -> Self {
        Self {
            month: Month { end_us },
            plan: Plan::new(seed, decisions, end_us),
            sequences: HashMap::new(),
        }
    }

    fn call(&mut self, planned: &Planned, turn: u64) -> DemoItem {
        let company = &COMPANIES[planned.session.company];
        let application = company.scenarios[planned.session.scenario].application;
        let counter = self
            .sequences
            .entry((planned.session.company, application))
            .or_default();
        let sequence = *counter;
        *counter += 1;
        let made = event::make(self.month, &planned.session, turn, planned.at_us, sequence);
        if let Some(outcome_at_us) = made.outcome_at_us {
            self.plan
                .expect_outcome(outcome_at_us, planned.session, made.event_id);
        }
        let entry = DemoEntry::Event {
            event_id: made.event_id,
            body: made.body,
        };
        DemoItem {
            tenant: company.slug,
            application,
            at_us: planned.at_us,
            entry,
        }
    }
}

impl Iterator for Demo {
    type Item = DemoItem;

    fn next(&mut self) -> Option<DemoItem> {
        let planned = self.plan.next()?;
        match planned.step {
            Step::Turn(turn) => Some(self.call(&planned, turn)),
            Step::Outcome(event_id) => {
                let (application, body) = event::make_outcome(&planned.session);
                let tenant = COMPANIES[planned.session.company].slug;
                let outcome_id = Uuid::new_v5(&event_id, b"outcome");
                let entry = DemoEntry::Outcome {
                    event_id,
                    outcome_id,
                    body,
                };
                Some(DemoItem {
                    tenant,
                    application,
                    at_us: planned.at_us,
                    entry,
                })
            }
        }
    }
}
