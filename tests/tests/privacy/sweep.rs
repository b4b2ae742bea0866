//! Searches everything that was written.

use std::path::Path;

use aal_redact::{Detector, Entity};
use audit_tests::Pipeline;

use crate::corpus::Corpus;

/// What a search found; the values are looked for in every spelling that files and answers use.
pub struct Sweep<'c> {
    corpus: &'c Corpus,
    spellings: Vec<(String, String)>,
    found: Vec<String>,
    searched_bytes: u64,
}

impl<'c> Sweep<'c> {
    pub fn new(corpus: &'c Corpus) -> Sweep<'c> {
        let mut spellings = Vec::new();
        for value in &corpus.values {
            let quoted = serde_json::to_string(value).expect("a text");
            let escaped = quoted.trim_matches('"').to_owned();
            let bare: String = value
                .chars()
                .filter(|character| !" -".contains(*character))
                .collect();
            let encoded: String = value.replace('@', "%40").replace(' ', "%20").replace('+', "%2B");
            for spelling in [value.clone(), escaped, bare, encoded] {
                if spelling.len() >= 9 && !spellings.iter().any(|(known, _)| *known == spelling) {
                    spellings.push((spelling, value.clone()));
                }
            }
        }
        Sweep {
            corpus,
            spellings,
            found: Vec::new(),
            searched_bytes: 0,
        }
    }

    pub fn text(&mut self, place: &str, text: &str) {
        self.bytes(place, text.as_bytes());
    }

    pub fn bytes(&mut self, place: &str, bytes: &[u8]) {
        self.searched_bytes += bytes.len() as u64;
        let text = String::from_utf8_lossy(bytes);
        for (spelling, value) in &self.spellings {
            if let Some(at) = text.find(spelling.as_str()) {
                let from = text.floor_char_boundary(at.saturating_sub(120));
                let to = text.ceil_char_boundary((at + spelling.len() + 40).min(text.len()));
                self.found
                    .push(format!("{place}: {value:?} in …{}…", &text[from..to]));
            }
        }
    }

    /// Every row of every table, the engine's own logs included: the files of the store are compressed.
    pub async fn tables(&mut self, pipeline: &Pipeline) {
        let tables = query(
            pipeline,
            "SELECT database, name FROM system.tables WHERE engine NOT IN ('View', 'MaterializedView') AND \
             (database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') OR name LIKE '%\\_log' OR \
             name IN ('errors', 'processes', 'query_cache', 'mutations', 'warnings')) FORMAT TabSeparated",
        )
        .await;
        let mut names: Vec<String> = Vec::new();
        for line in tables.lines() {
            let (database, name) = line.split_once('\t').expect("two columns");
            let rows = query(
                pipeline,
                &format!("SELECT * FROM `{database}`.`{name}` FORMAT JSONEachRow"),
            )
            .await;
            self.text(&format!("table {database}.{name}"), &rows);
            names.push(name.to_owned());
        }
        assert!(names.iter().any(|name| name == "records"), "{names:?}");
    }

    /// Every file below `root` with its name, but the topics themselves.
    pub fn files(&mut self, root: &Path) {
        let mut folders = vec![root.to_owned()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            // Folders and files of the running store come and go.
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            for path in entries.flatten().map(|entry| entry.path()) {
                if path.is_dir() {
                    if path != root.join("broker") {
                        folders.push(path);
                    }
                    continue;
                }
                self.text("name of a file", &path.display().to_string());
                let Ok(bytes) = std::fs::read(&path) else { continue };
                let place = format!("file {}", path.strip_prefix(root).unwrap_or(&path).display());
                if bytes.starts_with(b"%PDF") {
                    self.text(&place, &text_of_pdf(&bytes));
                }
                self.bytes(&place, &bytes);
                count += 1;
            }
        }
        assert!(count > 20, "only {count} files were searched");
    }

    pub fn has_found_something(&self) -> bool {
        !self.found.is_empty()
    }

    pub fn assert_clean(&self) {
        println!(
            "searched {} bytes for {} values in {} spellings; found {}",
            self.searched_bytes,
            self.corpus.values.len(),
            self.spellings.len(),
            self.found.len()
        );
        for found in self.found.iter().take(60) {
            println!("{found}");
        }
        assert!(
            self.found.is_empty(),
            "{} places hold personal data",
            self.found.len()
        );
    }
}

async fn query(pipeline: &Pipeline, sql: &str) -> String {
    let answer = pipeline
        .http
        .post(format!("http://{}/", pipeline.endpoints.clickhouse))
        .header("x-clickhouse-user", "default")
        .header("x-clickhouse-key", &pipeline.endpoints.clickhouse_password)
        .body(sql.to_owned())
        .send()
        .await
        .expect("the store answers");
    let status = answer.status();
    let bytes = answer.bytes().await.expect("a body");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(status, 200, "{sql}: {text}");
    text
}

/// The text of a PDF, whose streams are compressed.
pub fn text_of_pdf(pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), pdf).expect("written");
    let output = std::process::Command::new("pdftotext")
        .arg(file.path())
        .arg("-")
        .output();
    String::from_utf8_lossy(&output.expect("pdftotext is installed").stdout).into_owned()
}

/// The detector knows these forms; a corpus that it does not know would prove nothing.
#[test]
fn the_own_corpus_is_found_by_the_detector() {
    let detector = Detector::builtin();
    let token = |entity: Entity, _: &str| format!("[[{entity}:k1:0123456789ABCDEF]]");
    for value in Corpus::load().own {
        for text in [value.clone(), format!("Please note {value} for the file.")] {
            let redacted = detector.redact_text(&text, "", &token).expect("it is redacted");
            assert!(!redacted.template.contains(&value), "{value}");
        }
    }
}
