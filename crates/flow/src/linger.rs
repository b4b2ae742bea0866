//! How long a block may wait for more records.

/// Shortest and longest wait, in milliseconds.
const SHORTEST_MS: u64 = 50;
const LONGEST_MS: u64 = 2_000;
const USUAL_LONGEST_MS: u64 = 400;
/// Active parts above which merges are behind; ClickHouse itself delays inserts at 1,000.
const PARTS_CALM: u64 = 60;
const PARTS_BUSY: u64 = 300;

/// The wait in milliseconds before an unfilled block is inserted.
///
/// A part is made per block, so the wait grows with what the last insert took (a slow store gets
/// fewer, larger blocks) and, past [`PARTS_CALM`] active parts, with how far merges are behind.
pub fn linger_ms(last_insert_ms: u64, active_parts: u64) -> u64 {
    let by_insert = last_insert_ms
        .saturating_mul(2)
        .clamp(SHORTEST_MS, USUAL_LONGEST_MS);
    if active_parts <= PARTS_CALM {
        return by_insert;
    }
    let behind = active_parts.min(PARTS_BUSY) - PARTS_CALM;
    let extra = behind * (LONGEST_MS - USUAL_LONGEST_MS) / (PARTS_BUSY - PARTS_CALM);
    (by_insert + extra).min(LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_follows_the_store() {
        assert_eq!(linger_ms(0, 0), 50);
        assert_eq!(linger_ms(100, 10), 200);
        assert_eq!(linger_ms(10_000, 60), 400);
        assert_eq!(linger_ms(0, 300), 1_650);
        assert_eq!(linger_ms(10_000, 100_000), 2_000);
    }
}
