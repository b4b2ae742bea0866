//! Receipts that clients kept, against the leaves: an accepted event must be in the log (ledger-format.md section 8).

use std::collections::HashMap;

use aal_ledger::hash::to_hex;
use aal_ledger::{Hash, LeafView, Receipt, TrustPolicy};
use serde::Serialize;
use uuid::Uuid;

use crate::report::{MAX_FINDINGS, Place, Tally, Verdict};

/// Most receipts of one run.
pub const MAX_RECEIPTS: usize = 2_000_000;
/// Longest line of a file of receipts, in bytes.
pub const MAX_RECEIPT_LINE: usize = 1_024;
/// Promise of sealing when the policy states none, in seconds.
const DEFAULT_SEAL_DELAY_S: u32 = 60;

/// Receipts whose signature a pinned key made, and what was wrong with the others.
#[derive(Debug)]
pub struct Receipts {
    known: Vec<Known>,
    /// Positions by event; an event may have several receipts.
    by_event: HashMap<Uuid, Vec<u32>>,
    /// Number of the line, from 1, and why it is refused.
    refused: Vec<(u64, String)>,
    refused_count: u64,
    delay_us: i64,
}

#[derive(Debug)]
struct Known {
    event_id: Uuid,
    hash: Hash,
    edge_at_us: i64,
}

/// A leaf of an event that a receipt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    position: u32,
    /// Whether the leaf names this very receipt.
    is_same: bool,
}

/// Outcome for the receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceiptReport {
    /// Lines that were read.
    pub given: u64,
    /// Not of the form, or not signed by a pinned key.
    pub refused: u64,
    /// A leaf names the receipt.
    pub matched: u64,
    /// Missing although sealing was promised by a time that the log has passed.
    pub missing: u64,
    /// Not found, where this evidence does not reach.
    pub undecided: u64,
    /// The first events that are missing.
    pub missing_events: Vec<Uuid>,
}

/// Why receipts cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptsError {
    #[error("there are more than {MAX_RECEIPTS} receipts; check them in parts")]
    TooMany,
    #[error("the trust policy has no receipt_key, so nothing says who may sign receipts")]
    NoKeys,
}

impl Receipts {
    /// No receipts yet.
    ///
    /// # Errors
    /// When the policy pins no key that could have signed one.
    pub fn new(policy: &TrustPolicy) -> Result<Receipts, ReceiptsError> {
        if policy.receipt_keys.is_empty() {
            return Err(ReceiptsError::NoKeys);
        }
        let delay_s = policy.max_seal_delay_s.unwrap_or(DEFAULT_SEAL_DELAY_S);
        Ok(Receipts {
            known: Vec::new(),
            by_event: HashMap::new(),
            refused: Vec::new(),
            refused_count: 0,
            delay_us: i64::from(delay_s) * 1_000_000,
        })
    }

    /// Adds the receipt of one line; a blank line is passed over, a bad one is counted and told.
    ///
    /// # Errors
    /// When there are too many.
    pub fn add_line(&mut self, number: u64, line: &str, policy: &TrustPolicy) -> Result<(), ReceiptsError> {
        let line = line.trim_end_matches(['\r', '\n']);
        if self.known.len() >= MAX_RECEIPTS {
            return Err(ReceiptsError::TooMany);
        }
        if !line.is_empty() {
            self.take(number, line, policy);
        }
        Ok(())
    }

    fn take(&mut self, number: u64, line: &str, policy: &TrustPolicy) {
        let parsed = line.parse::<Receipt>();
        let verified =
            parsed.and_then(|receipt| receipt.verify(&policy.receipt_keys).map(|_| receipt.clone()));
        match verified {
            Ok(receipt) => {
                let position = self.known.len() as u32;
                let positions = self.by_event.entry(receipt.event_id).or_default();
                let hash = receipt.hash();
                // The same line twice is one receipt.
                if positions
                    .iter()
                    .any(|other| self.known[*other as usize].hash == hash)
                {
                    return;
                }
                positions.push(position);
                self.known.push(Known {
                    event_id: receipt.event_id,
                    hash,
                    edge_at_us: receipt.edge_at_us,
                });
            }
            Err(error) => {
                self.refused_count += 1;
                if self.refused.len() < MAX_FINDINGS {
                    self.refused.push((number, error.to_string()));
                }
            }
        }
    }

    /// The receipts that this leaf's event has.
    pub(crate) fn seen(&self, leaf: &LeafView<'_>) -> impl Iterator<Item = Seen> + '_ {
        let positions = self.by_event.get(&leaf.event_id());
        let named = leaf.ingress_receipt_hash();
        positions.into_iter().flatten().map(move |position| Seen {
            position: *position,
            is_same: self.known[*position as usize].hash == named,
        })
    }

    /// Judges each receipt by the leaves seen: those of epochs that closed after `base_closed_us` (`None`: from the
    /// beginning) and not after `last_closed_us`.
    pub(crate) fn judge(
        &self,
        seen: &[Seen],
        base_closed_us: Option<i64>,
        last_closed_us: Option<i64>,
        tally: &mut Tally,
    ) -> ReceiptReport {
        let mut states = vec![State::NotSeen; self.known.len()];
        for Seen { position, is_same } in seen {
            let state = &mut states[*position as usize];
            *state = if *is_same {
                State::Matched
            } else {
                (*state).max(State::Other)
            };
        }
        let mut report = ReceiptReport {
            given: self.known.len() as u64 + self.refused_count,
            refused: self.refused_count,
            ..ReceiptReport::default()
        };
        for (number, why) in &self.refused {
            let what = format!("receipt in line {number}: {why}");
            tally.unproven(Verdict::Scope, Place::default(), what);
        }
        for (known, state) in self.known.iter().zip(states) {
            tally.checked(Verdict::Scope, 1);
            let place = Place {
                event_id: Some(known.event_id),
                ..Place::default()
            };
            let due_us = known.edge_at_us.saturating_add(self.delay_us);
            // Before the base it may have been sealed by an epoch outside of this evidence.
            let is_inside = base_closed_us.is_none_or(|base_us| known.edge_at_us > base_us)
                && last_closed_us.is_some_and(|last_us| due_us < last_us);
            match state {
                State::Matched => report.matched += 1,
                State::Other => {
                    report.undecided += 1;
                    let what = "the event is recorded with another receipt, so this one may be of a repeated delivery";
                    tally.unproven(Verdict::Scope, place, known.told(what));
                }
                State::NotSeen if is_inside => {
                    report.missing += 1;
                    if report.missing_events.len() < MAX_FINDINGS {
                        report.missing_events.push(known.event_id);
                    }
                    tally.refute(Verdict::Scope, place, known.told("accepted and not in the log"));
                }
                State::NotSeen => {
                    report.undecided += 1;
                    let what = "not found, and this evidence does not reach to where it must be";
                    tally.unproven(Verdict::Scope, place, known.told(what));
                }
            }
        }
        report
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    NotSeen,
    Other,
    Matched,
}

impl Known {
    fn told(&self, what: &str) -> String {
        let (event, hash) = (self.event_id, to_hex(&self.hash));
        format!(
            "receipt {hash} of event {event}, edge time {}: {what}",
            self.edge_at_us
        )
    }
}
