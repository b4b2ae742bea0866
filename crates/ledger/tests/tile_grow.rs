//! Trees that grow tile by tile, against the whole tree in memory; names of tiles; what a proof needs.

use std::collections::BTreeMap;

use aal_ledger::leaf_hash;
use aal_ledger::merkle::{CompactRange, MemoryTree, prove};
use aal_ledger::tile::{
    Filled, GrowError, GrowingTiles, Resource, TILE_WIDTH, Tile, TileError, TiledTree, decode_entries,
    inclusion_tiles, partials_of,
};
use proptest::prelude::*;

type Files = BTreeMap<String, Vec<u8>>;

fn entry(number: u64) -> Vec<u8> {
    let mut entry = number.to_be_bytes().to_vec();
    entry.resize(8 + (number % 5) as usize, 7);
    entry
}

fn store(files: &mut Files, filled: Vec<Filled>) {
    for Filled { resource, bytes } in filled {
        let earlier = files.insert(resource.path(), bytes.clone());
        assert!(
            earlier.is_none_or(|earlier| earlier == bytes),
            "{}",
            resource.path()
        );
    }
}

/// Grows in steps; after each the tree is taken up again from what is stored.
fn grown(steps: &[u64]) -> (Files, CompactRange) {
    let (mut files, mut range) = (Files::new(), CompactRange::new());
    for size in steps {
        let read = |resource: Resource| Ok::<_, GrowError>(files[&resource.path()].clone());
        let mut tiles = GrowingTiles::restore(&range, read).unwrap();
        let before = range.size();
        let mut filled = Vec::new();
        for number in before..*size {
            let entry = entry(number);
            filled.extend(tiles.append(&entry, leaf_hash(&entry)).unwrap());
            range.append(leaf_hash(&entry));
        }
        filled.extend(tiles.partials_since(before));
        // What is written is what the definition says, and nothing more.
        let expected: Vec<String> = Tile::to_write(before, *size).iter().map(Tile::path).collect();
        let mut found: Vec<String> = filled
            .iter()
            .filter(|filled| matches!(filled.resource, Resource::Hashes(_)))
            .map(|filled| filled.resource.path())
            .collect();
        let mut sorted = expected.clone();
        sorted.sort();
        found.sort();
        assert_eq!(found, sorted, "{before} to {size}");
        store(&mut files, filled);
    }
    (files, range)
}

#[test]
fn grown_tiles_hold_the_hashes_and_entries_of_the_tree() {
    const SIZE: u64 = 66_100;
    let steps = [1, 2, 255, 256, 256, 257, 300, 512, 65_535, 65_536, 65_537, SIZE];
    let (files, range) = grown(&steps);
    let tree: MemoryTree = (0..SIZE).map(|number| leaf_hash(&entry(number))).collect();
    for (path, bytes) in &files {
        match Resource::parse(path).unwrap() {
            Resource::Hashes(tile) => assert_eq!(*bytes, tile.bytes(&tree).unwrap(), "{path}"),
            Resource::Entries { index, width } => {
                let entries = decode_entries(bytes).unwrap();
                let start = index * TILE_WIDTH;
                let expected: Vec<Vec<u8>> = (start..start + u64::from(width)).map(entry).collect();
                assert_eq!(entries, expected, "{path}");
            }
        }
    }
    let tiled = TiledTree {
        size: SIZE,
        read: |tile: Tile| Ok::<_, TileError>(files[&tile.path()].clone()),
    };
    assert_eq!(CompactRange::of(&tiled, SIZE).unwrap(), range);
    // Proofs need no other tiles than those that are announced, and few of them.
    for index in [0, 255, 256, 65_535, 65_536, SIZE - 1] {
        let announced = inclusion_tiles(index, SIZE).unwrap();
        assert!(announced.len() <= 6, "{announced:?}");
        let only = TiledTree {
            size: SIZE,
            read: |tile: Tile| {
                assert!(announced.contains(&tile), "{tile:?}");
                Ok::<_, TileError>(files[&tile.path()].clone())
            },
        };
        assert_eq!(
            prove::inclusion(&only, index, SIZE).unwrap(),
            prove::inclusion(&tree, index, SIZE).unwrap()
        );
    }
    assert!(inclusion_tiles(SIZE, SIZE).is_err());
}

