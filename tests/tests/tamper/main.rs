//! The tamper campaign: what an administrator of ClickHouse, Kafka and the anchor store can do to sealed records, one
//! named case each, against a running pipeline. Every case must be refuted, and the untouched store must be proven
//! before and after.
//!
//! `make tamper-test` (AAL_TAMPER=full) runs all cases and prints a table; `make test` runs every fourth of those that
//! change bytes and columns. docs/limits.md says which of the others do not end as they must yet.

mod anchor;
mod bytes;
mod campaign;
mod columns;
mod rewrite;
mod rollback;
mod rows;

use campaign::Campaign;

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_sealed_records_is_refuted() {
    let mut campaign = Campaign::start().await;
    campaign.control("before").await;
    columns::run(&mut campaign).await;
    bytes::run(&mut campaign).await;
    if campaign.is_full {
        rows::run(&mut campaign).await;
        rewrite::run(&mut campaign).await;
        campaign.control("after the rows").await;
        anchor::run(&mut campaign).await;
        campaign.control("after the anchor").await;
        rollback::run(&mut campaign).await;
    }
    campaign.control("at the end").await;
    campaign.finish();
}
