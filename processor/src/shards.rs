//! Which partition feeds which shard.

/// A topic's partitions feed the shards from `first_shard` on. The first topic feeds those from 0; a topic that
/// replaces it begins above every shard that was ever used, because offsets start again and a shard's never may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shards {
    first_shard: u32,
}

impl Shards {
    pub fn new(first_shard: u32) -> Shards {
        Shards { first_shard }
    }

    /// The shard that a partition of the present topic feeds.
    pub fn shard_of(self, partition: i32) -> u32 {
        self.first_shard.saturating_add(partition.max(0) as u32)
    }

    /// The partition that feeds a shard of the present topic.
    pub fn partition_of(self, shard: u32) -> i32 {
        i32::try_from(shard.saturating_sub(self.first_shard)).unwrap_or(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_and_shards_lead_to_each_other() {
        for first in [0, 12] {
            let shards = Shards::new(first);
            assert_eq!(shards.shard_of(3), first + 3);
            assert_eq!(shards.partition_of(first + 3), 3);
        }
    }
}
