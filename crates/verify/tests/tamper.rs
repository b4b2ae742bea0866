//! Each way to tamper with a sealed log is refuted by the right verdict and named.

mod common;

use aal_ledger::merkle::CompactRange;
use aal_ledger::{Heads, Kind, Manifest, NoteSigner, leaf_hash};
use aal_verify::{Status, Verdict};
use common::{EPOCH_US, Evidence, Log, ORIGIN, default_log, event, gap, plain, sign, tenant};
use serde_json::json;
use uuid::Uuid;

type Tamper = fn(&mut Evidence);

fn check(cases: &[(&str, Tamper, Verdict, &str)]) {
    let control = default_log().evidence();
    assert_eq!(control.verify().exit_code(), 0);
    for (name, tamper, verdict, expected) in cases {
        let mut evidence = control.clone();
        tamper(&mut evidence);
        let report = evidence.verify();
        assert_eq!(report.exit_code(), 1, "{name}:\n{report}");
        let judged = report.verdict(*verdict);
        assert_eq!(judged.status, Status::Fail, "{name}:\n{report}");
        let is_named = judged
            .findings
            .iter()
            .any(|finding| finding.to_string().contains(expected));
        assert!(is_named, "{name}: no finding with {expected:?} in\n{report}");
    }
}

#[test]
fn stored_bytes_changed() {
    check(&[
        (
            "one byte of a leaf",
            |evidence| evidence.record(1, 0, 2).leaf[250] ^= 1,
            Verdict::Content,
            "00000001/0 index 2 event 00000000-0000-0000-0000-0000e0000007: stored leaf hashes to",
        ),
        (
            "leaf no longer one",
            |evidence| evidence.record(1, 0, 2).leaf[0] ^= 1,
            Verdict::Content,
            "are no leaf",
        ),
        (
            "leaf cut",
            |evidence| evidence.record(1, 0, 2).leaf.truncate(300),
            Verdict::Content,
            "are no leaf",
        ),
        (
            "leaf longer",
            |evidence| evidence.record(1, 0, 2).leaf.push(0),
            Verdict::Content,
            "are no leaf",
        ),
        (
            "leaf hash column",
            |evidence| evidence.record(2, 1, 0).leaf_hash[0] ^= 1,
            Verdict::Content,
            "index 0 event",
        ),
        (
            "previous hash column",
            |evidence| evidence.record(2, 0, 1).prev_leaf_hash[31] ^= 1,
            Verdict::Content,
            "index 1 event 00000000-0000-0000-0000-0000e0000006: column prev_leaf_hash holds",
        ),
        (
            "one byte of a header",
            |evidence| {
                let header = &mut evidence.record(2, 0, 1).header;
                let at = header.iter().position(|byte| *byte == b'4').unwrap();
                header[at] = b'5';
            },
            Verdict::Content,
            "index 1 event 00000000-0000-0000-0000-0000e0000006: stored header hashes to",
        ),
        (
            "header not JSON",
            |evidence| evidence.record(2, 0, 1).header[0] = 0xff,
            Verdict::Content,
            "not canonical",
        ),
        (
            "a word of a text",
            |evidence| evidence.record(1, 0, 0).templates[1].text = b"refused".to_vec(),
            Verdict::Content,
            "index 0 event 00000000-0000-0000-0000-0000e0000003: stored text of slot 1 is not the one",
        ),
        (
            "a text emptied",
            |evidence| evidence.record(1, 0, 0).templates[0].text.clear(),
            Verdict::Content,
            "slot 0",
        ),
        (
            "a salt",
            |evidence| evidence.record(1, 0, 0).templates[2].salt.as_mut().unwrap()[0] ^= 1,
            Verdict::Content,
            "text of slot 3",
        ),
        (
            "a salt removed",
            |evidence| evidence.record(1, 0, 0).templates[0].salt = None,
            Verdict::Content,
            "without its salt",
        ),
        (
            "one byte of a ciphertext",
            |evidence| evidence.record(1, 0, 0).ciphertexts[0].ciphertext[47] ^= 1,
            Verdict::Content,
            "ciphertext of slot 8",
        ),
        (
            "ciphertexts of two records swapped",
            |evidence| {
                let other = evidence.record(1, 0, 1).ciphertexts[0].clone();
                evidence.record(1, 0, 0).ciphertexts[0] = other;
            },
            Verdict::Content,
            "index 0 event",
        ),
        (
            "a text added that the leaf does not name",
            |evidence| {
                let mut extra = evidence.record(1, 0, 0).templates[0].clone();
                extra.slot = 2;
                evidence.record(1, 0, 0).templates.push(extra);
            },
            Verdict::Content,
            "text of slot 2 is stored, the leaf has none",
        ),
        (
            "a text beside itself",
            |evidence| {
                let mut twin = evidence.record(1, 0, 0).templates[0].clone();
                twin.text = b"forged".to_vec();
                evidence.record(1, 0, 0).templates.push(twin);
            },
            Verdict::Content,
            "slot 0 is stored twice",
        ),
        (
            "a text removed without an erasure",
            |evidence| evidence.record(1, 0, 0).templates.clear(),
            Verdict::Erasure,
            "no erasure_done leaf names that key",
        ),
        (
            "a ciphertext removed without an erasure",
            |evidence| evidence.record(1, 0, 0).ciphertexts.clear(),
            Verdict::Erasure,
            "index 0 event",
        ),
    ]);
}

