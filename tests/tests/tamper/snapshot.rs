//! Everything that a verifier reads of the frozen store, so that it can judge many changed copies in one process.

use aal_ledger::{ChainHead, Heads, TrustPolicy};
use aal_store::StoredRow;
use aal_verify::{Report, StoredRecord, Verifier};
use audit_tests::Pipeline;
use serde_json::Value;

use super::campaign::Target;

pub struct Snapshot {
    policy: TrustPolicy,
    /// The newest epoch.
    pub epoch: u64,
    checkpoint: String,
    manifests: Vec<String>,
    heads: String,
    records: Vec<StoredRecord>,
}

impl Snapshot {
    pub async fn take(pipeline: &Pipeline, policy: &str) -> Snapshot {
        let token = pipeline.token().await;
        let (status, head) = pipeline.get(&token, "/api/v1/verify/head").await;
        assert_eq!(status, 200, "{head}");
        let epoch = head["epoch"].as_u64().expect("epochs were sealed");
        let url = format!(
            "http://{}/api/v1/verify/epochs?to={epoch}",
            pipeline.endpoints.console
        );
        let answer = pipeline.http.get(url).bearer_auth(&token).send().await;
        let lines = answer.expect("it answers").text().await.expect("text");
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Snapshot {
            policy: TrustPolicy::parse(policy).expect("a policy"),
            epoch,
            checkpoint: text(&head["checkpoint"]),
            manifests: lines.iter().map(|line| text(&line["manifest"])).collect(),
            heads: text(&lines.last().expect("epochs")["heads"]),
            records: stored(pipeline, "records").await,
        }
    }

    /// The sealed chains.
    pub fn chains(&self) -> Vec<ChainHead> {
        let heads = Heads::parse(self.heads.as_bytes()).expect("heads");
        heads.chains().to_vec()
    }

    /// How much of a chain is sealed.
    pub fn sealed(&self, tenant: &str, shard: u32) -> u64 {
        let chains = self.chains();
        let head = chains
            .iter()
            .find(|head| head.chain.tenant.to_string() == tenant && head.chain.shard == shard);
        head.expect("the chain is sealed").size
    }

    /// Judges the store with another record in place of the target.
    pub fn judge(&self, target: &Target, instead: &StoredRecord) -> Report {
        let is_target = |record: &&StoredRecord| {
            record.tenant.to_string() == target.tenant
                && record.shard == target.shard
                && record.chain_index == target.chain_index
        };
        let mut records: Vec<&StoredRecord> =
            self.records.iter().filter(|record| !is_target(record)).collect();
        assert_eq!(records.len() + 1, self.records.len(), "the target is there once");
        records.push(instead);
        // As the export gives them.
        records.sort_by_key(|record| {
            (
                record.tenant,
                record.shard,
                record.chain_index,
                record.block,
                record.row,
            )
        });
        let mut verifier = Verifier::new(self.policy.clone());
        verifier.checkpoint_of(self.epoch, Some(self.checkpoint.as_bytes()));
        for manifest in &self.manifests {
            verifier.manifest(manifest.as_bytes());
        }
        verifier.heads(self.heads.as_bytes());
        records.into_iter().for_each(|record| verifier.record(record));
        verifier.finish()
    }
}

/// The rows of a table like `records` in the verifier's form.
pub async fn stored(pipeline: &Pipeline, table: &str) -> Vec<StoredRecord> {
    let sql = format!("{} FROM {table}", StoredRow::SELECT);
    let store = pipeline.store();
    let rows = store.client().query(&sql).fetch_all::<StoredRow>().await;
    let rows = rows.unwrap_or_else(|error| panic!("{table}: {error}"));
    rows.into_iter().map(StoredRow::into_stored).collect()
}
