//! The tiles that other people's tools read: of the anchor log and of the chosen record's chain.

use std::{fs, path::PathBuf};

use super::{
    anchor::{flip, remove, swap},
    campaign::Campaign,
};

pub async fn run(campaign: &mut Campaign) {
    let target = campaign.target.clone();
    let sealed = campaign.snapshot.sealed(&target.tenant, target.shard);
    let epochs = campaign.snapshot.epoch + 1;
    assert!(sealed < 256 && epochs < 256, "one tile each: {sealed}, {epochs}");
    let chain = campaign
        .anchor()
        .join("chain")
        .join(&target.tenant)
        .join(target.shard.to_string());
    let log = campaign.anchor().join("log");
    let trees = [("the chain's", chain, sealed), ("the anchor log's", log, epochs)];
    for (whose, folder, size) in &trees {
        for (what, kind, middle) in [("tile", "0", 40), ("entries", "entries", 200)] {
            let path = [folder.join(format!("tile/{kind}/000.p/{size}"))];
            let case = |change: &str| format!("{whose} {what}: {change}");
            campaign.file_case(&case("a bit"), &path, |paths| flip(&paths[0], middle));
            campaign.file_case(&case("its last bit"), &path, |paths| {
                flip(&paths[0], usize::MAX);
            });
            campaign.file_case(&case("cut by one byte"), &path, |paths| {
                let bytes = fs::read(&paths[0]).expect("it exists");
                fs::write(&paths[0], &bytes[..bytes.len() - 1]).expect("it can be written");
            });
            campaign.file_case(&case("emptied"), &path, |paths| {
                fs::write(&paths[0], "").expect("it can be written");
            });
            campaign.file_case(&case("removed"), &path, |paths| remove(&paths[0]));
        }
    }
    let tile = |tree: usize| -> PathBuf {
        let (_, folder, size) = &trees[tree];
        folder.join(format!("tile/0/000.p/{size}"))
    };
    let two = [tile(0), tile(1)];
    campaign.file_case(
        "a tile of the chain and one of the anchor log swapped",
        &two,
        |paths| {
            swap(&paths[0], &paths[1]);
        },
    );
}
