//! One pipeline, many cases: change, verify, undo.
//!
//! The cases run on a store that nobody writes to (`audit up --read-only`): what is sealed does not move behind their
//! back, and what they removed is not stored again meanwhile.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use audit_tests::{Pipeline, Start, Witness};
use serde_json::Value;
use tempfile::TempDir;

pub use super::table::Purpose;
use super::{
    snapshot::{self, Snapshot},
    table::{Judge, Table},
};

/// The row that single-row cases change, with a copy of it in table `kept`.
#[derive(Clone, Debug)]
pub struct Target {
    pub tenant: String,
    pub shard: u32,
    pub chain_index: u64,
    pub event_id: String,
}

impl Target {
    /// Finds the row by its place.
    pub fn place(&self) -> String {
        format!("{} AND chain_index = {}", self.chain(), self.chain_index)
    }

    /// Finds the rows of its chain.
    pub fn chain(&self) -> String {
        format!("tenant = toUUID('{}') AND shard = {}", self.tenant, self.shard)
    }
}

pub struct Campaign {
    pub pipeline: Pipeline,
    pub target: Target,
    pub snapshot: Snapshot,
    pub is_full: bool,
    /// In the full campaign only.
    pub witness: Option<Witness>,
    /// Files that lie outside the pipeline: policies, kept heads, the witness's own.
    pub files: TempDir,
    asked: usize,
    table: Table,
}

/// Of cases alike, one of so many goes through `audit verify` in the short campaign.
const SHORT_EVERY: usize = 24;

/// What the frozen store may be old: the campaign itself takes minutes.
const ANY_AGE: [&str; 2] = ["--max-age", "86400"];

/// The stores that one administrator has, and everything of one machine.
pub const STORES: [&str; 2] = ["clickhouse", "broker"];
pub const MACHINE: [&str; 6] = [
    "clickhouse",
    "broker",
    "anchor",
    "control.db",
    "control.db-wal",
    "control.db-shm",
];

/// Copies a file or folder over another one; where there is none, none is left.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let _ = fs::remove_file(to);
    if !from.exists() {
        return;
    }
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(
        copied.expect("cp runs").success(),
        "{} cannot be copied",
        from.display()
    );
}

/// Keeps a copy of parts of a stopped pipeline under a name.
pub fn keep(data: &Path, parts: &[&str], name: &str) {
    for part in parts {
        copy(&data.join(part), &data.join(format!("{part}.{name}")));
    }
}

/// Puts a kept copy in place.
pub fn put(data: &Path, parts: &[&str], name: &str) {
    for part in parts {
        copy(&data.join(format!("{part}.{name}")), &data.join(part));
    }
}

/// How the frozen pipeline starts.
pub fn frozen() -> Start {
    Start {
        read_only: true,
        ..Start::default()
    }
}

impl Campaign {
    /// A frozen pipeline with sealed demo data; in full with a witness and a copy of an earlier state.
    pub async fn start() -> Campaign {
        let is_full = std::env::var("AAL_TAMPER").is_ok_and(|value| value == "full");
        let files = tempfile::tempdir().expect("a folder");
        let mut pipeline = Pipeline::filled(200).await;
        let policy_file = pipeline.data().join("trust-policy.toml");
        let policy = fs::read_to_string(&policy_file).expect("a policy");
        fs::write(files.path().join("plain.toml"), &policy).expect("written");
        let mut witness = None;
        if is_full {
            let started = Witness::start(files.path(), "127.0.0.1:0", &policy);
            fs::write(&policy_file, started.pinned_in(&policy)).expect("written");
            witness = Some(started);
            pipeline.terminate().await;
            pipeline.restart().await;
            pipeline.witnessed(pipeline.newest_epoch().await).await;
            pipeline.terminate().await;
            keep(&pipeline.data(), &MACHINE, "old");
            pipeline.restart().await;
            pipeline.fill(40, "2026-07-01T00:00:00Z").await;
            stop_witnessed(&mut pipeline).await;
        } else {
            pipeline.terminate().await;
        }
        pipeline.restart_with(frozen()).await;
        for sql in [
            "CREATE TABLE before_all AS records",
            "INSERT INTO before_all SELECT * FROM records",
            "CREATE TABLE changed ENGINE = Memory AS SELECT * FROM records LIMIT 0",
        ] {
            pipeline.execute(sql).await;
        }
        let snapshot = Snapshot::take(&pipeline, &policy).await;
        let target = choose_target(&pipeline).await;
        assert!(
            snapshot.sealed(&target.tenant, target.shard) > target.chain_index + 5,
            "the target is sealed, and so are some after it"
        );
        let kept = format!(
            "CREATE TABLE kept ENGINE = MergeTree ORDER BY chain_index AS SELECT * FROM records WHERE {}",
            target.place()
        );
        pipeline.execute(&kept).await;
        Campaign {
            pipeline,
            target,
            snapshot,
            is_full,
            witness,
            files,
            asked: 0,
            table: Table::default(),
        }
    }

