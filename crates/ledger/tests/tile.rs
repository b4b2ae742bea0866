//! Tiles and entry bundles of C2SP tlog-tiles.

use std::cell::RefCell;
use std::collections::BTreeMap;

use aal_ledger::Hash;
use aal_ledger::leaf_hash;
use aal_ledger::merkle::{MemoryTree, prove, verify};
use aal_ledger::tile::{
    Tile, TileError, TiledTree, decode_entries, encode_entries, entries_path, number_path, parse_number_path,
};
use proptest::prelude::*;

#[test]
fn paths_are_those_of_the_specification() {
    // The example of C2SP tlog-tiles.
    assert_eq!(number_path(1_234_067), "x001/x234/067");
    assert_eq!(number_path(0), "000");
    assert_eq!(number_path(999), "999");
    assert_eq!(number_path(1000), "x001/000");
    assert_eq!(
        Tile {
            level: 0,
            index: 273,
            width: 256
        }
        .path(),
        "tile/0/273"
    );
    assert_eq!(
        Tile {
            level: 1,
            index: 1_234_067,
            width: 17
        }
        .path(),
        "tile/1/x001/x234/067.p/17"
    );
    assert_eq!(entries_path(0, 256), "tile/entries/000");
    assert_eq!(entries_path(0, 1), "tile/entries/000.p/1");
    for bad in [
        "",
        "0",
        "00",
        "0000",
        "x000/000",
        "001/000",
        "x001/x000",
        "x01/000",
        "x0001/000",
        "+01",
        "/000",
    ] {
        assert_eq!(parse_number_path(bad), None, "{bad:?}");
    }
}

/// The tiles of growth in steps, as a store that only ever writes what it is told.
fn written(steps: &[u64], tree: &MemoryTree) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut size = 0;
    for next in steps {
        for tile in Tile::to_write(size, *next) {
            let bytes = tile.bytes(tree).unwrap();
            let earlier = files.insert(tile.path(), bytes.clone());
            assert!(
                earlier.is_none_or(|earlier| earlier == bytes),
                "a tile never changes"
            );
        }
        size = *next;
    }
    files
}

#[test]
fn a_tiled_tree_gives_the_hashes_of_the_tree() {
    const SIZE: u64 = 66_000;
    let tree: MemoryTree = (0..SIZE).map(|number| leaf_hash(&number.to_be_bytes())).collect();
    let files = written(&[1, 255, 256, 257, 300, 512, 65_535, 65_536, 65_999, SIZE], &tree);
    assert!(files.contains_key("tile/2/000.p/1"));
    assert!(files.contains_key("tile/0/257.p/208"));
    let read = |tile: Tile| -> Result<Vec<u8>, TileError> {
        files.get(&tile.path()).cloned().ok_or(TileError::Length {
            expected: 0,
            found: 0,
        })
    };
    let tiled = TiledTree { size: SIZE, read };
    let root: Hash = prove::root(&tiled, SIZE).unwrap();
    assert_eq!(root, prove::root(&tree, SIZE).unwrap());
    for index in [0, 1, 255, 256, 65_535, 65_536, SIZE - 1] {
        let proof = prove::inclusion(&tiled, index, SIZE).unwrap();
        assert_eq!(proof, prove::inclusion(&tree, index, SIZE).unwrap());
        assert_eq!(
            verify::inclusion(SIZE, index, &leaf_hash(&index.to_be_bytes()), &proof, &root),
            Ok(())
        );
    }
    let proof = prove::consistency(&tiled, 300, SIZE).unwrap();
    assert_eq!(proof, prove::consistency(&tree, 300, SIZE).unwrap());
}

#[test]
fn tiles_outside_the_tree_or_of_wrong_length_are_refused() {
    use aal_ledger::merkle::HashSource as _;
    let asked = RefCell::new(Vec::new());
    let tiled = TiledTree {
        size: 300,
        read: |tile: Tile| -> Result<Vec<u8>, TileError> {
            asked.borrow_mut().push(tile);
            Ok(vec![0; 31])
        },
    };
    for (level, index) in [
        (0, 300),
        (8, 1),
        (9, 0),
        (64, 0),
        (63, 0),
        (0, u64::MAX),
        (7, u64::MAX),
    ] {
        assert!(
            matches!(tiled.node(level, index), Err(TileError::Outside { .. })),
            "{level} {index}"
        );
    }
    assert!(asked.borrow().is_empty());
    assert_eq!(
        tiled.node(0, 299),
        Err(TileError::Length {
            expected: 44 * 32,
            found: 31
        })
    );
    assert_eq!(
        *asked.borrow(),
        [Tile {
            level: 0,
            index: 1,
            width: 44
        }]
    );
}

#[test]
fn bundles_keep_entries_apart() {
    let entries: [&[u8]; 3] = [b"", b"a", &[7; 65_535]];
    let bytes = encode_entries(entries).unwrap();
    assert_eq!(decode_entries(&bytes).unwrap(), entries);
    assert_eq!(decode_entries(&bytes[..bytes.len() - 1]), Err(TileError::Bundle));
    assert_eq!(decode_entries(&[0]), Err(TileError::Bundle));
    assert_eq!(decode_entries(&[0; 2 * 257]), Err(TileError::Bundle));
    assert_eq!(
        encode_entries([&[0; 65_536][..]]),
        Err(TileError::EntryTooLong(65_536))
    );
    assert_eq!(encode_entries([&b""[..]; 257]), Err(TileError::Bundle));
}

proptest! {
    #[test]
    fn paths_read_back(number in any::<u64>()) {
        prop_assert_eq!(parse_number_path(&number_path(number)), Some(number));
    }

    #[test]
    fn growth_writes_each_tile_of_the_end_state(steps in prop::collection::btree_set(1u64..3000, 1..6)) {
        let steps: Vec<u64> = steps.into_iter().collect();
        let size = *steps.last().unwrap();
        let tree: MemoryTree = (0..size).map(|number| leaf_hash(&number.to_be_bytes())).collect();
        let stepwise = written(&steps, &tree);
        for (path, bytes) in written(&[size], &tree) {
            prop_assert_eq!(stepwise.get(&path), Some(&bytes), "{}", path);
        }
    }
}
