//! Old copies of whole directories, which are consistent in themselves.

use super::campaign::{Campaign, STORES, copy};

/// ClickHouse and Kafka of an earlier day: Kafka is rolled back with it, so that nothing can be read again.
pub async fn run(campaign: &mut Campaign) {
    let data = campaign.pipeline.data();
    campaign.pipeline.terminate().await;
    for folder in STORES {
        copy(&data.join(folder), &data.join(format!("{folder}.today")));
    }
    campaign.pipeline.restart().await;
    for sql in [
        "CREATE TABLE emptied AS records",
        "DROP TABLE records",
        "RENAME TABLE emptied TO records",
    ] {
        campaign.execute(sql).await;
    }
    campaign.judge("the table dropped and made again, empty", 1);

    campaign.pipeline.terminate().await;
    for folder in STORES {
        copy(&data.join(format!("{folder}.old")), &data.join(folder));
    }
    campaign.pipeline.restart().await;
    campaign.judge("the whole ClickHouse directory and Kafka of an earlier day", 1);

    campaign.pipeline.terminate().await;
    for folder in STORES {
        copy(&data.join(format!("{folder}.today")), &data.join(folder));
    }
    campaign.pipeline.restart().await;
}
