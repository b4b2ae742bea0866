//! Whether the sealed leaves of one shard account for every Kafka offset exactly once (ledger-format.md section 3.4).
//!
//! Chains come one after the other, so a shard's offsets arrive in as many ascending runs as it has tenants. Sums
//! over them are compared with the sums over the whole range: that costs no memory, and misses no single loss,
//! duplicate or swap.

/// A prime below 2^61, so that products of residues fit 128 bits.
const PRIME: u128 = (1 << 61) - 1;
/// Kafka's offsets are non-negative 64-bit signed numbers.
const MAX_OFFSET: u64 = i64::MAX as u64;

/// Sums over the offsets of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct OffsetSums {
    count: u128,
    sum: u128,
    squares: u128,
    range: Option<(u64, u64)>,
}

impl OffsetSums {
    /// Adds the offsets `first..=last`; false when they are no range of Kafka offsets.
    pub(crate) fn add(&mut self, first: u64, last: u64) -> bool {
        if first > last || last > MAX_OFFSET {
            return false;
        }
        let added = sums_of(first, last);
        self.count += added.count;
        self.sum = self.sum.wrapping_add(added.sum);
        self.squares = (self.squares + added.squares) % PRIME;
        let (lowest, highest) = self.range.unwrap_or((first, last));
        self.range = Some((lowest.min(first), highest.max(last)));
        true
    }

    /// Adds what was summed elsewhere.
    pub(crate) fn merge(&mut self, other: &OffsetSums) {
        let Some((first, last)) = other.range else {
            return;
        };
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
        self.squares = (self.squares + other.squares) % PRIME;
        let (lowest, highest) = self.range.unwrap_or((first, last));
        self.range = Some((lowest.min(first), highest.max(last)));
    }

    /// Lowest offset so far.
    pub(crate) fn lowest(&self) -> Option<u64> {
        self.range.map(|(lowest, _)| lowest)
    }

    /// Highest offset so far.
    pub(crate) fn highest(&self) -> Option<u64> {
        self.range.map(|(_, highest)| highest)
    }

    /// What is wrong, if the offsets are not each number of their range once.
    pub(crate) fn fault(&self) -> Option<String> {
        let (lowest, highest) = self.range?;
        let expected = sums_of(lowest, highest);
        if self.count != expected.count {
            let count = self.count;
            return Some(format!(
                "offsets {lowest} to {highest} are {}, the leaves account for {count}",
                expected.count
            ));
        }
        let agrees = (self.sum, self.squares) == (expected.sum, expected.squares);
        (!agrees).then(|| format!("offsets {lowest} to {highest} are not each accounted for once"))
    }
}

fn sums_of(first: u64, last: u64) -> OffsetSums {
    let (low, high) = (u128::from(first), u128::from(last));
    let count = high - low + 1;
    OffsetSums {
        count,
        // One of the two factors is even. Both are below 2^64, so the product fits.
        sum: (low + high) * count / 2,
        squares: (PRIME + squares_below(high + 1) - squares_below(low)) % PRIME,
        range: Some((first, last)),
    }
}

/// 0² + 1² + … + (n − 1)² modulo the prime: (n − 1) n (2n − 1) / 6.
fn squares_below(n: u128) -> u128 {
    let n = n % PRIME;
    let product = (n + PRIME - 1) % PRIME * n % PRIME * ((2 * n + PRIME - 1) % PRIME) % PRIME;
    product * inverse_of_six() % PRIME
}

/// 6^(p − 2), Fermat.
fn inverse_of_six() -> u128 {
    let (mut result, mut base, mut exponent) = (1, 6, PRIME - 2);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault_of(offsets: &[u64]) -> Option<String> {
        let mut sums = OffsetSums::default();
        offsets
            .iter()
            .for_each(|offset| assert!(sums.add(*offset, *offset)));
        sums.fault()
    }

    #[test]
    fn each_number_once_in_any_order() {
        assert_eq!(fault_of(&[]), None);
        assert_eq!(fault_of(&[7]), None);
        assert_eq!(fault_of(&[5, 7, 6, 9, 8]), None);
        assert!(
            fault_of(&[5, 7])
                .unwrap()
                .contains("are 3, the leaves account for 2")
        );
        assert!(fault_of(&[5, 6, 6, 7]).is_some());
        assert!(fault_of(&[5, 6, 6, 8]).is_some(), "one lost, one twice");
        assert!(
            fault_of(&[1, 4, 4, 5, 5, 8, 3, 2]).is_some(),
            "right count and right sum"
        );
        let mut sums = OffsetSums::default();
        assert!(sums.add(0, MAX_OFFSET - 1) && sums.add(MAX_OFFSET, MAX_OFFSET));
        assert_eq!((sums.fault(), sums.highest()), (None, Some(MAX_OFFSET)));
        assert!(!sums.add(3, 2));
        assert!(!sums.add(0, u64::MAX));
    }

    proptest! {
        #[test]
        fn ranges_are_the_sum_of_their_numbers(first in 0u64..1 << 62, len in 0u64..300, cut in any::<prop::sample::Index>()) {
            let middle = first + cut.index(len as usize + 1) as u64;
            let mut by_range = OffsetSums::default();
            prop_assert!(by_range.add(middle, first + len));
            if middle > first {
                prop_assert!(by_range.add(first, middle - 1));
            }
            let mut by_number = OffsetSums::default();
            (first..=first + len).for_each(|offset| assert!(by_number.add(offset, offset)));
            prop_assert_eq!(by_range, by_number);
            let mut merged = OffsetSums::default();
            merged.merge(&by_range);
            merged.merge(&OffsetSums::default());
            prop_assert_eq!(merged, by_number);
            prop_assert_eq!(by_range.fault(), None);
        }
    }
}
