//! One pipeline, many cases: change, verify, undo.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use audit_tests::{Pipeline, Start, until};
use serde_json::Value;

/// One case and what became of it.
struct Outcome {
    name: String,
    status: i32,
    expected: i32,
    verdicts: String,
}

/// The row that single-row cases change, with a copy of it in table `kept`.
#[derive(Clone, Debug)]
pub struct Target {
    pub tenant: String,
    pub shard: u32,
    pub chain_index: u64,
    pub event_id: String,
    /// 64 hexadecimal digits.
    pub leaf_hash: String,
}

impl Target {
    /// Finds the row whichever one of its columns was changed.
    pub fn condition(&self) -> String {
        format!(
            "((event_id = toUUID('{}') AND kind = 'event') OR leaf_hash = unhex('{}'))",
            self.event_id, self.leaf_hash
        )
    }

    /// Finds the row by its place.
    pub fn place(&self) -> String {
        format!(
            "tenant = toUUID('{}') AND shard = {} AND chain_index = {}",
            self.tenant, self.shard, self.chain_index
        )
    }
}

pub struct Campaign {
    pub pipeline: Pipeline,
    pub target: Target,
    pub(crate) is_full: bool,
    asked: usize,
    outcomes: Vec<Outcome>,
}

/// An epoch that does not end by itself during the campaign, so that nothing is sealed behind its back.
const QUIET_EPOCH_MS: u64 = 3_600_000;

/// Folders of ClickHouse and of the embedded Kafka.
pub const STORES: [&str; 2] = ["clickhouse", "broker"];

/// Copies a folder over another one.
pub fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let status = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .expect("cp runs");
    assert!(status.success(), "{} cannot be copied", from.display());
}