    /// Whether a case of many alike goes through `audit verify`: all in the full campaign, else a few.
    fn is_wanted(&mut self) -> bool {
        self.asked += 1;
        self.is_full || self.asked % SHORT_EVERY == 1
    }

    /// The table as it was, whatever became of it.
    pub async fn restore(&self) {
        for sql in [
            "DROP TABLE IF EXISTS records SYNC",
            "CREATE TABLE records AS before_all",
            "INSERT INTO records SELECT * FROM before_all",
        ] {
            self.pipeline.execute(sql).await;
        }
    }

    /// A case on the chosen row: `changes` replaces some of its columns.
    pub async fn row_case(&mut self, name: &str, changes: &str) {
        let changed = format!("SELECT * REPLACE ({changes}) FROM kept");
        self.pipeline.execute("TRUNCATE TABLE changed").await;
        self.pipeline
            .execute(&format!("INSERT INTO changed {changed}"))
            .await;
        let rows = snapshot::stored(&self.pipeline, "changed").await;
        let report = self.snapshot.judge(&self.target, &rows[0]);
        let by_library = i32::from(report.exit_code());
        if !self.is_wanted() || by_library != 1 {
            let report = serde_json::to_value(&report).expect("JSON");
            let detail = detail_of(&report, by_library == 1);
            self.table
                .note(name, Judge::Library, Purpose::Attack, (by_library, 1), detail);
            return;
        }
        let place = self.target.place();
        let attack = [
            format!("ALTER TABLE records DELETE WHERE {place}"),
            format!("INSERT INTO records {changed}"),
        ];
        self.case(name, &[&attack[0], &attack[1]]).await;
    }

    /// A case of some statements.
    pub async fn case(&mut self, name: &str, attack: &[&str]) {
        for sql in attack {
            self.pipeline.execute(sql).await;
        }
        self.judge(name, 1);
        self.restore().await;
    }

    /// The policy without a witness.
    pub fn plain(&self) -> PathBuf {
        self.files.path().join("plain.toml")
    }

    /// The policy that pins the witness.
    pub fn pinned(&self) -> PathBuf {
        self.pipeline.data().join("trust-policy.toml")
    }

    /// Verifies the frozen store under the plain policy and notes the outcome.
    pub fn judge(&mut self, name: &str, expected: i32) {
        self.judge_with(name, Purpose::Attack, expected, &self.plain(), &ANY_AGE);
    }

    /// As [`Campaign::judge`], under another policy and with further options.
    pub fn judge_by(&mut self, name: &str, expected: i32, policy: &Path, options: &[&str]) {
        let options = if options.contains(&ANY_AGE[0]) {
            options.to_vec()
        } else {
            [&ANY_AGE, options].concat()
        };
        self.judge_with(name, Purpose::Attack, expected, policy, &options);
    }

    /// Verifies with exactly these options.
    pub fn judge_with(
        &mut self,
        name: &str,
        purpose: Purpose,
        expected: i32,
        policy: &Path,
        options: &[&str],
    ) {
        let (status, report) = self.pipeline.verify_with(policy, options);
        let detail = detail_of(&report, status == expected);
        self.table
            .note(name, Judge::Command, purpose, (status, expected), detail);
    }

    /// The outcome of a check by a library.
    pub fn note_refusal(&mut self, name: &str, refusal: Result<(), String>) {
        let (status, detail) = match refusal {
            Err(why) => (1, why),
            Ok(()) => (0, "accepted".to_owned()),
        };
        self.table
            .note(name, Judge::Library, Purpose::Attack, (status, 1), detail);
    }

    /// The untouched store is proven.
    pub async fn control(&mut self, when: &str) {
        let name = format!("control: untouched, {when}");
        self.judge_with(&name, Purpose::Control, 0, &self.plain(), &ANY_AGE);
    }

    /// The anchor store's folder.
    pub fn anchor(&self) -> PathBuf {
        self.pipeline.data().join("anchor")
    }