#[test]
fn place_columns_changed() {
    check(&[
        (
            "kind",
            |evidence| evidence.record(1, 0, 0).kind = "heartbeat".into(),
            Verdict::Content,
            "column kind holds",
        ),
        (
            "event id",
            |evidence| evidence.record(1, 0, 0).event_id = Uuid::from_u128(9),
            Verdict::Content,
            "column event_id",
        ),
        (
            "offset",
            |evidence| evidence.record(1, 0, 0).offset += 1,
            Verdict::Content,
            "column kafka_offset holds 4, the leaf 3",
        ),
        (
            "tenant",
            |evidence| evidence.record(1, 0, 11).tenant = tenant(3),
            Verdict::Content,
            "column tenant holds",
        ),
        (
            "tenant of the whole chain",
            |evidence| {
                let taken = evidence
                    .records
                    .iter_mut()
                    .filter(|record| record.tenant == tenant(2) && record.shard == 1);
                taken.for_each(|record| record.tenant = tenant(3));
            },
            Verdict::Scope,
            "00000002/1: leaf 0 is missing: manifest of epoch 2 says size 1, stored 0",
        ),
        (
            "shard",
            |evidence| evidence.record(2, 1, 0).shard = 2,
            Verdict::Content,
            "column shard holds 2, the leaf 1",
        ),
        (
            "index",
            |evidence| evidence.record(1, 0, 2).chain_index = 1,
            Verdict::Content,
            "column chain_index",
        ),
        (
            "block",
            |evidence| evidence.record(2, 0, 2).block = 0,
            Verdict::Scope,
            "block and row do not follow",
        ),
        (
            "last block",
            |evidence| evidence.record(2, 1, 0).block = 7,
            Verdict::Scope,
            "shard 1: blocks end before 8",
        ),
    ]);
}

/// Every projected column, changed to another value of its type.
#[test]
fn each_projected_column_changed() {
    let control = default_log().evidence();
    for column in &aal_verify::COLUMNS {
        let mut evidence = control.clone();
        let columns = &mut evidence.record(1, 0, 1).columns;
        let old = columns[column.name].clone();
        let new = match &old {
            serde_json::Value::String(text) if text.starts_with("0.") => json!("0.000601"),
            serde_json::Value::String(text) => json!(format!("{text}x")),
            serde_json::Value::Number(number) => json!(number.as_i64().unwrap() + 1),
            serde_json::Value::Bool(value) => json!(!value),
            serde_json::Value::Null => json!(0),
            serde_json::Value::Array(_) => json!(["length"]),
            serde_json::Value::Object(_) => json!({"input_text": 1}),
        };
        columns.insert(column.name.to_owned(), new);
        let report = evidence.verify();
        assert_eq!(report.exit_code(), 1, "{}:\n{report}", column.name);
        let expected = format!(
            "index 1 event 00000000-0000-0000-0000-0000e0000005: column {} holds",
            column.name
        );
        assert!(
            report.to_string().contains(&expected),
            "{}:\n{report}",
            column.name
        );
        assert_eq!(report.verdict(Verdict::Content).refuted, 1, "{report}");
    }
}

