//! The repository's own files.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the repository exists")
}

/// Names of the files that git tracks.
pub fn tracked_names() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git runs");
    let names = String::from_utf8(listed.stdout).expect("names are UTF-8");
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Files that git tracks, with their text; binary ones are left out.
pub fn tracked_texts() -> Vec<(String, String)> {
    let texts = tracked_names().into_iter().filter_map(|name| {
        let text = std::fs::read(root().join(&name)).ok()?;
        Some((name, String::from_utf8(text).ok()?))
    });
    texts.collect()
}
