//! Runs `differential.py`, a second reading of the recordings that shares no line with this crate, when both are there.

use std::path::{Path, PathBuf};
use std::process::Command;

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn a_second_reading_of_the_recordings_says_the_same() {
    let files = recordings();
    // Cargo builds examples beside the tests, unless single targets are asked for.
    let own = std::env::current_exe().unwrap();
    let program = own.parent().unwrap().with_file_name("examples").join("normalise");
    if files.is_empty() || !program.exists() {
        eprintln!("no recordings beside the repository, or no example built; nothing compared");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential.py");
    let ran = Command::new("python3")
        .arg(script)
        .arg(program)
        .args(&files)
        .output()
        .expect("python3 runs");
    let said = [ran.stdout, ran.stderr].concat();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&said));
}
