//! The continuous read-back: what an administrator of ClickHouse changes under a running pipeline becomes an
//! incident that names the record, and it ends when the record is restored.

use audit_tests::{Pipeline, until};
use serde_json::{Value, json};

/// The open incidents, once they satisfy `wanted`.
async fn incident(pipeline: &Pipeline, token: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(what, || async {
        let (status, answer) = pipeline.get(token, "/api/v1/incidents?state=open").await;
        assert_eq!(status, 200, "{answer}");
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        items.into_iter().find(|item| wanted(item))
    })
    .await
}

async fn none_open(pipeline: &Pipeline, token: &str) {
    until("every incident ended", || async {
        let (_, answer) = pipeline.get(token, "/api/v1/incidents?state=open").await;
        (answer["open"] == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_row_is_an_incident_that_names_it_and_ends_with_it() {
    let mut pipeline = Pipeline::filled(60).await;
    let token = pipeline.token().await;
    let (tenant, shard, index, event_id, model) = pipeline
        .store()
        .client()
        .query("SELECT toString(tenant), shard, chain_index, toString(event_id), model FROM records WHERE kind = 'event' ORDER BY event_id LIMIT 1")
        .fetch_one::<(String, u32, u64, String, String)>()
        .await
        .expect("a record");
    none_open(&pipeline, &token).await;
    let row = format!("tenant = toUUID('{tenant}') AND shard = {shard} AND chain_index = {index}");
    let is_about_row = |item: &Value| {
        let about = &item["about"];
        item["code"] == "record_mismatch"
            && about["tenant"] == tenant.as_str()
            && about["shard"] == shard
            && about["index"] == index
            && about["event_id"] == event_id.as_str()
    };

    // One column; then one byte of the leaf, as seen with the hash column made to fit.
    let columns = [
        ("model", "'gpt-cheap'".to_owned(), format!("'{model}'")),
        ("source_seq", "source_seq + 1".to_owned(), "source_seq - 1".to_owned()),
        (
            "leaf",
            "concat(substring(leaf, 1, 249), char(bitXor(ascii(substring(leaf, 250, 1)), 1)), substring(leaf, 251))".to_owned(),
            "concat(substring(leaf, 1, 249), char(bitXor(ascii(substring(leaf, 250, 1)), 1)), substring(leaf, 251))".to_owned(),
        ),
    ];
    for (column, changed, restored) in columns {
        pipeline
            .execute(&format!(
                "ALTER TABLE records UPDATE {column} = {changed} WHERE {row}"
            ))
            .await;
        let found = incident(&pipeline, &token, column, is_about_row).await;
        assert_eq!(found["component"], "readback", "{found}");
        pipeline
            .execute(&format!(
                "ALTER TABLE records UPDATE {column} = {restored} WHERE {row}"
            ))
            .await;
        none_open(&pipeline, &token).await;
    }

    // An incident outlives a crash and is told once all the same.
    pipeline
        .execute(&format!(
            "ALTER TABLE records UPDATE model = 'gpt-cheap' WHERE {row}"
        ))
        .await;
    incident(&pipeline, &token, "the changed row", is_about_row).await;
    let begun = "kind = 'incident' AND JSONExtractString(header, 'action') = 'begin'";
    let before = pipeline.count(begun).await;
    pipeline.kill();
    pipeline.restart().await;
    let token = pipeline.token().await;
    incident(&pipeline, &token, "the changed row after a crash", is_about_row).await;
    pipeline
        .execute(&format!(
            "ALTER TABLE records UPDATE model = '{model}' WHERE {row}"
        ))
        .await;
    none_open(&pipeline, &token).await;
    assert_eq!(pipeline.count(begun).await, before, "begun once");

    // A row that is gone is named by its place.
    pipeline
        .execute("CREATE TABLE kept ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM records WHERE 0")
        .await;
    pipeline
        .execute(&format!("INSERT INTO kept SELECT * FROM records WHERE {row}"))
        .await;
    pipeline
        .execute(&format!("DELETE FROM records WHERE {row}"))
        .await;
    let is_gone = |item: &Value| item["code"] == "record_missing" && item["about"]["index"] == index;
    incident(&pipeline, &token, "the missing row", is_gone).await;
    pipeline.execute("INSERT INTO records SELECT * FROM kept").await;
    none_open(&pipeline, &token).await;
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(
        status, 0,
        "restored, and the incidents themselves verify: {report}"
    );
    let (_, all) = pipeline.get(&token, "/api/v1/incidents").await;
    assert!(
        all["items"]
            .as_array()
            .is_some_and(|items| items.iter().all(|item| item["state"] == "ended")),
        "{all}"
    );
    assert_eq!(all["open"], json!(0));
}
