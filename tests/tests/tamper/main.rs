//! The tamper campaign: what an administrator of ClickHouse, Kafka and the anchor store can do to sealed records, one
//! named case each. Every case must be refuted, and the untouched store must be proven before, between and after.
//!
//! `make tamper-test` (AAL_TAMPER=full) runs all cases through `audit verify` against running services and prints a table.
//! `make test` judges every case of one row by the verifier's library on rows that ClickHouse changed, and a few of them
//! through `audit verify`.

mod anchor;
mod bytes;
mod campaign;
mod columns;
mod proofs;
mod rewrite;
mod rollback;
mod rows;
mod snapshot;
mod table;
mod tiles;
mod witness;

use campaign::Campaign;

/// Groups that run: all, or those that AAL_TAMPER_GROUPS names.
fn is_wanted(group: &str) -> bool {
    let named = std::env::var("AAL_TAMPER_GROUPS").unwrap_or_default();
    named.is_empty() || named.split(',').any(|name| name == group)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_sealed_records_is_refuted() {
    let mut campaign = Campaign::start().await;
    campaign.control("before").await;
    if is_wanted("columns") {
        columns::run(&mut campaign).await;
    }
    if is_wanted("bytes") {
        bytes::run(&mut campaign).await;
    }
    if is_wanted("proofs") {
        proofs::run(&mut campaign).await;
    }
    if campaign.is_full {
        if is_wanted("rows") {
            rows::run(&mut campaign).await;
            rewrite::run(&mut campaign).await;
            campaign.control("after the rows").await;
        }
        if is_wanted("anchor") {
            anchor::run(&mut campaign).await;
            tiles::run(&mut campaign).await;
            campaign.control("after the anchor store").await;
        }
        if is_wanted("witness") {
            witness::run(&mut campaign).await;
            campaign.control("after the witness").await;
        }
        if is_wanted("rollback") {
            rollback::run(&mut campaign).await;
        }
    }
    campaign.control("at the end").await;
    campaign.finish();
}
