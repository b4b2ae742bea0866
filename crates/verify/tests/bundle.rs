//! Bundles that are what they say: every verdict, determinism, starting in the middle, filters, tenants.

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use aal_bundle::{Disclosure, Filter, MemberKind};
use aal_ledger::Checkpoint;
use aal_verify::{BundleOptions, Status, Verdict};
use bundles::{make, make_with, members, scope_between, scope_of, verify, verify_with};
use common::{default_log, log_signer};

#[test]
fn a_whole_log_passes() {
    let log = default_log();
    let bundle = make(&log, &scope_of(&log));
    let report = verify(&bundle);
    assert_eq!(report.exit_code(), 0, "{report}");
    for verdict in [Verdict::Content, Verdict::Identity, Verdict::Time, Verdict::Scope] {
        let judged = report.verdict(verdict);
        assert!(judged.status == Status::Pass && judged.checked > 0, "{report}");
    }
    for verdict in [Verdict::Witness, Verdict::Erasure, Verdict::Report] {
        assert_eq!(report.verdict(verdict).status, Status::Unproven, "{report}");
    }
    let facts = report.bundle.as_ref().unwrap();
    assert!(facts.complete_within_range && facts.range_covers_tip);
    assert_eq!(facts.counts.leaves, report.records);
    assert!(
        facts.counts.openings > 20 && facts.counts.ciphertexts > 20,
        "{facts:?}"
    );
}

#[test]
fn the_same_input_gives_the_same_bytes_and_the_same_report() {
    let log = default_log();
    let scope = scope_between(&log, Some(0), 1);
    let bundle = make(&log, &scope);
    assert_eq!(bundle, make(&log, &scope));
    let one = verify(&bundle);
    for threads in [2, 3] {
        let options = BundleOptions {
            threads,
            ..BundleOptions::default()
        };
        assert_eq!(verify_with(&bundle, options), one);
    }
}

#[test]
fn every_range_of_the_log_passes() {
    let log = default_log();
    for last in 0..3 {
        for base in std::iter::once(None).chain((0..last).map(Some)) {
            let report = verify(&make(&log, &scope_between(&log, base, last)));
            assert_eq!(report.exit_code(), 0, "{base:?} to {last}:\n{report}");
            let facts = report.bundle.unwrap();
            assert!(facts.complete_within_range);
            assert_eq!(facts.range_covers_tip, last == 2);
        }
    }
}

#[test]
fn one_tenant_gets_its_own_chains_and_no_word_of_others() {
    let log = default_log();
    let mut scope = scope_between(&log, Some(0), 2);
    scope.tenant = Some(bundles::tenant_one());
    let bundle = make(&log, &scope);
    let report = verify(&bundle);
    assert_eq!(report.exit_code(), 3, "{report}");
    let judged = report.verdict(Verdict::Scope);
    assert_eq!((judged.refuted, judged.unproven), (0, 1), "{report}");
    assert_eq!(report.verdict(Verdict::Identity).status, Status::Pass, "{report}");
    assert!(report.bundle.unwrap().complete_within_range);
    let other = common::tenant(2).to_string();
    let is_told = bundle
        .windows(other.len())
        .any(|window| window == other.as_bytes());
    assert!(!is_told, "another tenant's id is in the bundle");
}

#[test]
fn a_filter_keeps_every_leaf_and_hands_over_only_what_matches() {
    let log = default_log();
    let all = verify(&make(&log, &scope_of(&log)));
    let sealed = |record: &&aal_verify::StoredRecord| record.kind == "event" && record.block < 3;
    let events = log.stored().filter(sealed).count() as u64;
    let event = log
        .stored()
        .find(|record| record.kind == "event")
        .unwrap()
        .event_id
        .to_string();
    for (filter, matched) in [
        (Filter::new([("event_id", event.as_str())]).unwrap(), 1),
        (
            Filter::new([("provider", "openai"), ("status", "200")]).unwrap(),
            events,
        ),
        (Filter::new([("provider", "anthropic")]).unwrap(), 0),
        (
            Filter::new([("has_pii", "true"), ("session_id", "s-1")]).unwrap(),
            events,
        ),
        (Filter::new([("user_id", "somebody else")]).unwrap(), 0),
    ] {
        let mut scope = scope_of(&log);
        scope.filter = filter;
        let report = verify(&make(&log, &scope));
        let counts = report.bundle.as_ref().unwrap().counts;
        assert_eq!(report.exit_code(), 0, "{report}");
        assert_eq!(counts.leaves, all.records);
        assert_eq!(counts.matched, matched, "{:?}", scope.filter);
        assert_eq!(counts.openings, matched * 3);
    }
}

