//! Rows, chains, partitions, tables and columns.

use super::campaign::Campaign;

pub async fn run(campaign: &mut Campaign) {
    let target = campaign.target.clone();
    let chain = target.chain();
    let sealed = campaign.snapshot.sealed(&target.tenant, target.shard);
    let deletions = [
        ("one row deleted", target.place()),
        (
            "the first row of a chain deleted",
            format!("{chain} AND chain_index = 0"),
        ),
        (
            "the last sealed row of a chain deleted, and all after it",
            format!("{chain} AND chain_index >= {}", sealed - 1),
        ),
        (
            "the last five sealed rows of a chain deleted, and all after them",
            format!("{chain} AND chain_index >= {}", sealed - 5),
        ),
        (
            "the last half of every chain deleted",
            "(tenant, shard, intDiv(chain_index, 2)) IN (SELECT tenant, shard, intDiv(max(chain_index), 2) FROM records GROUP BY tenant, shard)".to_owned(),
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
        let delete = format!("ALTER TABLE records DELETE WHERE {condition}");
        campaign.case(name, &[&delete]).await;
    }
    let lightweight = format!("DELETE FROM records WHERE {}", target.place());
    campaign
        .case("one row deleted by a lightweight delete", &[&lightweight])
        .await;
    duplicates(campaign).await;
    moves(campaign).await;
    partitions_and_tables(campaign).await;
}

async fn duplicates(campaign: &mut Campaign) {
    campaign
        .case(
            "one row stored twice",
            &["INSERT INTO records SELECT * FROM kept"],
        )
        .await;
    campaign
        .case(
            "one row stored twice, the copy with another event id",
            &["INSERT INTO records SELECT * REPLACE (generateUUIDv4() AS event_id) FROM kept"],
        )
        .await;
    campaign
        .case(
            "all rows stored twice",
            &["INSERT INTO records SELECT * FROM before_all"],
        )
        .await;
}

async fn moves(campaign: &mut Campaign) {
    let target = campaign.target.clone();
    let chain = target.chain();
    let next = target.chain_index + 1;
    let pair = format!("{chain} AND chain_index IN ({}, {next})", target.chain_index);
    let swapped = format!(
        "CAST(if(chain_index = {next}, {}, {next}) AS UInt64) AS chain_index",
        target.chain_index
    );
    let delete = format!("ALTER TABLE records DELETE WHERE {pair}");
    let swap = format!("INSERT INTO records SELECT * REPLACE ({swapped}) FROM before_all WHERE {pair}");
    campaign.case("two rows swapped", &[&delete, &swap]).await;

    let others = campaign
        .pipeline
        .texts(&format!(
            "SELECT DISTINCT concat(toString(tenant), ' ', toString(shard)) FROM records \
             WHERE NOT ({chain}) AND tenant != toUUID('{}') AND kind = 'event' AND length(sealed_slots) > 0 ORDER BY 1",
            target.tenant
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
            "a record moved to another shard",
            "CAST(shard + 1 AS UInt32) AS shard".to_owned(),
        ),
        (
            "a record moved to the end of its chain",
            "CAST(1000000 AS UInt64) AS chain_index".to_owned(),
        ),
    ] {
        campaign.row_case(name, &changes).await;
    }
    // Another record's ciphertexts and leaf under this record's place.
    let taken = |column: &str| {
        format!(
            "(SELECT {column} FROM before_all WHERE tenant = toUUID('{tenant}') AND shard = {shard} AND kind = 'event' \
             AND length(sealed_slots) > 0 ORDER BY chain_index LIMIT 1) AS {column}"
        )
    };
    for (name, column) in [
        ("ciphertexts of another tenant's record", "sealed_values"),
        ("leaf of another tenant's record", "leaf"),
        ("header of another tenant's record", "header"),
        ("texts of another tenant's record", "response_body"),
    ] {
        campaign.row_case(name, &taken(column)).await;
    }
    swapped_chains(campaign, tenant, shard).await;
}

async fn swapped_chains(campaign: &mut Campaign, tenant: &str, shard: &str) {
    let target = campaign.target.clone();
    let other = format!("(tenant = toUUID('{tenant}') AND shard = {shard})");
    let both = format!("(({}) OR {other})", target.chain());
    let exchanged = format!(
        "toUUID(if({other}, '{}', '{tenant}')) AS tenant, CAST(if({other}, {}, {shard}) AS UInt32) AS shard",
        target.tenant, target.shard
    );
    let delete = format!("ALTER TABLE records DELETE WHERE {both}");
    let swap = format!(
        "INSERT INTO records SELECT {} FROM before_all WHERE {both}",
        format_args!("* REPLACE ({exchanged})")
    );
    campaign.case("two chains swapped", &[&delete, &swap]).await;
    let tenants = format!(
        "INSERT INTO records SELECT * REPLACE (multiIf(tenant = toUUID('{tenant}'), toUUID('{own}'), \
         tenant = toUUID('{own}'), toUUID('{tenant}'), tenant) AS tenant) FROM before_all",
        own = target.tenant
    );
    campaign
        .case("two tenants swapped", &["TRUNCATE TABLE records", &tenants])
        .await;
    let shards = format!(
        "INSERT INTO records SELECT * REPLACE (multiIf(shard = {own}, CAST({next} AS UInt32), shard = {next}, \
         CAST({own} AS UInt32), shard) AS shard) FROM before_all",
        own = target.shard,
        next = (target.shard + 1) % 4
    );
    campaign
        .case("two shards swapped", &["TRUNCATE TABLE records", &shards])
        .await;
}

async fn partitions_and_tables(campaign: &mut Campaign) {
    let partitions = campaign
        .pipeline
        .texts("SELECT partition FROM system.parts WHERE database = currentDatabase() AND table = 'records' AND active GROUP BY partition ORDER BY sum(rows) DESC LIMIT 1")
        .await;
    let partition = &partitions[0];
    let detach = format!("ALTER TABLE records DETACH PARTITION {partition}");
    let attach = format!("ALTER TABLE records ATTACH PARTITION {partition}");
    let drop_partition = format!("ALTER TABLE records DROP PARTITION {partition}");
    let all = "INSERT INTO records SELECT * FROM before_all";
    campaign.case("a partition detached", &[&detach]).await;
    campaign.case("a partition dropped", &[&drop_partition]).await;
    campaign
        .case(
            "an old part attached beside the rows of today",
            &[&detach, all, &attach],
        )
        .await;
    campaign
        .case(
            "the table dropped and made again, empty",
            &["DROP TABLE records SYNC", "CREATE TABLE records AS before_all"],
        )
        .await;
    campaign
        .case("the table dropped", &["DROP TABLE records SYNC"])
        .await;
    campaign
        .case(
            "a column dropped",
            &["ALTER TABLE records DROP COLUMN response_body"],
        )
        .await;
    campaign
        .case(
            "a column dropped and made again, empty",
            &[
                "ALTER TABLE records DROP COLUMN response_body",
                "ALTER TABLE records ADD COLUMN response_body String",
            ],
        )
        .await;
    campaign
        .case(
            "the columns model and provider exchanged by renaming them",
            &[
                "ALTER TABLE records RENAME COLUMN model TO held",
                "ALTER TABLE records RENAME COLUMN provider TO model",
                "ALTER TABLE records RENAME COLUMN held TO provider",
            ],
        )
        .await;
    let view = format!(
        "CREATE VIEW records AS SELECT * FROM held WHERE NOT ({})",
        campaign.target.place()
    );
    campaign
        .case(
            "a view in place of the table, which hides one row",
            &["RENAME TABLE records TO held", &view],
        )
        .await;
    campaign.pipeline.execute("DROP TABLE IF EXISTS held SYNC").await;
}
