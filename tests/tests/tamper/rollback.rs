//! Old copies of whole directories, which are consistent in themselves.

use std::{path::Path, process::Command};

use super::campaign::Campaign;

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let status = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .expect("cp runs");
    assert!(status.success());
}

/// The copy was made before a part of the records was stored; Kafka is rolled back with it, so that nothing can be
/// read again.
pub async fn run(campaign: &mut Campaign) {
    let data = campaign.pipeline.data();
    let name = |folder: &str, kind: &str| data.join(format!("{folder}.{kind}"));
    let target = campaign.target.clone();
    let tail = format!(
        "tenant = toUUID('{}') AND shard = {} AND chain_index > {}",
        target.tenant, target.shard, target.chain_index
    );
    campaign
        .execute(&format!("ALTER TABLE records DELETE WHERE {tail}"))
        .await;
    campaign.pipeline.terminate().await;
    copy(&data.join("clickhouse"), &name("clickhouse", "old"));
    campaign.pipeline.restart().await;
    campaign.put_missing_rows_back().await;
    campaign.control("before the old directory").await;

    campaign.pipeline.terminate().await;
    copy(&data.join("clickhouse"), &name("clickhouse", "today"));
    copy(&name("clickhouse", "old"), &data.join("clickhouse"));
    campaign.pipeline.restart().await;
    campaign.judge("the whole ClickHouse directory of an earlier day", 1);

    campaign.pipeline.terminate().await;
    copy(&name("clickhouse", "today"), &data.join("clickhouse"));
    campaign.pipeline.restart().await;
}
