//! Every tile of the newest epoch against its definition, as an auditor with nothing but the objects would check.

use aal_ledger::merkle::root_of;
use aal_ledger::tile::{Resource, TILE_WIDTH, Tile, decode_entries};
use aal_ledger::{Hash, Heads, Manifest, leaf_hash};
use aal_sealer::{Anchor, Tree};

use super::{Memory, Store};

/// Checks the tiles of the anchor log and of all chains of the newest epoch, and the checkpoint that is served;
/// says how many trees that were.
pub async fn check(objects: &Memory, store: &Store) -> usize {
    let anchor = Anchor::new(objects.without_hook(), "log");
    let newest = anchor.newest_epoch().await.unwrap().unwrap();
    let mut manifests = Vec::new();
    for epoch in 0..=newest {
        manifests.push(anchor.manifest_bytes(epoch).await.unwrap().unwrap().to_vec());
    }
    check_tree(&anchor, Tree::Log, &manifests).await;
    let served = objects.objects.lock().unwrap()["log/log/checkpoint"].clone();
    assert_eq!(Some(served), anchor.checkpoint(newest).await.unwrap());

    let manifest = Manifest::parse(manifests.last().unwrap()).unwrap();
    let heads: Heads = anchor.heads(&manifest).await.unwrap();
    for head in heads.chains() {
        let leaves = store.leaves_of(head.chain);
        let sealed = &leaves[..head.size as usize];
        let hashes: Vec<Hash> = sealed.iter().map(|leaf| leaf_hash(leaf)).collect();
        assert_eq!(root_of(&hashes), head.root);
        check_tree(&anchor, Tree::Chain(head.chain), sealed).await;
    }
    heads.chains().len() + 1
}

/// Every tile and bundle that a tree of these entries has, byte by byte.
async fn check_tree(anchor: &Anchor<Memory>, tree: Tree, entries: &[Vec<u8>]) {
    let mut hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    for (index, some) in entries.chunks(TILE_WIDTH as usize).enumerate() {
        let resource = Resource::Entries {
            index: index as u64,
            width: some.len() as u16,
        };
        let bytes = anchor.tile(tree, resource).await.unwrap();
        let bytes = bytes.unwrap_or_else(|| panic!("{tree}/{} is missing", resource.path()));
        assert_eq!(
            decode_entries(&bytes).unwrap(),
            some,
            "{tree}/{}",
            resource.path()
        );
    }
    for level in 0..8u8 {
        for (index, some) in hashes.chunks(TILE_WIDTH as usize).enumerate() {
            let tile = Tile {
                level,
                index: index as u64,
                width: some.len() as u16,
            };
            let bytes = anchor.tile(tree, Resource::Hashes(tile)).await.unwrap();
            let bytes = bytes.unwrap_or_else(|| panic!("{tree}/{} is missing", tile.path()));
            assert_eq!(bytes, some.as_flattened(), "{tree}/{}", tile.path());
        }
        hashes = hashes.as_chunks::<256>().0.iter().map(root_of).collect();
    }
}
