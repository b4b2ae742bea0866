//! The targets by name.

mod bundle;
mod capture;
mod ledger;

/// What must hold for every input; a panic is a finding.
pub type Check = fn(&[u8]);

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of the target and of its folder of seeds.
    pub name: &'static str,
    pub check: Check,
    /// How many mutated inputs the smoke test tries; slow targets get fewer.
    pub smoke_runs: usize,
}

const fn target(name: &'static str, check: Check, smoke_runs: usize) -> Target {
    Target {
        name,
        check,
        smoke_runs,
    }
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("leaf", ledger::leaf, 20_000),
    target("header", ledger::header, 20_000),
    target("heads", ledger::heads, 10_000),
    target("manifest", ledger::manifest, 20_000),
    target("note", ledger::note, 10_000),
    target("checkpoint", ledger::checkpoint, 2_000),
    target("receipt", ledger::receipt, 5_000),
    target("proof", ledger::proof, 2_000),
    target("policy", ledger::policy, 2_000),
    target("witness_policy", ledger::witness_policy, 5_000),
    target("cosignature", ledger::cosignature, 10_000),
    target("range", ledger::range, 10_000),
    target("merkle", ledger::merkle, 10_000),
    target("entries", ledger::entries, 10_000),
    target("tile_path", ledger::tile_path, 20_000),
    target("bundle", bundle::raw, 1_000),
    target("bundle_members", bundle::rebooked, 2_000),
    target("event_json", capture::event_json, 5_000),
    target("event_avro", capture::event_avro, 10_000),
    target("exchange", capture::exchange, 2_000),
    target("redact", capture::redact, 500),
];

/// The target of that name.
pub fn named(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}
