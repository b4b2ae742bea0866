//! The untouched log, and what must never count as a pass.

mod common;

use aal_ledger::Kind;
use aal_verify::{Status, StoredRecord, Verdict, Verifier};
use common::{Log, default_log, event, plain, policy};
use serde_json::json;
use uuid::Uuid;

#[test]
fn the_untouched_log_is_proven() {
    let report = default_log().evidence().verify();
    assert_eq!(report.exit_code(), 0, "{report}");
    for verdict in [Verdict::Content, Verdict::Identity, Verdict::Time, Verdict::Scope] {
        let one = report.verdict(verdict);
        assert_eq!(
            (one.status, one.refuted, one.unproven),
            (Status::Pass, 0, 0),
            "{report}"
        );
        assert!(one.checked > 0);
    }
    for verdict in [Verdict::Witness, Verdict::Erasure, Verdict::Report] {
        assert_eq!(report.verdict(verdict).status, Status::Unproven);
    }
    assert_eq!(
        (report.records, report.sealed, report.not_yet_sealed),
        (23, 21, 2)
    );
    assert_eq!((report.chains, report.epochs), (5, 3));
    assert_eq!(report.verdict(Verdict::Time).checked, 21 + 3);
    let text = report.to_string();
    assert!(
        text.starts_with("23 records of 5 chains: 21 sealed, 2 not yet sealed; 3 epochs\n"),
        "{text}"
    );
    assert!(text.contains("SCOPE     pass"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["verdicts"][0]["verdict"], "CONTENT");
    assert_eq!(json["verdicts"][0]["status"], "pass");
}

#[test]
fn nothing_checked_is_never_a_pass() {
    assert_eq!(Verifier::new(policy()).finish().exit_code(), 3);
    let mut log = Log::default();
    log.seal();
    log.seal();
    let report = log.evidence().verify();
    assert_eq!(report.exit_code(), 3, "an empty log proves nothing: {report}");

    // Records, but none of them sealed yet.
    log.block(vec![event(1, 0, 0)]);
    let report = log.evidence().verify();
    assert_eq!((report.exit_code(), report.not_yet_sealed), (3, 1), "{report}");
    assert_eq!(report.verdict(Verdict::Scope).status, Status::Unproven);
}

#[test]
fn absent_evidence_is_unproven_not_refuted() {
    let good = default_log().evidence();
    let mut without = good.clone();
    without.checkpoints.clear();
    assert_eq!(without.verify().exit_code(), 3);
    let mut without = good.clone();
    (without.checkpoints, without.manifests, without.heads) = (Vec::new(), Vec::new(), Vec::new());
    assert_eq!(without.verify().exit_code(), 3);

    let mut verifier = Verifier::new(good.policy.clone());
    verifier.checkpoint(&good.checkpoints[0]);
    good.manifests
        .iter()
        .for_each(|manifest| verifier.manifest(manifest));
    good.records.iter().for_each(|record| verifier.record(record));
    assert_eq!(verifier.finish().exit_code(), 3, "no heads");

    let mut unknown = good.clone();
    unknown.records[0]
        .columns
        .insert("colour".to_owned(), json!("red"));
    let report = unknown.verify();
    assert_eq!(report.exit_code(), 3, "{report}");
    let mut lacking = good.clone();
    lacking.records[0].columns.remove("cost");
    assert_eq!(lacking.verify().exit_code(), 3);
}

#[test]
fn records_past_the_promised_delay_are_not_passed_over() {
    let mut evidence = default_log().evidence();
    evidence.policy.max_seal_delay_s = Some(60);
    assert_eq!(evidence.verify().exit_code(), 0);
    evidence.policy.max_seal_delay_s = Some(10);
    let report = evidence.verify();
    assert_eq!(report.exit_code(), 3, "{report}");
    assert_eq!(report.verdict(Verdict::Scope).unproven, 2);
    assert!(report.to_string().contains("index 11 event"), "{report}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let good = default_log().evidence();
    let run = |damage: bool| {
        let mut verifier = Verifier::new(good.policy.clone());
        good.checkpoints.iter().for_each(|note| verifier.checkpoint(note));
        good.manifests
            .iter()
            .for_each(|manifest| verifier.manifest(manifest));
        assert_eq!(verifier.signed_epoch(), Some(2));
        verifier.heads(&good.heads);
        good.records
            .iter()
            .skip(usize::from(damage))
            .for_each(|record| verifier.record(record));
        verifier.unreadable("line 1: not json");
        verifier.finish()
    };
    let report = run(false);
    assert_eq!(report.exit_code(), 2, "{report}");
    assert!(report.to_string().contains("unreadable: line 1: not json"));
    assert_eq!(run(true).exit_code(), 1, "a refutation stays one");
}

#[test]
fn manifests_beyond_the_checkpoint_are_not_relied_on() {
    let mut log = default_log();
    let evidence = log.evidence();
    assert_eq!(evidence.verify().not_yet_sealed, 2);
    log.seal();
    let later = log.evidence();
    let mut raced = evidence.clone();
    raced.manifests = later.manifests.clone();
    let report = raced.verify();
    assert_eq!((report.exit_code(), report.epochs), (0, 3), "{report}");
    // Heads of an epoch that no checkpoint covers yet are no evidence, and no refutation either.
    raced.heads = later.heads.clone();
    assert_eq!(raced.verify().exit_code(), 3, "{}", raced.verify());
    // An older checkpoint that the auditor kept is checked beside the newest.
    let mut remembered = later.clone();
    remembered.checkpoints.push(evidence.checkpoints[0].clone());
    assert_eq!(remembered.verify().exit_code(), 0);
    assert_eq!(remembered.verify().sealed, 23);
}

#[test]
fn erasure_is_explained_by_its_leaf() {
    let mut log = default_log();
    let mut done = plain(Kind::ErasureDone, 1, 0, 22);
    let key = Uuid::from_u128(common::CONTENT_KEY);
    done.header.insert("subject_key_ids".to_owned(), json!([key]));
    log.block(vec![done]);
    log.seal();
    let mut evidence = log.evidence();
    let erase = |record: &mut StoredRecord| {
        record.templates.clear();
        record.ciphertexts.clear();
        record.columns.insert("user_id".to_owned(), json!(""));
        record.columns.insert("session_id".to_owned(), json!(""));
    };
    erase(evidence.record(1, 0, 1));
    erase(evidence.record(1, 0, 2));
    let report = evidence.verify();
    assert_eq!(report.exit_code(), 0, "{report}");
    let erasure = report.verdict(Verdict::Erasure);
    assert_eq!((erasure.status, erasure.checked), (Status::Pass, 2));

    // The key of another tenant's erasure explains nothing here.
    erase(evidence.record(2, 0, 1));
    let report = evidence.verify();
    assert_eq!(report.exit_code(), 1, "{report}");
    assert_eq!(report.verdict(Verdict::Erasure).refuted, 1);

    // A text left in a column after its attributes were erased.
    let mut left = log.evidence();
    erase(left.record(1, 0, 1));
    left.record(1, 0, 1)
        .columns
        .insert("user_id".to_owned(), json!("clerk-7"));
    assert_eq!(left.verify().exit_code(), 1);
}

#[test]
fn digest_records_hold_no_texts() {
    let mut log = Log::default();
    let mut draft = event(1, 0, 0);
    draft.header.insert("content".to_owned(), json!("digest"));
    log.block(vec![draft]);
    log.seal();
    let mut evidence = log.evidence();
    evidence.records[0].templates.clear();
    evidence.records[0]
        .columns
        .insert("user_id".to_owned(), json!(""));
    evidence.records[0]
        .columns
        .insert("session_id".to_owned(), json!(""));
    assert_eq!(evidence.verify().exit_code(), 0, "{}", evidence.verify());
    evidence.records[0].ciphertexts.pop();
    assert_eq!(
        evidence.verify().exit_code(),
        1,
        "sealed values are not covered by the policy"
    );
}

#[test]
fn a_record_survives_its_wire_form() {
    for record in default_log().evidence().records {
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<StoredRecord>(&line).unwrap(), record);
    }
    let line = serde_json::to_string(&default_log().evidence().records[1]).unwrap();
    assert!(serde_json::from_str::<StoredRecord>(&line.replace("\"shard\"", "\"shart\"")).is_err());
    assert!(serde_json::from_str::<StoredRecord>(&line.replace("\"leaf\":\"", "\"leaf\":\"*")).is_err());
}
