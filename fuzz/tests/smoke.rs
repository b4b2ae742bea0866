//! Every seed, and some thousand mutations of the seeds, reproducible.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use aal_fuzz::mutate::Mutator;
use aal_fuzz::{TARGETS, Target};

/// Another seed tries other mutations: AAL_FUZZ_SEED.
fn seed() -> u64 {
    let given = std::env::var("AAL_FUZZ_SEED").ok();
    given.map_or(1, |text| text.parse().expect("AAL_FUZZ_SEED is a number"))
}

fn seeds(target: Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target.name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no seeds", target.name);
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("a seed can be read");
        (path, bytes)
    };
    files.into_iter().map(read).collect()
}

/// Runs one input; a panic is reported with the input.
fn run(target: Target, bytes: &[u8], what: &str) {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.check)(bytes)));
    assert!(outcome.is_ok(), "{} fails on {what}: {}", target.name, hex(bytes));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn seeds_and_mutations_of_every_target_hold() {
    for target in TARGETS {
        let seeds = seeds(*target);
        for (path, bytes) in &seeds {
            run(*target, bytes, &path.display().to_string());
        }
        let mut mutator = Mutator::new(seed());
        for number in 0..target.smoke_runs {
            let (_, seed) = &seeds[number % seeds.len()];
            let (_, other) = &seeds[mutator.below(seeds.len())];
            let mut bytes = seed.clone();
            mutator.mutate(&mut bytes, other);
            run(*target, &bytes, &format!("mutation {number}"));
        }
    }
}
