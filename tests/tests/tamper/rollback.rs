//! Old copies of whole directories, damaged files of ClickHouse, and a pipeline that goes on from them.

use std::{fs, path::PathBuf};

use audit_tests::Start;

use super::{
    anchor::{flip, remove},
    campaign::{Campaign, MACHINE, Purpose, STORES, frozen, keep, put},
    witness::keep_heads,
};

/// A pipeline that seals all the time has a newest epoch at most so old.
const LIVE: [&str; 2] = ["--max-age", "30"];

pub async fn run(campaign: &mut Campaign) {
    let data = campaign.pipeline.data();
    // The tables of the campaign must not be in the way of a file that is damaged.
    let part = largest_file(campaign).await;
    let heads = keep_heads(campaign).await;
    campaign.pipeline.terminate().await;
    keep(&data, &MACHINE, "today");

    flip(&part, fs::metadata(&part).expect("it exists").len() as usize / 2);
    restarted(campaign, frozen(), "a bit of ClickHouse's file on disk", 1).await;
    put(&data, &STORES, "today");

    put(&data, &["clickhouse"], "old");
    restarted(
        campaign,
        frozen(),
        "the whole ClickHouse directory of an earlier day",
        1,
    )
    .await;

    // Hints gone or wrong: the sealer finds its way, and what it seals then is proven.
    put(&data, &MACHINE, "today");
    break_hints(campaign);
    campaign.pipeline.restart_with(Start::default()).await;
    campaign.pipeline.fill(5, "2026-08-01T00:00:00Z").await;
    campaign
        .pipeline
        .witnessed(campaign.pipeline.newest_epoch().await)
        .await;
    let pinned = campaign.pinned();
    campaign.judge_with(
        "control: the running pipeline, its hints broken and under the policy that pins the witness",
        Purpose::Control,
        0,
        &pinned,
        &LIVE,
    );
    campaign.pipeline.terminate().await;

    // Last, because the witness has then seen what no other history agrees with.
    put(&data, &MACHINE, "today");
    put(&data, &STORES, "old");
    restarted(
        campaign,
        Start::default(),
        "ClickHouse and Kafka of an earlier day, and the pipeline goes on",
        1,
    )
    .await;
    forked(campaign, &heads).await;
    put(&data, &MACHINE, "today");
    campaign.pipeline.restart_with(frozen()).await;
}

/// Starts as said, judges, and stops.
async fn restarted(campaign: &mut Campaign, start: Start, name: &str, expected: i32) {
    campaign.pipeline.restart_with(start).await;
    campaign.judge(name, expected);
    campaign.pipeline.terminate().await;
}

/// The machine as it was before goes on by itself: two histories of one log, each sealed by a live sealer with the right key.
async fn forked(campaign: &mut Campaign, heads: &[PathBuf; 2]) {
    let data = campaign.pipeline.data();
    put(&data, &MACHINE, "old");
    campaign.pipeline.restart_with(Start::default()).await;
    campaign.pipeline.fill(5, "2026-08-01T00:00:00Z").await;
    let (pinned, plain) = (campaign.pinned(), campaign.plain());
    let name = "the machine as it was before, sealing on: a fork";
    campaign.judge_with(&format!("{name}, alone"), Purpose::Attack, 3, &pinned, &LIVE);
    for (whose, head) in [
        ("a head kept elsewhere", &heads[0]),
        ("the witness's copy", &heads[1]),
    ] {
        let head = head.display().to_string();
        let options = ["--known-head", head.as_str()];
        campaign.judge_by(&format!("{name}, beside {whose}"), 1, &plain, &options);
    }
    campaign.pipeline.terminate().await;
}

fn break_hints(campaign: &Campaign) {
    let anchor = campaign.anchor();
    fs::write(anchor.join("latest"), "soon").expect("it can be written");
    remove(&anchor.join("log/checkpoint"));
    for frontier in fs::read_dir(anchor.join("frontier")).expect("frontiers") {
        fs::write(frontier.expect("a file").path(), "no frontier").expect("it can be written");
    }
    flip(&campaign.epoch_file(campaign.snapshot.epoch, "log"), 12);
}

/// The largest file of the table's parts.
async fn largest_file(campaign: &Campaign) -> PathBuf {
    let folders = campaign
        .pipeline
        .texts("SELECT path FROM system.parts WHERE database = currentDatabase() AND table = 'records' AND active ORDER BY bytes_on_disk DESC LIMIT 1")
        .await;
    let files = fs::read_dir(&folders[0]).unwrap_or_else(|error| panic!("{}: {error}", folders[0]));
    let files = files.map(|file| file.expect("a file").path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "bin"));
    files
        .max_by_key(|path| fs::metadata(path).expect("a file").len())
        .expect("a part has files")
}