#[test]
fn content_can_be_withheld() {
    let log = default_log();
    let mut scope = scope_of(&log);
    scope.disclosure = Disclosure {
        ciphertexts: false,
        templates: false,
    };
    let bundle = make(&log, &scope);
    let report = verify(&bundle);
    let counts = report.bundle.as_ref().unwrap().counts;
    assert_eq!(report.exit_code(), 0, "{report}");
    assert_eq!((counts.openings, counts.ciphertexts), (0, 0));
    assert!(
        !bundle.windows(8).any(|window| window == b"approved"),
        "a text was handed over"
    );
}

#[test]
fn a_known_head_is_compared() {
    let log = default_log();
    let bundle = make(&log, &scope_between(&log, Some(0), 1));
    let known = |epoch: usize| {
        let log = &log.epochs[epoch].log;
        Checkpoint {
            origin: common::ORIGIN.to_owned(),
            size: log.size(),
            root: log.root(),
        }
    };
    let outcome = |known_head: Checkpoint| {
        let options = BundleOptions {
            known_head: Some(known_head),
            ..BundleOptions::default()
        };
        verify_with(&bundle, options).exit_code()
    };
    for epoch in 0..3 {
        assert_eq!(outcome(known(epoch)), 0, "epoch {epoch}");
    }
    let forked = Checkpoint {
        root: [7; 32],
        ..known(1)
    };
    assert_eq!(outcome(forked), 1);
    let newer = Checkpoint { size: 9, ..known(2) };
    assert_eq!(outcome(newer), 3, "a newer head than the tip leaves it open");
}

#[test]
fn nothing_checked_is_never_a_pass() {
    // An epoch in which nothing happened, between two others.
    let mut log = default_log();
    log.seal();
    log.seal();
    let last = log.epochs.len() as u64 - 1;
    let report = verify(&make(&log, &scope_between(&log, Some(last - 1), last)));
    assert_eq!(report.records, 0);
    assert_eq!(report.exit_code(), 3, "{report}");
    // A log without any record: manifests only.
    let mut empty = common::Log::default();
    empty.seal();
    let report = verify(&make(&empty, &scope_of(&empty)));
    assert_eq!(report.exit_code(), 3, "{report}");
    // All records taken away by a forger who makes the counts agree.
    let log = default_log();
    let bundle = make(&log, &scope_of(&log));
    let stripped = bundles::forge(&bundle, |members| {
        members.retain(|(name, _)| !name.starts_with("records/"));
        let manifest = bundles::data(members, "manifest.json");
        let mut value: serde_json::Value = serde_json::from_slice(manifest).unwrap();
        for name in ["leaves", "matched", "openings", "ciphertexts"] {
            value["counts"][name] = 0.into();
        }
        *manifest = aal_ledger::jcs::to_vec(&value).unwrap();
    });
    let report = verify(&stripped);
    assert_eq!(report.exit_code(), 1, "{report}");
    assert_eq!(report.verdict(Verdict::Scope).status, Status::Fail);
}

#[test]
fn another_signer_or_log_is_refuted() {
    let log = default_log();
    let bundle = make(&log, &scope_of(&log));
    let other = aal_ledger::NoteSigner::from_seed(common::ORIGIN, &[9; 32]).unwrap();
    assert_ne!(other.verifier_key().id(), log_signer().verifier_key().id());
    let text = aal_ledger::TrustPolicy::render(common::ORIGIN, other.verifier_key(), &[]);
    let policy = aal_ledger::TrustPolicy::parse(&text).unwrap();
    let report = aal_verify::verify_bundle(&bundle[..], &policy, BundleOptions::default()).unwrap();
    assert_eq!(report.verdict(Verdict::Identity).status, Status::Fail, "{report}");
    let text = text.replace(common::ORIGIN, "elsewhere.example/anchor");
    assert!(
        aal_ledger::TrustPolicy::parse(&text).is_err(),
        "a key is of its own name"
    );
}

#[test]
fn report_files_are_bound_by_the_manifest() {
    let log = default_log();
    let bundle = make_with(&log, &scope_of(&log), |writer| {
        writer.report(MemberKind::ReportPdf, b"%PDF-1.7").unwrap();
    });
    assert_eq!(verify(&bundle).exit_code(), 0);
    assert_eq!(members(&bundle)[1], (MemberKind::ReportPdf, b"%PDF-1.7".to_vec()));
    let at = bundle
        .windows(8)
        .position(|window| window == b"%PDF-1.7")
        .unwrap();
    let mut edited = bundle;
    edited[at + 5] = b'2';
    assert_eq!(verify(&edited).exit_code(), 1);
}
