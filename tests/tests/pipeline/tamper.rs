//! An administrator of ClickHouse changes what is sealed: the verifier says which record.

use audit_tests::Pipeline;
use serde_json::Value;

/// All findings as one text.
fn findings(report: &Value) -> String {
    let verdicts = report["verdicts"].as_array().cloned().unwrap_or_default();
    verdicts
        .iter()
        .map(|verdict| format!("{} {}\n", verdict["verdict"], verdict["findings"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_store_passes_and_each_change_is_refuted() {
    let pipeline = Pipeline::filled(300).await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");

    // One byte of one template.
    let (event_id, original) = pipeline
        .store()
        .client()
        .query("SELECT toString(event_id), response_body FROM records WHERE kind = 'event' AND length(response_body) > 50 ORDER BY event_id LIMIT 1")
        .fetch_one::<(String, String)>()
        .await
        .expect("a record");
    let change = |column: &str, value: &str| {
        format!(
            "ALTER TABLE records UPDATE {column} = {value} WHERE event_id = toUUID('{event_id}') AND kind = 'event'"
        )
    };
    pipeline
        .execute(&change(
            "response_body",
            "concat(substring(response_body, 1, 20), '#', substring(response_body, 22))",
        ))
        .await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 1, "{report}");
    assert!(
        findings(&report).contains(&event_id),
        "the record is not named in {}",
        findings(&report)
    );
    let restore = format!("'{}'", original.replace('\\', "\\\\").replace('\'', "\\'"));
    pipeline.execute(&change("response_body", &restore)).await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "restored, but: {}", findings(&report));

    // A projected column that lists and metrics read.
    for (column, value) in [
        ("cost", "0.01"),
        ("model", "'gpt-cheap'"),
        ("status", "418"),
        ("user_id", "'nobody'"),
    ] {
        let before = format!(
            "CREATE TABLE IF NOT EXISTS kept ENGINE = Memory AS SELECT * FROM records WHERE event_id = toUUID('{event_id}') AND kind = 'event'"
        );
        pipeline.execute(&before).await;
        pipeline.execute(&change(column, value)).await;
        let (status, report) = pipeline.verify();
        assert_eq!(status, 1, "{column} was changed and {report}");
        assert!(
            findings(&report).contains(&event_id),
            "{column}: {}",
            findings(&report)
        );
        pipeline
            .execute(&change(column, &format!("(SELECT {column} FROM kept)")))
            .await;
        pipeline.execute("DROP TABLE kept").await;
    }
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "restored, but: {}", findings(&report));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_tail_is_missed_with_its_indexes() {
    let pipeline = Pipeline::filled(300).await;
    let (tenant, shard, size) = pipeline
        .store()
        .client()
        .query("SELECT toString(tenant), shard, count() AS size FROM records GROUP BY tenant, shard ORDER BY size DESC LIMIT 1")
        .fetch_one::<(String, u32, u64)>()
        .await
        .expect("a chain");
    assert!(size > 5);
    let first = size - 5;
    pipeline.execute(&format!("ALTER TABLE records DELETE WHERE tenant = toUUID('{tenant}') AND shard = {shard} AND chain_index >= {first}"),
    )
    .await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 1, "{report}");
    let text = findings(&report);
    assert!(
        text.contains(&format!("{tenant}/{shard}")),
        "the chain is not named in {text}"
    );
    assert!(
        text.contains(&first.to_string()) && text.contains(&(size - 1).to_string()),
        "the indexes are not named in {text}"
    );
}
