//! All chains and shards at the end of an epoch (ledger-format.md section 5).

use std::collections::{BTreeMap, HashSet};

use crate::chain::ChainId;
use crate::codec::parse_u64;
use crate::hash::{Hash, parse_hex, to_hex};
use crate::leaf::leaf_hash;
use crate::merkle::root_of;

/// Where one chain stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    pub chain: ChainId,
    /// Number of leaves, at least 1.
    pub size: u64,
    /// RFC 9162 root over them.
    pub root: Hash,
    /// Hash of the last of them.
    pub last_leaf_hash: Hash,
}

/// How far one shard was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardHead {
    pub shard: u32,
    /// One more than the last sealed block.
    pub next_block: u64,
    /// One more than the highest sealed offset; 0 when no leaf has one.
    pub next_offset: u64,
}

/// One head for each chain and shard, in the order of their lines.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Heads {
    lines: Vec<String>,
    chains: Vec<ChainHead>,
    shards: Vec<ShardHead>,
}

/// Why heads are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadsError {
    #[error("heads are not UTF-8 or do not end in a newline")]
    Text,
    #[error("line {0} of the heads is malformed")]
    Line(usize),
    #[error("line {0} of the heads is out of order")]
    Order(usize),
    #[error("{0} stands twice in the heads")]
    Twice(String),
    #[error("{0} is in the heads and its shard is not")]
    NoShard(ChainId),
    #[error("{0} has no leaves, so it has no head")]
    Empty(ChainId),
    #[error("{0} was in the heads before and is missing now")]
    Vanished(String),
    #[error("{what} shrank from {before} to {now}")]
    Shrank { what: String, before: u64, now: u64 },
    #[error("{0} has the same size as before and another root")]
    Rewritten(ChainId),
}

impl ChainHead {
    fn to_line(self) -> String {
        let (root, last) = (to_hex(&self.root), to_hex(&self.last_leaf_hash));
        format!("chain {} {} {root} {last}", self.chain, self.size)
    }
}

impl ChainHead {
    /// The chain head that a line of the heads, without its `\n`, stands for.
    pub fn parse_line(line: &str) -> Option<ChainHead> {
        match parse_line(line)? {
            Line::Chain(head) => Some(head),
            Line::Shard(_) => None,
        }
    }
}

impl ShardHead {
    fn to_line(self) -> String {
        format!("shard {} {} {}", self.shard, self.next_block, self.next_offset)
    }
}

impl Heads {
    /// Heads in any order.
    ///
    /// # Errors
    /// On a chain or shard given twice and on a chain without leaves.
    pub fn new(
        chains: impl IntoIterator<Item = ChainHead>,
        shards: impl IntoIterator<Item = ShardHead>,
    ) -> Result<Heads, HeadsError> {
        let mut sorted = BTreeMap::new();
        for head in chains {
            sorted.insert(head.to_line(), Line::Chain(head));
        }
        for head in shards {
            sorted.insert(head.to_line(), Line::Shard(head));
        }
        let mut heads = Heads::default();
        for (text, line) in sorted {
            heads.push(text, line);
        }
        heads.check_unique()?;
        Ok(heads)
    }

    /// Chain heads in the order of their lines.
    pub fn chains(&self) -> &[ChainHead] {
        &self.chains
    }

    /// Shard heads in the order of their lines.
    pub fn shards(&self) -> &[ShardHead] {
        &self.shards
    }

    /// Number of lines.
    pub fn line_count(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Sum of all chain sizes; `None` when it does not fit 64 bits.
    pub fn leaf_count(&self) -> Option<u64> {
        self.chains
            .iter()
            .try_fold(0u64, |sum, head| sum.checked_add(head.size))
    }

    /// `heads_root` of the manifest.
    pub fn root(&self) -> Hash {
        let hashes: Vec<Hash> = self.line_hashes().collect();
        root_of(&hashes)
    }

    /// Leaf hashes of the tree under [`Heads::root`], in the order of the lines.
    pub fn line_hashes(&self) -> impl Iterator<Item = Hash> + '_ {
        self.lines.iter().map(|line| leaf_hash(line.as_bytes()))
    }

