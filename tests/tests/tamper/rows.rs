//! Rows, chains, partitions and tables.

use super::campaign::Campaign;

pub async fn run(campaign: &mut Campaign) {
    let target = campaign.target.clone();
    let chain = format!(
        "tenant = toUUID('{}') AND shard = {}",
        target.tenant, target.shard
    );
    let size = campaign.pipeline.count(&chain).await;
    let deletions = [
        ("one row deleted", target.place()),
        (
            "the first row of a chain deleted",
            format!("{chain} AND chain_index = 0"),
        ),
        (
            "the last row of a chain deleted",
            format!("{chain} AND chain_index = {}", size - 1),
        ),
        (
            "the last five rows of a chain deleted",
            format!("{chain} AND chain_index >= {}", size - 5),
        ),
        ("a whole chain deleted", chain.clone()),
        (
            "a tenant deleted",
            format!("tenant = toUUID('{}')", target.tenant),
        ),
        ("a shard deleted", format!("shard = {}", target.shard)),
        (
            "all accesses and system records deleted",
            "kind != 'event'".to_owned(),
        ),
        ("all rows deleted", "1".to_owned()),
    ];
    for (name, condition) in deletions {
        campaign
            .execute(&format!("ALTER TABLE records DELETE WHERE {condition}"))
            .await;
        campaign.judge(name, 1);
        campaign.put_missing_rows_back().await;
    }
    campaign
        .execute(&format!("DELETE FROM records WHERE {}", target.place()))
        .await;
    campaign.judge("one row deleted by a lightweight delete", 1);
    campaign.put_missing_rows_back().await;

    duplicates_and_moves(campaign, &chain).await;
    partitions_and_tables(campaign).await;
}

async fn duplicates_and_moves(campaign: &mut Campaign, chain: &str) {
    let target = campaign.target.clone();
    campaign.execute("INSERT INTO records SELECT * FROM kept").await;
    campaign.judge("one row stored twice", 1);
    campaign.replace_row("").await;

    let next = target.chain_index + 1;
    let swapped = format!(
        "CAST(if(chain_index = {next}, {}, {next}) AS UInt64) AS chain_index",
        target.chain_index
    );
    let pair = format!("{chain} AND chain_index IN ({}, {next})", target.chain_index);
    let restore = format!("INSERT INTO records SELECT * FROM before_all WHERE {pair}");
    let delete = format!("ALTER TABLE records DELETE WHERE {pair}");
    let swap = format!("INSERT INTO records SELECT * REPLACE ({swapped}) FROM before_all WHERE {pair}");
    campaign
        .case("two rows swapped", &[&delete, &swap], &[&delete, &restore])
        .await;

    let others = campaign
        .texts(&format!(
            "SELECT DISTINCT concat(toString(tenant), ' ', toString(shard)) FROM records WHERE NOT ({chain}) AND kind = 'event' ORDER BY 1"
        ))
        .await;
    let other = others.first().expect("the demo has several chains").clone();
    let (tenant, shard) = other.split_once(' ').expect("two words");
    for (name, changes) in [
        (
            "a record moved to another tenant",
            format!("toUUID('{tenant}') AS tenant"),
        ),
        (
            "a record moved to another chain",
            format!("toUUID('{tenant}') AS tenant, CAST({shard} AS UInt32) AS shard"),
        ),
        (
            "a record moved to the end of its chain",
            "CAST(1000000 AS UInt64) AS chain_index".to_owned(),
        ),
    ] {
        campaign.row_case(name, &changes).await;
    }
    // The other record's ciphertexts and texts under this record's leaf.
    let taken = format!(
        "(SELECT {{}} FROM before_all WHERE tenant = toUUID('{tenant}') AND shard = {shard} AND kind = 'event' AND length(sealed_slots) > 0 ORDER BY chain_index LIMIT 1)"
    );
    let sealed = taken.replace("{}", "sealed_values");
    campaign
        .row_case(
            "ciphertexts of another tenant's record",
            &format!("{sealed} AS sealed_values"),
        )
        .await;
    let leaf = taken.replace("{}", "leaf");
    campaign
        .row_case("leaf of another tenant's record", &format!("{leaf} AS leaf"))
        .await;

    let chains_swapped = format!(
        "toUUID(if(tenant = toUUID('{tenant}'), '{}', '{tenant}')) AS tenant, CAST(if(shard = {shard} AND tenant = toUUID('{tenant}'), {}, {shard}) AS UInt32) AS shard",
        target.tenant, target.shard
    );
    let both = format!("(({chain}) OR (tenant = toUUID('{tenant}') AND shard = {shard}))");
    campaign
        .execute(&format!("ALTER TABLE records DELETE WHERE {both}"))
        .await;
    campaign
        .execute(&format!(
            "INSERT INTO records SELECT * REPLACE ({chains_swapped}) FROM before_all WHERE {both}"
        ))
        .await;
    campaign.judge("two chains swapped", 1);
    campaign
        .execute(&format!("ALTER TABLE records DELETE WHERE {both}"))
        .await;
    campaign.put_missing_rows_back().await;
}

async fn partitions_and_tables(campaign: &mut Campaign) {
    let partitions = campaign
        .texts("SELECT partition FROM system.parts WHERE database = currentDatabase() AND table = 'records' AND active GROUP BY partition ORDER BY sum(rows) DESC LIMIT 1")
        .await;
    let partition = &partitions[0];
    let (detach, attach) = (
        format!("ALTER TABLE records DETACH PARTITION {partition}"),
        format!("ALTER TABLE records ATTACH PARTITION {partition}"),
    );
    campaign
        .case("a partition detached", &[&detach], &[&attach])
        .await;
    campaign
        .execute(&format!("ALTER TABLE records DROP PARTITION {partition}"))
        .await;
    campaign.judge("a partition dropped", 1);
    campaign.put_missing_rows_back().await;
    // An old part that is attached again beside the rows of today.
    campaign
        .case(
            "all rows stored twice",
            &["INSERT INTO records SELECT * FROM before_all"],
            &["OPTIMIZE TABLE records FINAL DEDUPLICATE"],
        )
        .await;
}
