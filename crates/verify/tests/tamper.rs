//! Each way to tamper with a sealed log is refuted by the right verdict and named.

mod common;

use aal_verify::Verdict;
use common::{check, default_log, tenant};
use serde_json::json;
use uuid::Uuid;

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