    /// A file of an epoch.
    pub fn epoch_file(&self, number: u64, name: &str) -> PathBuf {
        assert!(number < 1_000, "{number} epochs");
        self.anchor().join(format!("epoch/{number:03}/{name}"))
    }

    /// A case on files of the anchor store: they are changed, judged, and put back.
    pub fn file_case(&mut self, name: &str, paths: &[PathBuf], change: impl FnOnce(&[PathBuf])) {
        self.with_files(paths, change, |campaign| campaign.judge(name, 1));
    }

    /// As [`Campaign::file_case`], of a file that is only a hint.
    pub fn hint_case(&mut self, name: &str, path: &Path, change: impl FnOnce(&Path)) {
        self.with_files(
            &[path.to_owned()],
            |paths| change(&paths[0]),
            |campaign| campaign.judge_with(name, Purpose::Hint, 0, &campaign.plain(), &ANY_AGE),
        );
    }

    /// Changes files, does something, and puts the files back.
    pub fn with_files(
        &mut self,
        paths: &[PathBuf],
        change: impl FnOnce(&[PathBuf]),
        judge: impl FnOnce(&mut Campaign),
    ) {
        let before: Vec<(PathBuf, Option<Vec<u8>>)> = paths
            .iter()
            .map(|path| (path.clone(), fs::read(path).ok()))
            .collect();
        change(paths);
        judge(self);
        for (path, bytes) in before {
            match bytes {
                Some(bytes) => fs::write(path, bytes).expect("it can be put back"),
                None => drop(fs::remove_file(path)),
            }
        }
    }

    /// Prints the table; fails when a case passed.
    pub fn finish(self) {
        self.table.finish();
    }
}

/// Stops the pipeline when its newest epoch is cosigned: one is sealed at a start, and the next one a minute later.
async fn stop_witnessed(pipeline: &mut Pipeline) {
    pipeline.terminate().await;
    let anchor = pipeline.data().join("anchor");
    let newest = || -> u64 {
        let text = fs::read_to_string(anchor.join("latest")).expect("a hint");
        text.trim().parse().expect("a number")
    };
    let before = newest();
    let unhurried = Start {
        epoch_ms: 60_000,
        ..Start::default()
    };
    pipeline.restart_with(unhurried).await;
    pipeline.witnessed(before + 1).await;
    pipeline.terminate().await;
    let cosigned = anchor.join(format!("epoch/{:03}/cosigned", newest()));
    assert!(cosigned.exists(), "the stop took a minute");
}

async fn choose_target(pipeline: &Pipeline) -> Target {
    // Which chain a session comes into depends on its tenant's id, and ids are random: some chains are short.
    let sql = "SELECT toString(tenant), shard, chain_index, toString(event_id) FROM records \
         INNER JOIN (SELECT tenant, shard, max(chain_index) AS newest FROM records GROUP BY tenant, shard) AS chains \
         USING (tenant, shard) \
         WHERE kind = 'event' AND length(response_body) > 50 AND length(sealed_slots) > 0 AND chain_index > 3 \
         AND chain_index + 8 <= newest \
         AND event_id IN (SELECT event_id FROM records GROUP BY event_id HAVING count() = 1) \
         ORDER BY chain_index, event_id LIMIT 1";
    let store = pipeline.store();
    let row = store
        .client()
        .query(sql)
        .fetch_one::<(String, u32, u64, String)>()
        .await;
    let (tenant, shard, chain_index, event_id) = row.expect("the demo has such an event");
    Target {
        tenant,
        shard,
        chain_index,
        event_id,
    }
}

/// The verdicts that failed; all of the report when the outcome is not the expected one.
fn detail_of(report: &Value, is_expected: bool) -> String {
    let Some(verdicts) = report["verdicts"].as_array() else {
        return report.as_str().unwrap_or_default().trim().to_owned();
    };
    if !is_expected {
        return report.to_string();
    }
    let refuted = verdicts.iter().filter(|verdict| verdict["status"] == "fail");
    let names: Vec<&str> = refuted
        .filter_map(|verdict| verdict["verdict"].as_str())
        .collect();
    if names.is_empty() {
        let open = verdicts
            .iter()
            .filter(|verdict| verdict["is_required"] == true && verdict["status"] == "unproven");
        let names: Vec<&str> = open.filter_map(|verdict| verdict["verdict"].as_str()).collect();
        return names.join(" ");
    }
    names.join(" ")
}
