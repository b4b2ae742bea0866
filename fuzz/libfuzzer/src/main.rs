//! One program for all targets; AAL_FUZZ_TARGET says which. Built and started by `scripts/fuzz.sh`.
#![no_main]

use std::sync::LazyLock;

use aal_fuzz::{TARGETS, Target, named};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("AAL_FUZZ_TARGET").unwrap_or_default();
    named(&name).unwrap_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        panic!("AAL_FUZZ_TARGET is {name:?}; it must be one of {}", names.join(", "))
    })
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.check)(bytes));
