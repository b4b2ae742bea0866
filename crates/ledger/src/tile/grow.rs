//! A tree that grows entry by entry and gives its tiles as they become full.

use super::{
    Resource, TILE_HEIGHT, TILE_WIDTH, Tile, TileError, decode_entries, encode_entries, partials_of,
};
use crate::hash::Hash;
use crate::leaf::leaf_hash;
use crate::merkle::{CompactRange, root_of};

/// A tile or bundle and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    pub resource: Resource,
    pub bytes: Vec<u8>,
}

/// Why stored tiles are not the right edge of a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrowError {
    #[error("{path}: {source}")]
    Form { path: String, source: TileError },
    #[error("{path} holds {found} entries or hashes, expected {expected}")]
    Width {
        path: String,
        expected: u16,
        found: usize,
    },
    #[error("{path} does not give the tree's root")]
    Root { path: String },
}

/// What is needed to go on writing a tree's tiles: its incomplete tiles and its incomplete bundle. At most 8 · 255
/// hashes and 255 entries.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GrowingTiles {
    size: u64,
    bundle: Vec<u8>,
    /// Hashes of the incomplete tile of each level, lowest first.
    levels: Vec<Vec<Hash>>,
}

impl GrowingTiles {
    /// The tree without entries.
    pub fn new() -> GrowingTiles {
        GrowingTiles::default()
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes held in memory, about.
    pub fn held_bytes(&self) -> usize {
        self.bundle.capacity()
            + self
                .levels
                .iter()
                .map(|level| level.capacity() * 32)
                .sum::<usize>()
    }

    /// The incomplete bundle; empty when there is none.
    pub fn bundle(&self) -> &[u8] {
        &self.bundle
    }

    /// The tree whose partial tiles and bundle `read` gives (those of [`partials_of`]), checked against `range`.
    ///
    /// # Errors
    /// As `read`'s, or when they are not the right edge of that tree.
    pub fn restore<E: From<GrowError>>(
        range: &CompactRange,
        mut read: impl FnMut(Resource) -> Result<Vec<u8>, E>,
    ) -> Result<GrowingTiles, E> {
        let mut tree = GrowingTiles {
            size: range.size(),
            ..GrowingTiles::default()
        };
        for resource in partials_of(range.size()) {
            let bytes = read(resource)?;
            let path = || resource.path();
            let level = match resource {
                Resource::Entries { .. } => 0,
                Resource::Hashes(tile) => tile.level,
            };
            let hashes =
                hashes_of(&resource, &bytes).map_err(|source| GrowError::Form { path: path(), source })?;
            if hashes.len() != usize::from(resource.width()) {
                return Err(GrowError::Width {
                    path: path(),
                    expected: resource.width(),
                    found: hashes.len(),
                }
                .into());
            }
            if !is_part_of(range, level, &hashes) {
                return Err(GrowError::Root { path: path() }.into());
            }
            if matches!(resource, Resource::Entries { .. }) {
                tree.bundle = bytes;
            } else {
                *tree.level_mut(usize::from(level)) = hashes;
            }
        }
        Ok(tree)
    }

    /// Adds an entry, whose leaf hash the caller knows, and gives what became full by it.
    ///
    /// # Errors
    /// When the entry is too long for a bundle; nothing has changed then.
    pub fn append(&mut self, entry: &[u8], leaf_hash: Hash) -> Result<Vec<Filled>, TileError> {
        self.bundle.extend_from_slice(&encode_entries([entry])?);
        let mut filled = Vec::new();
        if (self.size + 1).is_multiple_of(TILE_WIDTH) {
            let index = self.size / TILE_WIDTH;
            filled.push(Filled {
                resource: Resource::Entries {
                    index,
                    width: TILE_WIDTH as u16,
                },
                bytes: std::mem::take(&mut self.bundle),
            });
        }
        let mut hash = leaf_hash;
        for level in 0..8u8 {
            let hashes = self.level_mut(usize::from(level));
            hashes.push(hash);
            if (hashes.len() as u64) < TILE_WIDTH {
                break;
            }
            let full = std::mem::take(hashes);
            hash = root_of(&full);
            let tile = Tile {
                level,
                index: self.size >> (TILE_HEIGHT * (u32::from(level) + 1)),
                width: TILE_WIDTH as u16,
            };
            filled.push(Filled {
                resource: Resource::Hashes(tile),
                bytes: full.into_flattened(),
            });
        }
        self.size += 1;
        Ok(filled)
    }

    /// The partial tiles and the partial bundle that are new or wider than they were at `old_size`.
    pub fn partials_since(&self, old_size: u64) -> Vec<Filled> {
        let grew = |resource: &Resource| resource.width_at(old_size) != Some(resource.width());
        partials_of(self.size)
            .into_iter()
            .filter(grew)
            .map(|resource| Filled {
                bytes: self.bytes_of(&resource),
                resource,
            })
            .collect()
    }

    fn bytes_of(&self, partial: &Resource) -> Vec<u8> {
        match partial {
            Resource::Entries { .. } => self.bundle.clone(),
            Resource::Hashes(tile) => self
                .levels
                .get(usize::from(tile.level))
                .map(|hashes| hashes.as_flattened().to_vec())
                .unwrap_or_default(),
        }
    }

    fn level_mut(&mut self, level: usize) -> &mut Vec<Hash> {
        if self.levels.len() <= level {
            self.levels.resize(level + 1, Vec::new());
        }
        &mut self.levels[level]
    }
}

fn hashes_of(resource: &Resource, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
    match resource {
        Resource::Entries { .. } => Ok(decode_entries(bytes)?.into_iter().map(leaf_hash).collect()),
        Resource::Hashes(tile) => {
            let (hashes, odd_bytes) = bytes.as_chunks::<32>();
            if odd_bytes.is_empty() {
                return Ok(hashes.to_vec());
            }
            Err(TileError::Length {
                expected: usize::from(tile.width) * 32,
                found: bytes.len(),
            })
        }
    }
}

/// Whether the subtrees over these hashes of a partial tile are those that the range names at the tile's level.
fn is_part_of(range: &CompactRange, level: u8, hashes: &[Hash]) -> bool {
    let shift = u32::from(level) * TILE_HEIGHT;
    // The range's hashes are in the order of the size's one bits, highest first.
    let above = range
        .size()
        .checked_shr(shift + TILE_HEIGHT)
        .unwrap_or(0)
        .count_ones() as usize;
    let mut own = CompactRange::new();
    hashes.iter().for_each(|hash| own.append(*hash));
    range.hashes().get(above..above + own.hashes().len()) == Some(own.hashes())
}
