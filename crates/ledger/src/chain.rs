//! The chain of one (tenant, shard): dense index, link to the leaf before (ledger-format.md sections 1 and 3.4).

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::codec::{parse_u64, parse_uuid};
use crate::hash::{Hash, ZERO_HASH, to_hex};
use crate::leaf::Leaf;

/// Names a chain; its text form is `<tenant uuid>/<shard>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId {
    /// Nil: the shard's own chain, of no tenant.
    pub tenant: Uuid,
    pub shard: u32,
}

impl ChainId {
    /// The chain a leaf belongs to.
    pub fn of(leaf: &Leaf) -> ChainId {
        ChainId {
            tenant: leaf.tenant,
            shard: leaf.shard,
        }
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant.hyphenated(), self.shard)
    }
}

/// The text is no chain id in its one form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a chain id: {0:?}")]
pub struct ChainIdError(pub String);

impl FromStr for ChainId {
    type Err = ChainIdError;

    fn from_str(text: &str) -> Result<ChainId, ChainIdError> {
        let parse = || {
            let (tenant, shard) = text.split_once('/')?;
            let shard = u32::try_from(parse_u64(shard)?).ok()?;
            Some(ChainId {
                tenant: parse_uuid(tenant)?,
                shard,
            })
        };
        parse().ok_or_else(|| ChainIdError(text.to_owned()))
    }
}

/// What the next leaf of a chain must follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainTip {
    /// Leaves so far, which is the next leaf's index.
    pub size: u64,
    /// Hash of the last leaf; zeros for an empty chain.
    pub last_leaf_hash: Hash,
    /// Highest offset so far among leaves that have one.
    pub last_offset: Option<u64>,
}

impl ChainTip {
    /// A chain without leaves.
    pub const EMPTY: ChainTip = ChainTip {
        size: 0,
        last_leaf_hash: ZERO_HASH,
        last_offset: None,
    };

    /// The tip after `leaf`, whose hash the caller has computed from the stored bytes.
    ///
    /// # Errors
    /// When the leaf is not the next one: wrong index, wrong link, or an offset that does not grow.
    pub fn extend(&self, leaf: &Leaf, leaf_hash: Hash) -> Result<ChainTip, LinkError> {
        if leaf.index != self.size {
            return Err(LinkError::Index {
                expected: self.size,
                found: leaf.index,
            });
        }
        if leaf.prev_leaf_hash != self.last_leaf_hash {
            return Err(LinkError::Link {
                expected: self.last_leaf_hash,
                found: leaf.prev_leaf_hash,
            });
        }
        let mut last_offset = self.last_offset;
        if leaf.has_offset() {
            if let Some(last) = self.last_offset
                && leaf.offset <= last
            {
                return Err(LinkError::Offset {
                    last,
                    found: leaf.offset,
                });
            }
            last_offset = Some(leaf.offset);
        }
        Ok(ChainTip {
            size: self.size + 1,
            last_leaf_hash: leaf_hash,
            last_offset,
        })
    }
}

/// Why a leaf does not follow the chain's tip.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("index is {found}, expected {expected}")]
    Index { expected: u64, found: u64 },
    #[error("previous leaf hash is {}, expected {}", to_hex(found), to_hex(expected))]
    Link { expected: Hash, found: Hash },
    #[error("offset {found} does not follow offset {last}")]
    Offset { last: u64, found: u64 },
}