/// Stores and seals demo data.
async fn fill(pipeline: &Pipeline, decisions: &str, end: &str) {
    let before = pipeline.count("kind = 'event'").await;
    let output = pipeline.audit(&["demo", "--decisions", decisions, "--end", end]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    let added: u64 = decisions.parse().expect("a number");
    until("the demo is stored", || async {
        (pipeline.count("kind = 'event'").await >= before + added).then_some(())
    })
    .await;
    pipeline.sealed().await;
}

impl Campaign {
    /// A pipeline with sealed demo data.
    pub async fn start() -> Campaign {
        let mut pipeline = Pipeline::start(Start::default()).await;
        fill(&pipeline, "200", "2026-06-01T00:00:00Z").await;
        pipeline.terminate().await;
        for folder in STORES {
            copy(
                &pipeline.data().join(folder),
                &pipeline.data().join(format!("{folder}.old")),
            );
        }
        pipeline.restart().await;
        fill(&pipeline, "40", "2026-07-01T00:00:00Z").await;
        pipeline.terminate().await;
        let quiet = Start {
            epoch_ms: QUIET_EPOCH_MS,
            ..Start::default()
        };
        pipeline.restart_with(quiet).await;
        let mut campaign = Campaign {
            pipeline,
            target: Target {
                tenant: String::new(),
                shard: 0,
                chain_index: 0,
                event_id: String::new(),
                leaf_hash: String::new(),
            },
            is_full: std::env::var("AAL_TAMPER").is_ok_and(|value| value == "full"),
            asked: 0,
            outcomes: Vec::new(),
        };
        campaign
            .execute("CREATE TABLE before_all ENGINE = MergeTree ORDER BY (tenant, shard, chain_index) AS SELECT * FROM records")
            .await;
        campaign.keep_what_arrives().await;
        campaign.choose_target().await;
        campaign
    }

    /// Verifying is recorded, so rows arrive during the campaign. They are copied aside as they come, for cases that
    /// remove everything; what the campaign itself inserts under another key than its leaf's is not.
    async fn keep_what_arrives(&self) {
        self.execute("CREATE TABLE arrived ENGINE = MergeTree ORDER BY (tenant, shard, chain_index) AS SELECT * FROM records LIMIT 0").await;
        self.execute(
            "CREATE MATERIALIZED VIEW arriving TO arrived AS SELECT * FROM records WHERE kind != 'event' \
             AND leaf_hash = SHA256(concat(char(0), leaf)) \
             AND lower(hex(substring(leaf, 14, 16))) = replaceAll(toString(tenant), '-', '') \
             AND reinterpretAsUInt32(reverse(substring(leaf, 30, 4))) = shard \
             AND reinterpretAsUInt64(reverse(substring(leaf, 34, 8))) = chain_index",
        )
        .await;
    }

    async fn choose_target(&mut self) {
        let sql = "SELECT toString(tenant), shard, chain_index, toString(event_id), lower(hex(leaf_hash)) FROM records \
             WHERE kind = 'event' AND length(response_body) > 50 AND length(sealed_slots) > 0 AND chain_index > 3 \
             AND event_id IN (SELECT event_id FROM records GROUP BY event_id HAVING count() = 1) \
             ORDER BY event_id LIMIT 1";
        let (tenant, shard, chain_index, event_id, leaf_hash) = self
            .pipeline
            .store()
            .client()
            .query(sql)
            .fetch_one::<(String, u32, u64, String, String)>()
            .await
            .expect("the demo has such an event");
        self.target = Target {
            tenant,
            shard,
            chain_index,
            event_id,
            leaf_hash,
        };
        let kept = format!(
            "CREATE TABLE kept ENGINE = MergeTree ORDER BY chain_index AS SELECT * FROM records WHERE {}",
            self.target.condition()
        );
        self.execute(&kept).await;
    }

    /// Whether a case of many alike is run: all in the full campaign, else every fourth.
    pub fn is_wanted(&mut self) -> bool {
        self.asked += 1;
        self.is_full || self.asked % 4 == 1
    }

    /// Runs a statement with every right, and waits until it is done.
    pub async fn execute(&self, sql: &str) {
        let store = self.pipeline.store();
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
        let store = self.pipeline.store();
        let found = store.client().query(sql).fetch_all::<String>().await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Puts the chosen row in place of whatever it has become; `changes` replaces some of its columns.
    pub async fn replace_row(&self, changes: &str) {
        let condition = self.target.condition();
        self.execute(&format!("ALTER TABLE records DELETE WHERE {condition}"))
            .await;
        let replace = if changes.is_empty() {
            String::new()
        } else {
            format!(" REPLACE ({changes})")
        };
        self.execute(&format!("INSERT INTO records SELECT *{replace} FROM kept"))
            .await;
    }

    /// Puts back all rows that are missing.
    pub async fn put_missing_rows_back(&self) {
        for table in ["before_all", "arrived"] {
            let sql = format!(
                "INSERT INTO records SELECT * FROM {table} WHERE (tenant, shard, chain_index) NOT IN \
                 (SELECT tenant, shard, chain_index FROM records) LIMIT 1 BY tenant, shard, chain_index"
            );
            self.execute(&sql).await;
        }
    }

    /// A case on the chosen row: changed, judged, put back.
    pub async fn row_case(&mut self, name: &str, changes: &str) {
        self.replace_row(changes).await;
        self.judge(name, 1);
        self.replace_row("").await;
    }

    /// A case of one statement and the statements that undo it.
    pub async fn case(&mut self, name: &str, attack: &[&str], undo: &[&str]) {
        for sql in attack {
            self.execute(sql).await;
        }
        self.judge(name, 1);
        for sql in undo {
            self.execute(sql).await;
        }
    }

    /// Verifies and notes the outcome.
    pub fn judge(&mut self, name: &str, expected: i32) -> Value {
        let (status, report) = self.pipeline.verify();
        let verdicts = report["verdicts"].as_array().cloned().unwrap_or_default();
        let failed = verdicts.iter().filter(|verdict| verdict["status"] == "fail");
        let names: Vec<&str> = failed.filter_map(|verdict| verdict["verdict"].as_str()).collect();
        let detail = if verdicts.is_empty() {
            report.as_str().unwrap_or_default().trim().to_owned()
        } else if status == expected {
            names.join(" ")
        } else {
            report.to_string()
        };
        self.outcomes.push(Outcome {
            name: name.to_owned(),
            status,
            expected,
            verdicts: detail,
        });
        report
    }

    /// The untouched store is proven.
    pub async fn control(&mut self, when: &str) {
        self.judge(&format!("control: untouched, {when}"), 0);
    }

    /// The anchor store's folder.
    pub fn anchor(&self) -> PathBuf {
        self.pipeline.data().join("anchor")
    }

    /// A case on files of the anchor store: they are changed, judged, and put back.
    pub fn file_case(
        &mut self,
        name: &str,
        expected: i32,
        paths: &[PathBuf],
        change: impl FnOnce(&[PathBuf]),
    ) {
        let before: Vec<(PathBuf, Option<Vec<u8>>)> = paths
            .iter()
            .map(|path| (path.clone(), fs::read(path).ok()))
            .collect();
        change(paths);
        self.judge(name, expected);
        for (path, bytes) in before {
            match bytes {
                Some(bytes) => fs::write(path, bytes).expect("it can be put back"),
                None => drop(fs::remove_file(path)),
            }
        }
    }

    /// Prints the table; fails when a case passed.
    pub fn finish(self) {
        println!("{:<72} {:>6}  refuted by", "case", "status");
        for outcome in &self.outcomes {
            println!(
                "{:<72} {:>6}  {:.120}",
                outcome.name, outcome.status, outcome.verdicts
            );
        }
        let is_control = |outcome: &&Outcome| outcome.expected == 0;
        let controls = self.outcomes.iter().filter(is_control).count();
        println!("{} cases, {controls} controls", self.outcomes.len() - controls);
        let wrong: Vec<String> = self
            .outcomes
            .iter()
            .filter(|outcome| outcome.status != outcome.expected)
            .map(|outcome| {
                format!(
                    "{}: {} instead of {}: {:.3000}",
                    outcome.name, outcome.status, outcome.expected, outcome.verdicts
                )
            })
            .collect();
        assert!(
            wrong.is_empty(),
            "{} cases went wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}
