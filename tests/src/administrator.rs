//! What an administrator of the store can do, and a pipeline with something to do it to.

use crate::{Pipeline, Start, until};

impl Pipeline {
    /// A new pipeline with that many decisions of the demo, stored and sealed.
    pub async fn filled(decisions: u64) -> Pipeline {
        let pipeline = Pipeline::start(Start::default()).await;
        pipeline.fill(decisions, "2026-06-01T00:00:00Z").await;
        pipeline
    }

    /// Adds decisions of the demo's month that ends there; waits until they are stored and sealed.
    pub async fn fill(&self, decisions: u64, end: &str) {
        let before = self.count("kind = 'event'").await;
        let output = self.audit(&["demo", "--decisions", &decisions.to_string(), "--end", end]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        until("the demo is stored", || async {
            (self.count("kind = 'event'").await >= before + decisions).then_some(())
        })
        .await;
        self.sealed().await;
    }

    /// Runs a statement with every right, and waits until it is done.
    pub async fn execute(&self, sql: &str) {
        let store = self.store();
        let client = store
            .client()
            .clone()
            .with_setting("mutations_sync", "2")
            .with_setting("alter_sync", "2")
            .with_setting("insert_deduplicate", "0");
        let done = client.query(sql).execute().await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Texts of one column.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let store = self.store();
        let found = store.client().query(sql).fetch_all::<String>().await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