#[test]
fn rows_removed_added_or_moved() {
    check(&[
        (
            "the last rows of a chain",
            |evidence| {
                evidence.remove(2, 0, 5);
                evidence.remove(2, 0, 4);
                evidence.remove(2, 0, 3);
            },
            Verdict::Scope,
            "00000002/0: leaves 3..4 (2) are missing: manifest of epoch 2 says size 5, stored 3",
        ),
        (
            "one row in the middle",
            |evidence| {
                evidence.remove(1, 0, 1);
            },
            Verdict::Scope,
            "00000001/0: leaf 1 is missing between stored ones",
        ),
        (
            "several rows in the middle",
            |evidence| (3..6).for_each(|index| drop(evidence.remove(1, 0, index))),
            Verdict::Scope,
            "leaves 3..5 (3) are missing between stored ones",
        ),
        (
            "the first row",
            |evidence| {
                evidence.remove(1, 0, 0);
            },
            Verdict::Scope,
            "leaf 0 is missing between stored ones",
        ),
        (
            "a whole chain",
            |evidence| evidence.records.retain(|record| record.tenant != tenant(2)),
            Verdict::Scope,
            "00000002/0: leaves 0..4 (5) are missing: manifest of epoch 2 says size 5, stored 0",
        ),
        (
            "a whole table",
            |evidence| evidence.records.clear(),
            Verdict::Scope,
            "00000001/1: leaves 0..1 (2) are missing",
        ),
        (
            "a row twice",
            |evidence| {
                let position = evidence.at(1, 0, 4);
                let twin = evidence.records[position].clone();
                evidence.records.insert(position + 1, twin);
            },
            Verdict::Scope,
            "index 4 is stored twice",
        ),
        (
            "two rows swapped, indexes too",
            |evidence| {
                let (a, b) = (evidence.at(1, 0, 1), evidence.at(1, 0, 2));
                evidence.records.swap(a, b);
                evidence.records[a].chain_index = 1;
                evidence.records[b].chain_index = 2;
            },
            Verdict::Scope,
            "index 1 event 00000000-0000-0000-0000-0000e0000007: leaf names",
        ),
        (
            "a chain in two pieces",
            |evidence| {
                let moved = evidence.remove(1, 0, 9);
                evidence.records.push(moved);
            },
            Verdict::Scope,
            "stored in two places",
        ),
        (
            "a row of another chain",
            |evidence| {
                let mut stranger = evidence.record(2, 0, 2).clone();
                (stranger.tenant, stranger.chain_index) = (tenant(1), 2);
                *evidence.record(1, 0, 2) = stranger;
            },
            Verdict::Content,
            "index 2 event 00000000-0000-0000-0000-0000e000000c: column tenant holds",
        ),
    ]);
}

/// A whole log written again, consistent in itself, against the sealed heads of the first.
fn rewritten(change: impl Fn(&mut common::Draft)) -> Evidence {
    let mut other = Log::default();
    let mut block = |mut drafts: Vec<common::Draft>| {
        drafts.iter_mut().for_each(&change);
        other.block(drafts);
    };
    block(vec![gap(0, 0, 2), event(1, 0, 3), event(2, 0, 4), event(1, 0, 5)]);
    block(vec![event(1, 1, 0), event(1, 1, 1)]);
    block(vec![
        event(2, 0, 6),
        event(1, 0, 7),
        event(1, 0, 8),
        plain(Kind::Heartbeat, 0, 0, 9),
    ]);
    block(
        (10..20)
            .map(|offset| event(1 + u128::from(offset % 3 == 0), 0, offset))
            .collect(),
    );
    block(vec![event(2, 1, 2)]);
    Evidence {
        records: other.evidence().records,
        ..default_log().evidence()
    }
}

