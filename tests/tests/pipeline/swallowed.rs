//! The store knows the number of a block and has no rows for it: after a crash between the two the block goes under
//! the number's next token; when the rows were removed, the shard waits for them and says so.

use audit_tests::{Pipeline, until};

/// A shard that no processor works on.
const NOBODYS_SHARD: u32 = 4_000_000;

async fn next_block(pipeline: &Pipeline) -> u64 {
    let sql = "SELECT max(block) + 1 FROM records WHERE shard = 0";
    let found = pipeline.store().client().query(sql).fetch_one::<u64>().await;
    found.expect("the store answers")
}

/// Notes the token of shard 0's next block and keeps no rows; answers the block's number.
async fn note_the_next_token(pipeline: &Pipeline) -> u64 {
    let rows_of_nobody = format!("shard = {NOBODYS_SHARD}");
    until("the token of a block that is not stored is noted", || async {
        let block = next_block(pipeline).await;
        let sql = format!(
            "INSERT INTO records SELECT * REPLACE ({NOBODYS_SHARD} AS shard) FROM \
             (SELECT * FROM records WHERE shard = 0 LIMIT 1)"
        );
        let store = pipeline.store();
        let client = store
            .client()
            .clone()
            .with_setting("insert_deduplicate", "1")
            .with_setting("insert_deduplication_token", format!("0:{block}"));
        client.query(&sql).execute().await.expect("an insert");
        let is_noted = pipeline.count(&rows_of_nobody).await == 1;
        pipeline
            .execute(&format!("ALTER TABLE records DELETE WHERE {rows_of_nobody}"))
            .await;
        is_noted.then_some(block)
    })
    .await
}

async fn said(pipeline: &Pipeline, what: &str) {
    until(what, || async { pipeline.output().contains(what).then_some(()) }).await;
}

fn assert_verified(pipeline: &Pipeline) {
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_whose_token_was_noted_without_rows_is_stored() {
    let pipeline = Pipeline::filled(40).await;
    let block = note_the_next_token(&pipeline).await;
    // Every shard gets some of these, and none may be lost.
    pipeline.fill(200, "2026-06-02T00:00:00Z").await;
    said(&pipeline, "kept no rows, as after a crash").await;
    assert!(pipeline.count(&format!("shard = 0 AND block = {block}")).await > 0);
    assert_eq!(pipeline.count("kind = 'event'").await, 240);
    assert_eq!(pipeline.count("kind IN ('duplicate', 'conflict')").await, 0);
    assert_verified(&pipeline);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_removed_are_waited_for_and_welcome_back() {
    let mut pipeline = Pipeline::filled(40).await;
    pipeline.terminate().await;
    pipeline.restart().await;
    pipeline.sealed().await;
    let block = next_block(&pipeline).await - 1;
    let last = format!("shard = 0 AND block = {block}");
    pipeline
        .execute("CREATE TABLE kept AS records ENGINE = MergeTree ORDER BY (tenant, shard, chain_index)")
        .await;
    pipeline
        .execute(&format!("INSERT INTO kept SELECT * FROM records WHERE {last}"))
        .await;
    pipeline
        .execute(&format!("ALTER TABLE records DELETE WHERE {last}"))
        .await;
    pipeline.kill();
    pipeline.restart().await;
    said(&pipeline, "somebody removed them").await;
    assert_eq!(
        pipeline.count(&format!("shard = 0 AND block >= {block}")).await,
        0,
        "nothing takes the place of the removed rows"
    );

    pipeline.execute("INSERT INTO records SELECT * FROM kept").await;
    pipeline.execute("DROP TABLE kept").await;
    pipeline.fill(40, "2026-06-02T00:00:00Z").await;
    assert_eq!(pipeline.count("kind = 'event'").await, 80);
    assert_verified(&pipeline);
}
