//! Tiles and entry bundles of C2SP tlog-tiles, height 8 (ledger-format.md section 4).

mod grow;
mod resource;

pub use grow::{Filled, GrowError, GrowingTiles};
pub use resource::{Resource, inclusion_tiles, partials_of};

use crate::codec::parse_u64;
use crate::hash::Hash;
use crate::merkle::{HashSource, root_of};

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;
const TILE_HEIGHT: u32 = 8;

/// One tile: up to 256 consecutive hashes of one tile level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// Tile level; its hashes are the roots of perfect subtrees of 256^level leaves.
    pub level: u8,
    /// Position of the tile in its level.
    pub index: u64,
    /// Number of hashes, 1 to 256; below 256 the tile is partial.
    pub width: u16,
}

/// Why a tile or bundle cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    #[error("tile has {found} bytes, expected {expected}")]
    Length { expected: usize, found: usize },
    #[error("hash {index} of level {level} is not in a tree of {size} leaves")]
    Outside { level: u32, index: u64, size: u64 },
    #[error("entry bundle is cut off or holds more than 256 entries")]
    Bundle,
    #[error("entry of {0} bytes is too long for a bundle")]
    EntryTooLong(usize),
}

/// A number as the path element of tlog-tiles: groups of three digits, all but the last with `x` before them.
pub fn number_path(number: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// The number of a path of [`number_path`]; other forms are refused.
pub fn parse_number_path(path: &str) -> Option<u64> {
    let groups: Vec<&str> = path.split('/').collect();
    let (last, first) = groups.split_last()?;
    let mut digits = String::new();
    for group in first {
        digits.push_str(group.strip_prefix('x').filter(|digits| digits.len() == 3)?);
    }
    digits.push_str(last);
    let number = parse_u64(match digits.trim_start_matches('0') {
        "" => "0",
        significant => significant,
    })?;
    (number_path(number) == path).then_some(number)
}

impl Tile {
    /// `tile/<L>/<N>[.p/<W>]`.
    pub fn path(&self) -> String {
        format!(
            "tile/{}/{}{}",
            self.level,
            number_path(self.index),
            partial_suffix(self.width)
        )
    }

    /// The tile's bytes: its hashes one after the other.
    ///
    /// # Errors
    /// As the source's.
    pub fn bytes<S: HashSource>(&self, source: &S) -> Result<Vec<u8>, S::Error> {
        let first = self.index * TILE_WIDTH;
        let level = u32::from(self.level) * TILE_HEIGHT;
        let mut out = Vec::with_capacity(usize::from(self.width) * 32);
        for position in 0..u64::from(self.width) {
            out.extend_from_slice(&source.node(level, first + position)?);
        }
        Ok(out)
    }

    /// All tiles that are new or wider in a tree of `new_size` than in one of `old_size`, lowest level first.
    pub fn to_write(old_size: u64, new_size: u64) -> Vec<Tile> {
        let mut tiles = Vec::new();
        for level in 0..8u8 {
            let shift = u32::from(level) * TILE_HEIGHT;
            let (old_count, new_count) = (old_size >> shift, new_size >> shift);
            if new_count == 0 {
                break;
            }
            let mut start = old_count - old_count % TILE_WIDTH;
            while start < new_count && old_count != new_count {
                let width = (new_count - start).min(TILE_WIDTH) as u16;
                tiles.push(Tile {
                    level,
                    index: start / TILE_WIDTH,
                    width,
                });
                start += TILE_WIDTH;
            }
        }
        tiles
    }
}

/// `tile/entries/<N>[.p/<W>]`.
pub fn entries_path(index: u64, width: u16) -> String {
    format!("tile/entries/{}{}", number_path(index), partial_suffix(width))
}

/// A bundle: each entry behind its 16-bit length.
///
/// # Errors
/// On more than 256 entries and on an entry beyond 65,535 bytes.
pub fn encode_entries<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TileError> {
    let mut out = Vec::new();
    for (position, entry) in entries.into_iter().enumerate() {
        if position as u64 == TILE_WIDTH {
            return Err(TileError::Bundle);
        }
        let len = u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong(entry.len()))?;
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(entry);
    }
    Ok(out)
}

/// The entries of a bundle.
///
/// # Errors
/// When the bytes do not end with an entry, or there are more than 256.
pub fn decode_entries(bytes: &[u8]) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (len, behind) = rest.split_first_chunk::<2>().ok_or(TileError::Bundle)?;
        let len = usize::from(u16::from_be_bytes(*len));
        if behind.len() < len || entries.len() as u64 == TILE_WIDTH {
            return Err(TileError::Bundle);
        }
        let (entry, next) = behind.split_at(len);
        entries.push(entry);
        rest = next;
    }
    Ok(entries)
}

fn partial_suffix(width: u16) -> String {
    if u64::from(width) == TILE_WIDTH {
        String::new()
    } else {
        format!(".p/{width}")
    }
}

/// Hashes of a tree that is stored as tiles; `read` gives a tile's bytes.
#[derive(Clone, Debug)]
pub struct TiledTree<R> {
    /// Number of leaves; tiles are asked for in the width they have at this size.
    pub size: u64,
    pub read: R,
}

impl<R, E> HashSource for TiledTree<R>
where
    R: Fn(Tile) -> Result<Vec<u8>, E>,
    E: From<TileError>,
{
    type Error = E;

    fn node(&self, level: u32, index: u64) -> Result<Hash, E> {
        let outside = TileError::Outside {
            level,
            index,
            size: self.size,
        };
        let subtree_count = self.size.checked_shr(level).unwrap_or(0);
        if index >= subtree_count {
            return Err(outside.into());
        }
        let (tile_level, inner_level) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        // The wanted hash is the root over this many hashes of one tile.
        let first = index << inner_level;
        let tile_index = first / TILE_WIDTH;
        let hash_count = self.size >> (tile_level * TILE_HEIGHT);
        let width = (hash_count - tile_index * TILE_WIDTH).min(TILE_WIDTH) as u16;
        let bytes = (self.read)(Tile {
            level: tile_level as u8,
            index: tile_index,
            width,
        })?;
        let expected = usize::from(width) * 32;
        let (hashes, _) = bytes.as_chunks::<32>();
        if bytes.len() != expected {
            return Err(TileError::Length {
                expected,
                found: bytes.len(),
            }
            .into());
        }
        let from = (first % TILE_WIDTH) as usize;
        Ok(root_of(&hashes[from..from + (1 << inner_level)]))
    }
}
