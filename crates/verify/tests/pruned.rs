//! Records of which only the leaf is left: named by a prune leaf of their time or later, or by nobody.

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use aal_ledger::{Kind, Leaf, PRUNED};
use aal_verify::{COLUMNS, Report, Status, StoredRecord, Verdict};
use bundles::{make, scope_between, verify};
use common::{Evidence, Log, START_US, event, plain};
use serde_json::{Value, json};
use uuid::Uuid;

const DAY_US: i64 = 86_400_000_000;

/// Six records of tenant 1, the first four `days` old; the last names `ranges` of this shard.
fn log(days: i64, ranges: Value) -> Log {
    let mut log = Log::default();
    let mut block: Vec<_> = (0..3).map(|offset| event(1, 0, offset)).collect();
    block.push(plain(Kind::Access, 1, 0, 3));
    for draft in &mut block {
        draft.t_edge_us = START_US - days * DAY_US;
        draft
            .header
            .insert("edge_at_us".to_owned(), json!(draft.t_edge_us));
    }
    log.block(block);
    log.block(vec![event(1, 0, 4)]);
    let mut act = plain(Kind::Prune, 1, 0, 5);
    act.header.insert("pruned_shard".to_owned(), json!(0));
    act.header.insert("pruned_ranges".to_owned(), ranges);
    log.block(vec![act]);
    log.seal();
    log
}

/// What the record store leaves of a row.
fn prune(record: &mut StoredRecord) {
    record.kind = PRUNED.to_owned();
    record.event_id = Uuid::nil();
    record.header.clear();
    record.templates.clear();
    record.ciphertexts.clear();
    let empty = [
        json!(""),
        json!(Uuid::nil()),
        json!(0),
        Value::Null,
        json!(false),
        json!({}),
        json!([]),
    ];
    let leaf = Leaf::decode(&record.leaf).unwrap();
    for column in &COLUMNS {
        let found = record.columns.get_mut(column.name).unwrap();
        if !column.is_pruned(&leaf, found) {
            let emptied = empty.iter().find(|value| column.is_pruned(&leaf, value));
            *found = emptied.unwrap().clone();
        }
    }
}

fn pruned(log: &Log, indexes: &[u64]) -> Evidence {
    let mut evidence = log.evidence();
    for index in indexes {
        prune(evidence.record(1, 0, *index));
    }
    evidence
}

fn assert_refuted(report: &Report, verdict: Verdict, words: &str) {
    assert_eq!(report.exit_code(), 1, "{report}");
    let judged = report.verdict(verdict);
    assert!(
        judged.findings.iter().any(|finding| finding.what.contains(words)),
        "{words}:\n{report}"
    );
}

#[test]
fn what_a_prune_leaf_names_may_be_absent_and_need_not_be() {
    let log = log(200, json!([[0, 3]]));
    let report = log.evidence().verify();
    assert_eq!((report.exit_code(), report.pruned), (0, 0), "{report}");
    let report = pruned(&log, &[0, 2]).verify();
    assert_eq!((report.exit_code(), report.pruned), (0, 2), "{report}");
    let judged = report.verdict(Verdict::Erasure);
    assert_eq!((judged.status, judged.checked), (Status::Pass, 2), "{report}");
    assert!(report.to_string().contains("2 pruned"), "{report}");
}

#[test]
fn what_no_leaf_names_or_was_too_young_is_refuted_by_name() {
    let named = log(200, json!([[0, 1]]));
    let report = pruned(&named, &[0, 1, 2]).verify();
    assert_refuted(&report, Verdict::Erasure, "records 2 to 2 are pruned");
    let young = log(182, json!([[0, 3]]));
    assert_refuted(&pruned(&young, &[0]).verify(), Verdict::Erasure, "records 0 to 0");
    // Named, but of the present.
    let present = log(200, json!([[0, 4]]));
    assert_refuted(
        &pruned(&present, &[4]).verify(),
        Verdict::Erasure,
        "records 4 to 4",
    );
    for bad in [json!([]), json!([[3, 0]]), json!("0-3"), json!([[0, 1], [2, 3]])] {
        let log = log(200, bad);
        assert_refuted(&pruned(&log, &[0]).verify(), Verdict::Erasure, "records 0 to 0");
    }
}

#[test]
fn a_kind_that_explains_others_is_never_pruned_and_nothing_may_be_left() {
    let log = log(200, json!([[0, 3]]));
    assert_refuted(
        &pruned(&log, &[3]).verify(),
        Verdict::Content,
        "a record of kind access never is",
    );
    let left: [fn(&mut StoredRecord); 6] = [
        |record| record.header = b"{}".to_vec(),
        |record| record.event_id = Uuid::from_u128(1),
        |record| {
            record.columns.insert("model".to_owned(), json!("gpt-4o"));
        },
        |record| {
            record.columns.insert("cost".to_owned(), json!("0.1"));
        },
        |record| {
            record.columns.insert("edge_at".to_owned(), json!(START_US));
        },
        |record| {
            record.columns.insert("source_seq".to_owned(), json!(1));
        },
    ];
    for change in left {
        let mut evidence = pruned(&log, &[0]);
        change(evidence.record(1, 0, 0));
        assert_eq!(evidence.verify().exit_code(), 1);
    }
    let mut evidence = pruned(&log, &[0]);
    evidence.record(1, 0, 0).leaf[200] ^= 1;
    assert_eq!(
        evidence.verify().exit_code(),
        1,
        "the leaf is still the sealed one"
    );
}

#[test]
fn a_bundle_has_the_leaves_of_pruned_records_and_what_allows_it() {
    let mut log = log(200, json!([[0, 3]]));
    for record in log.records_mut().filter(|record| record.chain_index < 3) {
        prune(record);
    }
    let report = verify(&make(&log, &scope_between(&log, None, 0)));
    assert_eq!((report.exit_code(), report.pruned), (0, 3), "{report}");
    assert_eq!(report.verdict(Verdict::Erasure).status, Status::Pass, "{report}");

    let mut unnamed = self::log(200, json!([[0, 1]]));
    for record in unnamed.records_mut().filter(|record| record.chain_index < 3) {
        prune(record);
    }
    let report = verify(&make(&unnamed, &scope_between(&unnamed, None, 0)));
    assert_refuted(&report, Verdict::Erasure, "records 2 to 2 are pruned");
}