    /// The text of section 5.
    pub fn to_text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// The heads these bytes are the text of.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly what [`Heads::to_text`] would give.
    pub fn parse(bytes: &[u8]) -> Result<Heads, HeadsError> {
        let text = std::str::from_utf8(bytes).map_err(|_| HeadsError::Text)?;
        let mut heads = Heads::default();
        if text.is_empty() {
            return Ok(heads);
        }
        let body = text.strip_suffix('\n').ok_or(HeadsError::Text)?;
        for (position, text_line) in body.split('\n').enumerate() {
            let number = position + 1;
            let line = parse_line(text_line).ok_or(HeadsError::Line(number))?;
            if heads
                .lines
                .last()
                .is_some_and(|previous| previous.as_str() >= text_line)
            {
                return Err(HeadsError::Order(number));
            }
            heads.push(text_line.to_owned(), line);
        }
        heads.check_unique()?;
        Ok(heads)
    }

    /// Checks that nothing of `before` vanished, shrank, or has another root at the same size.
    ///
    /// # Errors
    /// Names the chain or shard.
    pub fn check_follows(&self, before: &Heads) -> Result<(), HeadsError> {
        let chains: BTreeMap<ChainId, &ChainHead> =
            self.chains.iter().map(|head| (head.chain, head)).collect();
        for old in &before.chains {
            let what = || format!("chain {}", old.chain);
            let new = chains
                .get(&old.chain)
                .ok_or_else(|| HeadsError::Vanished(what()))?;
            check_grows(what, old.size, new.size)?;
            if new.size == old.size && *new != old {
                return Err(HeadsError::Rewritten(old.chain));
            }
        }
        let shards: BTreeMap<u32, &ShardHead> = self.shards.iter().map(|head| (head.shard, head)).collect();
        for old in &before.shards {
            let what = || format!("shard {}", old.shard);
            let new = shards
                .get(&old.shard)
                .ok_or_else(|| HeadsError::Vanished(what()))?;
            check_grows(what, old.next_block, new.next_block)?;
            check_grows(what, old.next_offset, new.next_offset)?;
        }
        Ok(())
    }

    fn push(&mut self, text: String, line: Line) {
        self.lines.push(text);
        match line {
            Line::Chain(head) => self.chains.push(head),
            Line::Shard(head) => self.shards.push(head),
        }
    }

    fn check_unique(&self) -> Result<(), HeadsError> {
        let mut seen_chains = HashSet::new();
        for head in &self.chains {
            if head.size == 0 {
                return Err(HeadsError::Empty(head.chain));
            }
            if !seen_chains.insert(head.chain) {
                return Err(HeadsError::Twice(format!("chain {}", head.chain)));
            }
        }
        let mut seen_shards = HashSet::new();
        for head in &self.shards {
            if !seen_shards.insert(head.shard) {
                return Err(HeadsError::Twice(format!("shard {}", head.shard)));
            }
        }
        // Without the shard's line nothing would say which offsets its chains must account for.
        match self
            .chains
            .iter()
            .find(|head| !seen_shards.contains(&head.chain.shard))
        {
            Some(head) => Err(HeadsError::NoShard(head.chain)),
            None => Ok(()),
        }
    }
}

enum Line {
    Chain(ChainHead),
    Shard(ShardHead),
}

fn parse_line(line: &str) -> Option<Line> {
    let fields: Vec<&str> = line.splitn(6, ' ').collect();
    match fields.as_slice() {
        ["chain", chain, size, root, last] => Some(Line::Chain(ChainHead {
            chain: chain.parse().ok()?,
            size: parse_u64(size)?,
            root: parse_hex(root)?,
            last_leaf_hash: parse_hex(last)?,
        })),
        ["shard", shard, next_block, next_offset] => Some(Line::Shard(ShardHead {
            shard: u32::try_from(parse_u64(shard)?).ok()?,
            next_block: parse_u64(next_block)?,
            next_offset: parse_u64(next_offset)?,
        })),
        _ => None,
    }
}

fn check_grows(what: impl Fn() -> String, before: u64, now: u64) -> Result<(), HeadsError> {
    if now < before {
        Err(HeadsError::Shrank {
            what: what(),
            before,
            now,
        })
    } else {
        Ok(())
    }
}
