//! Receipts that clients kept against a bundle and against a running log.

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use aal_ledger::{NoteSigner, Receipt, TrustPolicy};
use aal_verify::{BundleOptions, Receipts, Report, Status, Verdict, verify_bundle};
use bundles::{make, scope_of};
use common::{EPOCH_US, Log, ORIGIN, START_US, event, log_signer};

fn edge() -> NoteSigner {
    NoteSigner::from_seed("audit.example.com/edge", &[3; 32]).unwrap()
}

fn policy() -> TrustPolicy {
    let text = TrustPolicy::render(
        ORIGIN,
        log_signer().verifier_key(),
        &[edge().verifier_key().clone()],
    );
    TrustPolicy::parse(&format!("max_seal_delay_s = 15\n{text}")).unwrap()
}

fn receipt(offset: u64, edge_at_us: i64) -> Receipt {
    Receipt::sign(
        event(1, 0, offset).event_id,
        [offset as u8; 32],
        edge_at_us,
        &edge(),
    )
}

/// Events 0 to 3 with the receipts that the edge gave, in the first of three epochs.
fn log() -> Log {
    let mut log = Log::default();
    let drafts = (0..4).map(|offset| {
        let mut draft = event(1, 0, offset);
        draft.receipt_hash = receipt(offset, draft.t_edge_us).hash();
        draft
    });
    log.block(drafts.collect());
    log.seal();
    log.seal();
    log.seal();
    log
}

fn outcome(lines: &[String]) -> Report {
    let policy = policy();
    let log = log();
    let mut receipts = Receipts::new(&policy).unwrap();
    for (number, line) in lines.iter().enumerate() {
        receipts.add_line(number as u64 + 1, line, &policy).unwrap();
    }
    let options = BundleOptions {
        receipts: Some(receipts),
        ..BundleOptions::default()
    };
    verify_bundle(&make(&log, &scope_of(&log))[..], &policy, options).unwrap()
}

#[test]
fn every_receipt_is_matched_by_its_leaf() {
    let lines: Vec<String> = (0..4)
        .map(|offset| format!("{}\r\n", receipt(offset, START_US + offset as i64 * 1_000)))
        .chain([String::new()])
        .collect();
    let report = outcome(&lines);
    assert_eq!(report.exit_code(), 0, "{report}");
    let receipts = report.receipts.unwrap();
    assert_eq!((receipts.given, receipts.matched), (4, 4));
}

#[test]
fn an_accepted_event_that_is_missing_refutes() {
    let report = outcome(&[receipt(77, START_US + 5).to_string()]);
    assert_eq!(report.exit_code(), 1, "{report}");
    assert_eq!(report.verdict(Verdict::Scope).status, Status::Fail);
    let receipts = report.receipts.unwrap();
    assert_eq!(receipts.missing_events, [event(1, 0, 77).event_id]);
}

#[test]
fn what_cannot_be_judged_is_unproven() {
    let late = receipt(77, START_US + 3 * EPOCH_US - 1_000_000);
    let other = receipt(2, START_US + 1);
    let stranger = NoteSigner::from_seed("audit.example.com/edge", &[4; 32]).unwrap();
    let forged = Receipt::sign(event(1, 0, 1).event_id, [1; 32], START_US, &stranger);
    for (line, undecided, refused) in [
        (late.to_string(), 1, 0),
        (other.to_string(), 1, 0),
        (forged.to_string(), 0, 1),
        ("aal-receipt/v1 what".to_owned(), 0, 1),
    ] {
        let report = outcome(&[line]);
        assert_eq!(report.exit_code(), 3, "{report}");
        let receipts = report.receipts.unwrap();
        assert_eq!((receipts.undecided, receipts.refused), (undecided, refused));
    }
}

#[test]
fn without_a_pinned_key_receipts_are_refused() {
    assert!(Receipts::new(&common::policy()).is_err());
}
