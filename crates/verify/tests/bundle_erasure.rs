//! Content that is absent: erased by a leaf of the range, by one outside of it, or by nobody.

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use aal_ledger::merkle::{MemoryTree, prove};
use aal_ledger::proof::TlogProof;
use aal_ledger::{ChainHead, Hash, Kind, leaf_hash};
use aal_verify::{Report, Status, Verdict};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundles::{forge, make, scope_between, verify};
use common::{CONTENT_KEY, Log, event, plain};
use serde_json::json;
use uuid::Uuid;

/// Two events of tenant 1, whose content key is destroyed in the second epoch; the third is idle.
fn log(erased_key: u128) -> Log {
    let mut log = Log::default();
    log.block(vec![event(1, 0, 0), event(1, 0, 1)]);
    log.seal();
    let mut done = plain(Kind::ErasureDone, 1, 0, 2);
    let keys = json!([Uuid::from_u128(erased_key)]);
    done.header.insert("subject_key_ids".to_owned(), keys);
    log.block(vec![done]);
    log.seal();
    log.seal();
    log.erase(1);
    log
}

/// Header and proof under the newest checkpoint of the erasure, which is leaf 2 of the chain.
fn erasure(log: &Log) -> (Vec<u8>, Vec<u8>) {
    let record = log.stored().find(|record| record.kind == "erasure_done").unwrap();
    let epoch = log.epochs.len() - 1;
    let heads = &log.epochs[epoch].heads;
    let hex = |hashes: Vec<Hash>| -> Vec<String> { hashes.iter().map(aal_ledger::hash::to_hex).collect() };
    let text = heads.to_text();
    let (line_index, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| line.starts_with("chain"))
        .unwrap();
    let head = ChainHead::parse_line(line).unwrap();
    let chain: MemoryTree = log.stored().map(|record| leaf_hash(&record.leaf)).collect();
    let lines: MemoryTree = heads.line_hashes().collect();
    let anchor: MemoryTree = log.manifests.iter().map(|manifest| leaf_hash(manifest)).collect();
    let extra = json!({
        "format": "aal-record-path/v1",
        "leaf": STANDARD.encode(&record.leaf),
        "chain": {"id": head.chain.to_string(), "index": record.chain_index, "size": head.size,
                  "path": hex(prove::inclusion(&chain, record.chain_index, head.size).unwrap())},
        "head": {"line": line, "index": line_index, "size": heads.line_count(),
                 "path": hex(prove::inclusion(&lines, line_index as u64, lines.size()).unwrap())},
        "manifest": String::from_utf8(log.manifests[epoch].clone()).unwrap(),
    });
    let proof = TlogProof {
        extra: Some(extra.to_string().into_bytes()),
        index: epoch as u64,
        hashes: prove::inclusion(&anchor, epoch as u64, anchor.size()).unwrap(),
        checkpoint: log.epochs[epoch].checkpoint.clone(),
    };
    (record.header.clone(), proof.to_bytes())
}

/// The bundle of the first epoch with these entries of erasures.
fn with_erasures(log: &Log, entries: &[(Vec<u8>, Vec<u8>)]) -> Report {
    let mut scope = scope_between(log, None, 0);
    scope.range.tip_epoch = 2;
    let mut member = Vec::new();
    for part in entries.iter().flat_map(|(header, proof)| [header, proof]) {
        member.extend((part.len() as u32).to_be_bytes());
        member.extend(part);
    }
    let bundle = forge(&make(log, &scope), |members| {
        let position = members.len() - 1;
        members.insert(position, ("erasures".to_owned(), member));
    });
    verify(&bundle)
}

#[test]
fn an_erasure_in_the_range_explains_what_is_absent() {
    let report = verify(&make(
        &log(CONTENT_KEY),
        &scope_between(&log(CONTENT_KEY), None, 2),
    ));
    assert_eq!(report.exit_code(), 0, "{report}");
    let judged = report.verdict(Verdict::Erasure);
    assert_eq!((judged.status, judged.checked), (Status::Pass, 10), "{report}");
}

#[test]
fn without_a_leaf_that_names_the_key_absence_is_refuted() {
    for (log, last) in [(log(CONTENT_KEY), 0), (log(0xbad), 2)] {
        let mut scope = scope_between(&log, None, last);
        scope.range.tip_epoch = 2;
        let report = verify(&make(&log, &scope));
        assert_eq!(report.verdict(Verdict::Erasure).status, Status::Fail, "{report}");
        assert_eq!(report.exit_code(), 1);
    }
}

#[test]
fn an_erasure_outside_of_the_range_is_proven_under_the_tip() {
    let log = log(CONTENT_KEY);
    let (header, proof) = erasure(&log);
    let report = with_erasures(&log, &[(header.clone(), proof.clone())]);
    assert_eq!(report.exit_code(), 0, "{report}");
    assert_eq!(report.verdict(Verdict::Erasure).status, Status::Pass);

    let mut other_header = header.clone();
    let at = other_header.len() - 4;
    other_header[at] ^= 1;
    let report = with_erasures(&log, &[(other_header, proof.clone())]);
    assert_eq!(report.exit_code(), 1, "{report}");
    for at in [30, proof.len() / 2, proof.len() - 20] {
        let mut other_proof = proof.clone();
        other_proof[at] = if other_proof[at] == b'A' { b'B' } else { b'A' };
        let report = with_erasures(&log, &[(header.clone(), other_proof)]);
        assert_eq!(
            report.verdict(Verdict::Erasure).status,
            Status::Fail,
            "byte {at}:\n{report}"
        );
    }
    // Another note than the tip's.
    let report = with_erasures(&log, &[(header, [proof, b"more".to_vec()].concat())]);
    assert_eq!(report.exit_code(), 1, "{report}");
}