#[test]
fn the_same_length_rewritten_with_new_links() {
    assert_eq!(rewritten(|_| ()).verify().exit_code(), 0, "control");
    let evidence = rewritten(|draft| {
        if draft.offset == 17 {
            draft.header.insert("cost".to_owned(), json!("0.000001"));
        }
    });
    let report = evidence.verify();
    assert_eq!(report.exit_code(), 1, "{report}");
    assert_eq!(
        report.verdict(Verdict::Content).status,
        Status::Pass,
        "in itself it is consistent"
    );
    assert_eq!(report.verdict(Verdict::Scope).refuted, 1, "{report}");
    assert!(
        report.to_string().contains("00000001/0: root of 11 leaves is"),
        "{report}"
    );
    let back_dated = rewritten(|draft| draft.t_edge_us -= i64::from(draft.offset == 18));
    assert_eq!(back_dated.verify().exit_code(), 1);
}

fn seal_again(evidence: &mut Evidence, signer: &NoteSigner) {
    let mut log = CompactRange::new();
    evidence
        .manifests
        .iter()
        .for_each(|manifest| log.append(leaf_hash(manifest)));
    evidence.checkpoints = vec![sign(log.size(), log.root(), signer)];
}

fn edit_manifest(evidence: &mut Evidence, epoch: usize, change: impl Fn(&mut Manifest)) {
    let mut manifest = Manifest::parse(&evidence.manifests[epoch]).unwrap();
    change(&mut manifest);
    evidence.manifests[epoch] = manifest.to_text().into_bytes();
}

#[test]
fn the_anchor_changed() {
    check(&[
        (
            "checkpoint signature",
            |evidence| {
                let at = evidence.checkpoints[0].len() - 20;
                evidence.checkpoints[0][at] ^= 1;
            },
            Verdict::Identity,
            "checkpoint",
        ),
        (
            "checkpoint text",
            |evidence| {
                let text = String::from_utf8(evidence.checkpoints[0].clone()).unwrap();
                evidence.checkpoints[0] = text.replacen("\n3\n", "\n2\n", 1).into_bytes();
            },
            Verdict::Identity,
            "checkpoint of size 2: signature of known key",
        ),
        (
            "signed by a stranger",
            |evidence| {
                seal_again(evidence, &NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap());
            },
            Verdict::Identity,
            "no known key signed",
        ),
        (
            "another log of the same operator",
            |evidence| evidence.policy.origin = "audit.example.com/other".into(),
            Verdict::Identity,
            "expected \"audit.example.com/other\"",
        ),
        (
            "old heads with the new checkpoint",
            |evidence| {
                let mut log = Log::default();
                log.block(vec![event(1, 0, 0)]);
                log.seal();
                evidence.heads = log.heads;
            },
            Verdict::Identity,
            "heads of epoch 2 are",
        ),
        (
            "a head shortened",
            |evidence| {
                let text = String::from_utf8(evidence.heads.clone()).unwrap();
                evidence.heads = text.replacen("/0 11 ", "/0 10 ", 1).into_bytes();
            },
            Verdict::Identity,
            "heads of epoch 2 are",
        ),
        (
            "the newest manifest dropped",
            |evidence| drop(evidence.manifests.pop()),
            Verdict::Identity,
            "manifests of epochs 2 to 2 are missing",
        ),
        (
            "all manifests dropped",
            |evidence| evidence.manifests.clear(),
            Verdict::Identity,
            "manifests of epochs 0 to 2 are missing",
        ),
        (
            "a middle manifest dropped",
            |evidence| drop(evidence.manifests.remove(1)),
            Verdict::Identity,
            "epoch is 2, expected 1",
        ),
        (
            "manifests swapped",
            |evidence| evidence.manifests.swap(0, 1),
            Verdict::Identity,
            "epoch is 1, expected 0",
        ),
        (
            "a manifest's time",
            |evidence| edit_manifest(evidence, 1, |manifest| manifest.closed_us -= 1),
            Verdict::Identity,
            "epoch 2 names",
        ),
        (
            "the newest manifest's time",
            |evidence| edit_manifest(evidence, 2, |manifest| manifest.closed_us += EPOCH_US),
            Verdict::Identity,
            "have root",
        ),
        (
            "manifest not one",
            |evidence| evidence.manifests[1][0] ^= 1,
            Verdict::Identity,
            "manifest of epoch 1: line 1",
        ),
        (
            "a fork signed twice at one size",
            |evidence| {
                evidence.checkpoints.push(sign(3, [7; 32], &common::log_signer()));
            },
            Verdict::Identity,
            "the log was forked",
        ),
        (
            "a head seen before that this log never had",
            |evidence| {
                evidence.checkpoints.push(sign(2, [7; 32], &common::log_signer()));
            },
            Verdict::Identity,
            "epochs 0 to 1 have root",
        ),
        (
            "a larger head seen before: the log was rolled back",
            |evidence| {
                evidence.checkpoints.push(sign(9, [7; 32], &common::log_signer()));
            },
            Verdict::Identity,
            "manifests of epochs 3 to 8 are missing",
        ),
    ]);
}