#[test]
fn a_changed_right_edge_is_not_gone_on_from() {
    let (files, range) = grown(&[66_100]);
    let read = |files: &Files, resource: Resource| Ok::<_, GrowError>(files[&resource.path()].clone());
    let partials = partials_of(66_100);
    assert_eq!(partials.len(), 4, "a bundle and three levels: {partials:?}");
    for resource in partials {
        let path = resource.path();
        let bytes = &files[&path];
        for (what, changed) in [
            (
                "a bit",
                [&bytes[..bytes.len() - 1], &[bytes[bytes.len() - 1] ^ 1]].concat(),
            ),
            ("cut", bytes[..bytes.len() - 1].to_vec()),
            ("longer", [bytes.as_slice(), &[0]].concat()),
            ("one more", [bytes.as_slice(), &[0; 32]].concat()),
            ("empty", Vec::new()),
        ] {
            let mut tampered = files.clone();
            tampered.insert(path.clone(), changed);
            let restored = GrowingTiles::restore(&range, |resource| read(&tampered, resource));
            assert!(restored.is_err(), "{path}: {what}");
        }
    }
    assert!(GrowingTiles::restore(&range, |resource| read(&files, resource)).is_ok());
}

#[test]
fn a_narrower_tile_is_the_beginning_of_a_wider_one() {
    let (files, _) = grown(&[3, 200, 256, 700]);
    let bundle = Resource::parse("tile/entries/000").unwrap();
    let tile = Resource::parse("tile/0/000").unwrap();
    for width in [3, 200] {
        assert_eq!(
            bundle.prefix(&files["tile/entries/000"], width),
            Some(files[&format!("tile/entries/000.p/{width}")].as_slice())
        );
        assert_eq!(
            tile.prefix(&files["tile/0/000"], width),
            Some(files[&format!("tile/0/000.p/{width}")].as_slice())
        );
        assert_eq!(bundle.prefix(&files["tile/entries/000.p/3"], 4), None);
    }
    assert_eq!(bundle.width_at(700), Some(256));
    assert_eq!(
        Resource::parse("tile/entries/002").unwrap().width_at(700),
        Some(188)
    );
    assert_eq!(Resource::parse("tile/entries/003").unwrap().width_at(700), None);
    assert_eq!(Resource::parse("tile/1/000").unwrap().width_at(700), Some(2));
    assert_eq!(Resource::parse("tile/63/000").unwrap().width_at(u64::MAX), None);
}

#[test]
fn only_one_spelling_of_a_name_is_taken() {
    for good in [
        "tile/0/000",
        "tile/63/x001/x234/067.p/255",
        "tile/entries/999.p/1",
        "tile/entries/x001/000",
    ] {
        assert_eq!(
            Resource::parse(good).map(|resource| resource.path()).as_deref(),
            Some(good)
        );
    }
    for bad in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/../000",
        "/tile/0/000",
        "tile//0/000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/0/000 ",
        "tile/0/%30%30%30",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(Resource::parse(bad), None, "{bad:?}");
    }
}

proptest! {
    #[test]
    fn names_and_resources_are_one_to_one(level in 0..=63u8, index: u64, width in 1..=256u16, is_bundle: bool) {
        let resource = if is_bundle {
            Resource::Entries { index, width }
        } else {
            Resource::Hashes(Tile { level, index, width })
        };
        prop_assert_eq!(Resource::parse(&resource.path()), Some(resource));
    }

    #[test]
    fn any_text_is_refused_or_the_one_spelling(text in "(tile/)?[0-9a-z./x]{0,24}") {
        if let Some(resource) = Resource::parse(&text) {
            prop_assert_eq!(resource.path(), text);
        }
    }

    #[test]
    fn any_steps_lead_to_the_same_tree(mut steps in prop::collection::vec(0..1_500u64, 1..6)) {
        steps.sort_unstable();
        let (_, range) = grown(&steps);
        let last = steps.last().copied().unwrap_or(0);
        let mut expected = CompactRange::new();
        (0..last).for_each(|number| expected.append(leaf_hash(&entry(number))));
        prop_assert_eq!(range, expected);
    }
}
