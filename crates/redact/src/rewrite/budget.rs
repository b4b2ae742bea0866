//! What redacting may cost. Counted in work and bytes, never in time, so that the same input is withheld on every
//! machine or on none.

use std::cell::Cell;

use super::RedactError;
use super::known::Known;

/// Work that is free of the input's length, so that short texts with much in them pass.
const BASE: u64 = 8 * 1024 * 1024;
/// Bytes that may be scanned for one byte of input: each leaf once for every encoding and document it may be inside,
/// in each of the rounds.
const SCANNED_PER_BYTE: u64 = 64;
/// Bytes of values, placeholders and pointers that may be held for one byte of input.
const HELD_PER_BYTE: u64 = 32;
/// What one scan costs beside its bytes.
const SCAN_COST: u64 = 64;

/// What texts of one event share: how much more text may be scanned, how many more bytes of what was removed may be held
/// (what exceeds that fails, and stays failed), and the names that were found so far.
#[derive(Debug)]
pub struct Budget {
    scan_bytes: Cell<u64>,
    held_bytes: Cell<u64>,
    failed: Cell<Option<RedactError>>,
    pub(super) known: Known,
}

impl Budget {
    /// A budget of `scan_bytes` of scanned text and `held_bytes` of removed values with their placeholders.
    pub fn new(scan_bytes: u64, held_bytes: u64) -> Budget {
        Budget {
            scan_bytes: Cell::new(scan_bytes),
            held_bytes: Cell::new(held_bytes),
            failed: Cell::new(None),
            known: Known::default(),
        }
    }

    /// What `length` bytes of texts may cost: several times what ordinary texts need, and linear in the length.
    pub fn for_bytes(length: usize) -> Budget {
        let length = length as u64;
        Budget::new(BASE + SCANNED_PER_BYTE * length, BASE + HELD_PER_BYTE * length)
    }

    /// Takes the cost of one scan; whether there was enough left for it.
    pub(super) fn scan(&self, bytes: usize) -> bool {
        let cost = SCAN_COST + bytes as u64;
        self.take(&self.scan_bytes, cost, RedactError::TooMuchWork)
    }

    pub(super) fn hold(&self, bytes: usize) {
        self.take(&self.held_bytes, bytes as u64, RedactError::TooMuchHeld);
    }

    fn take(&self, left: &Cell<u64>, cost: u64, error: RedactError) -> bool {
        match left.get().checked_sub(cost) {
            Some(rest) if self.failed.get().is_none() => {
                left.set(rest);
                true
            }
            _ => {
                self.failed.set(self.failed.get().or(Some(error)));
                false
            }
        }
    }

    /// Fails once something cost too much.
    pub(super) fn check(&self) -> Result<(), RedactError> {
        self.failed.get().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_too_much_fails_for_good() {
        let budget = Budget::new(SCAN_COST + 10, 5);
        assert!(budget.scan(10));
        budget.hold(5);
        assert_eq!(budget.check(), Ok(()));
        budget.hold(1);
        assert_eq!(budget.check(), Err(RedactError::TooMuchHeld));
        assert!(!budget.scan(0));
        assert_eq!(
            budget.check(),
            Err(RedactError::TooMuchHeld),
            "the first failure is the reason"
        );
    }
}