/// What a dishonest sealer with the key could sign: caught by what the records themselves say.
#[test]
fn sealed_lies_contradict_the_records() {
    let sealed = |blocks: Vec<Vec<common::Draft>>| {
        let mut log = Log::default();
        blocks.into_iter().for_each(|drafts| log.block(drafts));
        log.seal();
        log.evidence().verify()
    };
    let future = sealed(vec![vec![common::Draft {
        t_edge_us: common::START_US + EPOCH_US + 5_000_001,
        ..event(1, 0, 0)
    }]]);
    assert_eq!(future.verdict(Verdict::Time).status, Status::Fail, "{future}");
    let cases = [
        (
            "an offset nobody accounts for",
            vec![event(1, 0, 0), event(2, 0, 2)],
            "offsets 0 to 2 are 3, the leaves account for 2",
        ),
        (
            "an offset twice",
            vec![event(1, 0, 0), event(2, 0, 0), event(1, 0, 1)],
            "offsets 0 to 1 are 2, the leaves account for 3",
        ),
        (
            "one lost and one twice",
            vec![event(1, 0, 0), event(1, 0, 1), event(2, 0, 1), event(1, 0, 3)],
            "not each accounted for once",
        ),
        (
            "offsets going back",
            vec![event(1, 0, 1), event(1, 0, 0)],
            "offset 0 does not follow offset 1",
        ),
        (
            "a gap over what is there",
            vec![event(1, 0, 0), gap(0, 0, 1)],
            "the leaves account for 3",
        ),
        (
            "a gap that ends before it begins",
            vec![event(1, 0, 0), gap(0, 3, 2)],
            "no range of offsets",
        ),
    ];
    for (name, drafts, expected) in cases {
        let report = sealed(vec![drafts]);
        assert_eq!(
            report.verdict(Verdict::Scope).status,
            Status::Fail,
            "{name}: {report}"
        );
        assert!(report.to_string().contains(expected), "{name}: {report}");
    }
    let mut evidence = default_log().evidence();
    let heads = Heads::parse(&evidence.heads).unwrap();
    let shards = heads.shards().iter().map(|head| aal_ledger::ShardHead {
        next_offset: head.next_offset + 1,
        ..*head
    });
    let heads = Heads::new(heads.chains().iter().copied(), shards).unwrap();
    evidence.heads = heads.to_text().into_bytes();
    edit_manifest(&mut evidence, 2, |manifest| manifest.heads_root = heads.root());
    seal_again(&mut evidence, &common::log_signer());
    let report = evidence.verify();
    assert!(
        report
            .to_string()
            .contains("shard 0: offsets end before 20, manifest of epoch 2 says 21"),
        "{report}"
    );
}

#[test]
fn many_faults_are_counted_and_the_first_ones_named() {
    let mut evidence = default_log().evidence();
    for record in &mut evidence.records {
        record.columns.insert("application".to_owned(), json!("forged"));
        record.columns.insert("model".to_owned(), json!("forged"));
    }
    let report = evidence.verify();
    let content = report.verdict(Verdict::Content);
    assert_eq!((content.refuted, content.findings.len()), (46, 20));
    assert!(report.to_string().contains("  and 26 more\n"), "{report}");
}
