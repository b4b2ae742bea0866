//! House rules, checked like any other behaviour.

use std::{collections::BTreeSet, process::Command};

use audit_tests::repository::{root, tracked_names, tracked_texts};

const SOURCE: [&str; 5] = [".rs", ".ts", ".tsx", ".py", ".mjs"];
const LONGEST_FILE: usize = 500;
/// What docs/misbehaviour.md quotes besides tests.
const WORDS_OF_EVENTS: [&str; 2] = ["provider_stalled", "client_disconnected"];
const PURE: [&str; 10] = [
    "aal-event",
    "aal-exchange",
    "aal-pricing",
    "aal-redact",
    "aal-seal",
    "aal-ledger",
    "aal-verify",
    "aal-flow",
    "aal-policy",
    "aal-record",
];

#[test]
fn files_have_one_subject_and_fit_in_a_sitting() {
    let long: Vec<String> = tracked_texts()
        .into_iter()
        .filter(|(name, _)| SOURCE.iter().any(|ending| name.ends_with(ending)))
        .filter_map(|(name, text)| {
            let lines = text.lines().count();
            (lines > LONGEST_FILE).then(|| format!("{name}: {lines} lines"))
        })
        .collect();
    assert!(long.is_empty(), "files over {LONGEST_FILE} lines: {long:?}");
}

#[test]
fn no_large_file_is_committed() {
    const LARGEST_BYTES: u64 = 1024 * 1024;
    let large: Vec<String> = tracked_names()
        .into_iter()
        .filter(|name| std::fs::metadata(root().join(name)).is_ok_and(|file| file.len() > LARGEST_BYTES))
        .collect();
    assert!(large.is_empty(), "files over {LARGEST_BYTES} bytes: {large:?}");
}

#[test]
fn main_files_only_wire() {
    let long: Vec<String> = tracked_texts()
        .into_iter()
        .filter(|(name, text)| name.ends_with("src/main.rs") && text.lines().count() > 100)
        .map(|(name, _)| name)
        .collect();
    assert!(long.is_empty(), "main files over 100 lines: {long:?}");
}

#[test]
fn nothing_unfinished_or_machine_bound_is_committed() {
    // Written in two parts, so that this file does not find itself.
    let forbidden = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("art", "ifactory"),
        concat!("#[", "ignore"),
    ];
    let mut found = Vec::new();
    for (name, text) in tracked_texts() {
        if name.ends_with("package-lock.json") || name == "Cargo.lock" || name.contains("/data/") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = forbidden.iter().find(|word| line.contains(*word)) {
                found.push(format!("{name}:{}: {word}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_core_is_pure() {
    let impure = [
        "tokio",
        "hyper",
        "reqwest",
        "clickhouse",
        "rdkafka",
        "sqlx",
        "warp",
        "object_store",
    ];
    for package in PURE {
        let tree = Command::new("cargo")
            .args([
                "tree",
                "--locked",
                "--offline",
                "-p",
                package,
                "-e",
                "normal",
                "--prefix",
                "none",
            ])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        let text = String::from_utf8_lossy(&tree.stdout).into_owned();
        let names: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let found: Vec<&&str> = impure.iter().filter(|name| names.contains(**name)).collect();
        assert!(found.is_empty(), "{package} depends on {found:?}");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml"))
        .expect("it exists")
        .parse()
        .expect("it is TOML");
    let reasons =
        std::fs::read_to_string(root().join("docs/dependencies.md")).expect("docs/dependencies.md exists");
    let dependencies = manifest["workspace"]["dependencies"].as_table().expect("a table");
    let missing: Vec<&String> = dependencies
        .iter()
        .filter(|(_, value)| value.get("path").is_none())
        .map(|(name, _)| name)
        .filter(|name| !reasons.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "without a reason in docs/dependencies.md: {missing:?}"
    );
}

#[test]
fn the_compose_file_is_accepted() {
    let mut accepted = Command::new("docker-compose");
    accepted.arg("config").current_dir(root());
    for name in ["POSTGRES_PASSWORD", "CLICKHOUSE_PASSWORD", "GRAFANA_PASSWORD"] {
        accepted.env(name, "only-for-this-test");
    }
    let output = accepted
        .output()
        .expect("docker-compose is installed by scripts/install-packages.sh test");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_case_of_misbehaviour_has_its_test() {
    let page = std::fs::read_to_string(root().join("docs/misbehaviour.md")).expect("the page exists");
    let cells = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .flat_map(|line| {
            // The first cell names the case.
            line.split('|').skip(2).collect::<Vec<_>>()
        });
    let quoted: Vec<&str> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| name.len() > 12 && name.contains(['_', ' ']) && !name.contains('/'))
        .collect();
    let sources: String = tracked_texts()
        .into_iter()
        .filter(|(name, _)| SOURCE.iter().any(|ending| name.ends_with(ending)) && name.contains("test"))
        .map(|(_, text)| text)
        .collect();
    let tests = quoted.iter().filter(|name| !WORDS_OF_EVENTS.contains(*name));
    let missing: Vec<&&str> = tests
        .clone()
        .filter(|name| {
            let forms = [
                format!("fn {name}("),
                format!("def {name}("),
                format!("test(\"{name}\""),
            ];
            !forms.iter().any(|form| sources.contains(form))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "docs/misbehaviour.md names tests that are not there: {missing:?}"
    );
    assert!(tests.count() >= 40, "the page is read wrongly");
}
