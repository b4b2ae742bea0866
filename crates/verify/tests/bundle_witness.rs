//! WITNESS of a bundle: whose cosigned checkpoint is enough, and how old it may be.

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use std::collections::BTreeMap;

use aal_ledger::{Checkpoint, Cosigner, Note, TrustPolicy};
use aal_verify::{BundleOptions, Report, Status, Verdict, verify_bundle};
use bundles::{make_cosigned, scope_of};
use common::{EPOCH_US, Log, ORIGIN, default_log, log_signer};

fn witness() -> Cosigner {
    Cosigner::ed25519("witness.test/one", &[3; 32]).unwrap()
}

/// The log's policy that wants the witness, by so many seconds before the last epoch.
fn trust(max_delay_s: i64) -> TrustPolicy {
    let keys = TrustPolicy::render(ORIGIN, log_signer().verifier_key(), &[]);
    let witness = witness();
    let lines = format!(
        "witness one {} http://127.0.0.1:1\nquorum one\n",
        witness.verifier_key()
    );
    let text = format!("max_witness_delay_s = {max_delay_s}\nwitness_policy = '''\n{lines}'''\n{keys}");
    TrustPolicy::parse(&text).unwrap()
}

/// The epoch's checkpoint with the line of a witness.
fn cosigned(log: &Log, epoch: u64, by: &Cosigner) -> Vec<u8> {
    let mut note = Note::parse(&log.epochs[epoch as usize].checkpoint).unwrap();
    let checkpoint = Checkpoint::parse_text(&note.text).unwrap();
    note.signatures
        .push(by.cosign(&checkpoint, 1_790_000_000).unwrap());
    note.to_bytes()
}

fn verified(log: &Log, scope: &aal_bundle::Scope, notes: &BTreeMap<u64, Vec<u8>>, delay_s: i64) -> Report {
    let bundle = make_cosigned(log, scope, |_| {}, notes);
    verify_bundle(bundle.as_slice(), &trust(delay_s), BundleOptions::default()).unwrap()
}

/// Status of WITNESS and the exit status.
fn judged(report: &Report) -> (Status, u8) {
    (report.verdict(Verdict::Witness).status, report.exit_code())
}

fn sealed_log() -> (Log, u64) {
    let mut log = default_log();
    while log.epochs.len() < 3 {
        log.seal();
    }
    let last = log.epochs.len() as u64 - 1;
    (log, last)
}

#[test]
fn an_older_witnessed_epoch_is_enough_within_the_allowed_delay() {
    let (log, last) = sealed_log();
    let scope = scope_of(&log);
    let step_s = EPOCH_US / 1_000_000;
    let none = BTreeMap::new();
    assert_eq!(
        judged(&verified(&log, &scope, &none, 3_600)),
        (Status::Unproven, 3)
    );
    let of = |epoch: u64| BTreeMap::from([(epoch, cosigned(&log, epoch, &witness()))]);
    for (epoch, delay_s, expected) in [
        (last, 0, (Status::Pass, 0)),
        (last - 1, 0, (Status::Unproven, 3)),
        (last - 1, step_s - 1, (Status::Unproven, 3)),
        (last - 1, step_s, (Status::Pass, 0)),
        (last - 2, step_s, (Status::Unproven, 3)),
        (last - 2, 2 * step_s, (Status::Pass, 0)),
    ] {
        let report = verified(&log, &scope, &of(epoch), delay_s);
        assert_eq!(judged(&report), expected, "epoch {epoch}, {delay_s} s: {report}");
    }
    let report = verified(&log, &scope, &of(last - 1), step_s - 1);
    let told: Vec<String> = report.findings().map(|finding| finding.what.clone()).collect();
    assert!(
        told.contains(&format!("epochs {last} to {last} are not witnessed")),
        "{told:?}"
    );
}

#[test]
fn a_witnessed_tip_covers_the_range_before_it() {
    let (log, last) = sealed_log();
    let mut scope = scope_of(&log);
    scope.range.last_epoch = last - 1;
    let tip = BTreeMap::from([(last, cosigned(&log, last, &witness()))]);
    assert_eq!(judged(&verified(&log, &scope, &tip, 0)), (Status::Pass, 0));
}

#[test]
fn lines_of_others_do_not_count_and_a_wrong_one_refutes() {
    let (log, last) = sealed_log();
    let scope = scope_of(&log);
    let stranger = Cosigner::ed25519("witness.test/two", &[4; 32]).unwrap();
    let notes = BTreeMap::from([(last, cosigned(&log, last, &stranger))]);
    assert_eq!(judged(&verified(&log, &scope, &notes, 0)), (Status::Unproven, 3));

    // The witness's line of an older checkpoint under the newest one.
    let mut note = Note::parse(&log.epochs[last as usize].checkpoint).unwrap();
    let older = Note::parse(&cosigned(&log, last - 1, &witness())).unwrap();
    note.signatures.push(older.signatures.last().unwrap().clone());
    let notes = BTreeMap::from([(last, note.to_bytes())]);
    assert_eq!(judged(&verified(&log, &scope, &notes, 0)), (Status::Fail, 1));
}
