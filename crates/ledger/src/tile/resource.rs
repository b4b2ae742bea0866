//! Names of tiles and entry bundles, as a log keeps and serves them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::{TILE_HEIGHT, TILE_WIDTH, Tile, TileError, TiledTree, entries_path, parse_number_path};
use crate::codec::parse_u64;
use crate::merkle::prove;

/// Highest tile level that C2SP tlog-tiles names; a tree of 2^64 leaves needs the levels up to 7.
const MAX_LEVEL: u64 = 63;

/// A tile of hashes or a bundle of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// Hashes of one tile level.
    Hashes(Tile),
    /// Entries `index * 256` and following.
    Entries {
        /// Position of the bundle.
        index: u64,
        /// Number of entries, 1 to 256; below 256 the bundle is partial.
        width: u16,
    },
}

impl Resource {
    /// `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
    pub fn path(&self) -> String {
        match self {
            Resource::Hashes(tile) => tile.path(),
            Resource::Entries { index, width } => entries_path(*index, *width),
        }
    }

    /// The resource of exactly that path; every other spelling is refused.
    pub fn parse(path: &str) -> Option<Resource> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH),
            Some((number, width)) => (
                number,
                parse_u64(width).filter(|width| (1..TILE_WIDTH).contains(width))?,
            ),
        };
        let (index, width) = (parse_number_path(number)?, width as u16);
        if level == "entries" {
            return Some(Resource::Entries { index, width });
        }
        let level = parse_u64(level).filter(|level| *level <= MAX_LEVEL)? as u8;
        Some(Resource::Hashes(Tile { level, index, width }))
    }

    /// Number of hashes or entries.
    pub fn width(&self) -> u16 {
        match self {
            Resource::Hashes(tile) => tile.width,
            Resource::Entries { width, .. } => *width,
        }
    }

    /// Whether it can still grow.
    pub fn is_partial(&self) -> bool {
        u64::from(self.width()) < TILE_WIDTH
    }

    /// The same tile or bundle with another width.
    #[must_use]
    pub fn with_width(self, width: u16) -> Resource {
        match self {
            Resource::Hashes(tile) => Resource::Hashes(Tile { width, ..tile }),
            Resource::Entries { index, .. } => Resource::Entries { index, width },
        }
    }

    /// The tile or bundle once it is full.
    #[must_use]
    pub fn full(self) -> Resource {
        self.with_width(TILE_WIDTH as u16)
    }

    /// The width it has in a tree of `size` leaves; `None` when such a tree has nothing of it.
    pub fn width_at(&self, size: u64) -> Option<u16> {
        let (level, index) = match self {
            Resource::Hashes(tile) => (u32::from(tile.level), tile.index),
            Resource::Entries { index, .. } => (0, *index),
        };
        let count = size.checked_shr(level * TILE_HEIGHT).unwrap_or(0);
        let width = count
            .saturating_sub(index.checked_mul(TILE_WIDTH)?)
            .min(TILE_WIDTH);
        (width > 0).then_some(width as u16)
    }

    /// The first `width` hashes or entries of these bytes; `None` when there are fewer, or the bytes are no tile.
    pub fn prefix<'b>(&self, bytes: &'b [u8], width: u16) -> Option<&'b [u8]> {
        match self {
            Resource::Hashes(_) => bytes.get(..usize::from(width) * 32),
            Resource::Entries { .. } => {
                let mut end = 0;
                for _ in 0..width {
                    let len = bytes.get(end..)?.first_chunk::<2>()?;
                    end += 2 + usize::from(u16::from_be_bytes(*len));
                }
                bytes.get(..end)
            }
        }
    }
}

/// The partial tiles of a tree of `size` leaves, lowest level first; the partial bundle comes first of all.
pub fn partials_of(size: u64) -> Vec<Resource> {
    let mut found = Vec::new();
    for level in 0..8u8 {
        let count = size >> (u32::from(level) * TILE_HEIGHT);
        let (index, width) = (count / TILE_WIDTH, (count % TILE_WIDTH) as u16);
        if width == 0 {
            continue;
        }
        if level == 0 {
            found.push(Resource::Entries { index, width });
        }
        found.push(Resource::Hashes(Tile { level, index, width }));
    }
    found
}

/// The tiles that an inclusion proof is made from, so that they can be fetched before it is made.
///
/// # Errors
/// When `index` is not below `size`.
pub fn inclusion_tiles(index: u64, size: u64) -> Result<BTreeSet<Tile>, TileError> {
    let wanted = RefCell::new(BTreeSet::new());
    // The hashes do not matter: which ones are asked for depends on index and size only.
    let read = |tile: Tile| {
        wanted.borrow_mut().insert(tile);
        Ok::<_, TileError>(vec![0; usize::from(tile.width) * 32])
    };
    let outside = |_| TileError::Outside {
        level: 0,
        index,
        size,
    };
    prove::inclusion(&TiledTree { size, read }, index, size).map_err(outside)?;
    Ok(wanted.into_inner())
}
