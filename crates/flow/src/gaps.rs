//! Where to begin, given what the store holds and what Kafka still has.

/// Where a shard goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The first offset to consume.
    pub offset: u64,
    /// Offsets (first, last) that Kafka no longer has: a `gap` record accounts for them first.
    pub gap: Option<(u64, u64)>,
}

/// Why a shard must not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error(
        "kafka ends at offset {log_end}, but the ledger already accounts for everything below {expected}: the topic was \
         recreated or truncated; restore it, or give the events a new topic"
    )]
    LogTruncated { expected: u64, log_end: u64 },
}

/// Compares the first offset nobody accounts for with what Kafka has (`log_start` inclusive, `log_end` exclusive).
pub fn start(next_offset: Option<u64>, log_start: u64, log_end: u64) -> Result<Start, StartError> {
    let expected = next_offset.unwrap_or(0);
    if log_end < expected {
        return Err(StartError::LogTruncated { expected, log_end });
    }
    if log_start > expected {
        return Ok(Start {
            offset: log_start,
            gap: Some((expected, log_start - 1)),
        });
    }
    Ok(Start {
        offset: expected,
        gap: None,
    })
}

/// How a message's offset relates to the first one that nobody accounts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Accounted for already: a consumer that was positioned too early delivers such messages again.
    Old,
    Next,
    /// Kafka holds nothing at the offsets from `first` to `last`: retention, compaction, or control records. They
    /// are accounted for by a `gap` record.
    AfterGap {
        first: u64,
        last: u64,
    },
}

/// Places a message with `offset` where `expected` is the first offset nobody accounts for.
pub fn placement(expected: u64, offset: u64) -> Placement {
    match offset.cmp(&expected) {
        std::cmp::Ordering::Less => Placement::Old,
        std::cmp::Ordering::Equal => Placement::Next,
        std::cmp::Ordering::Greater => Placement::AfterGap {
            first: expected,
            last: offset - 1,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_where_the_store_ends() {
        assert_eq!(start(None, 0, 0), Ok(Start { offset: 0, gap: None }));
        assert_eq!(start(Some(7), 0, 9), Ok(Start { offset: 7, gap: None }));
        assert_eq!(start(Some(7), 7, 7), Ok(Start { offset: 7, gap: None }));
    }

    #[test]
    fn lost_offsets_become_a_gap() {
        assert_eq!(
            start(Some(7), 10, 20),
            Ok(Start {
                offset: 10,
                gap: Some((7, 9))
            })
        );
        assert_eq!(
            start(None, 3, 3),
            Ok(Start {
                offset: 3,
                gap: Some((0, 2))
            })
        );
    }

    #[test]
    fn every_offset_is_old_next_or_after_a_gap() {
        assert_eq!(placement(7, 6), Placement::Old);
        assert_eq!(placement(7, 7), Placement::Next);
        assert_eq!(placement(7, 10), Placement::AfterGap { first: 7, last: 9 });
    }

    #[test]
    fn a_log_shorter_than_the_ledger_halts() {
        let error = start(Some(7), 0, 6).unwrap_err();
        assert!(error.to_string().contains("recreated or truncated"));
    }
}
