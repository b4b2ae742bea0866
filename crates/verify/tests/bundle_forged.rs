//! Bundles changed anywhere: by accident, by a forger who makes the manifest agree, and by parser bombs.

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use aal_bundle::ReadError;
use aal_ledger::jcs;
use aal_verify::{BundleOptions, Status, Verdict, verify_bundle};
use bundles::{archive, data, forge, header, make, members, scope_between, scope_of, verify};
use common::{default_log, policy};
use proptest::prelude::*;
use serde_json::Value;

/// A bundle with everything in it: a base, a tip beyond the last epoch, content.
fn rich() -> Vec<u8> {
    let log = default_log();
    make(&log, &scope_between(&log, Some(0), 1))
}

fn whole() -> Vec<u8> {
    let log = default_log();
    make(&log, &scope_of(&log))
}

type Forgery = fn(&mut Vec<(String, Vec<u8>)>);

fn edit_json(bytes: &mut Vec<u8>, edit: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    edit(&mut value);
    *bytes = jcs::to_vec(&value).unwrap();
}

#[test]
fn every_forgery_is_refuted_by_its_verdict() {
    let cases: [(&str, Forgery, Verdict); 15] = [
        (
            "a leaf's byte",
            |m| data(m, "records/000000")[40] ^= 1,
            Verdict::Scope,
        ),
        (
            "the last record",
            |m| {
                let records = data(m, "records/000000");
                let mut at = 0;
                loop {
                    let len = u32::from_be_bytes(records[at..at + 4].try_into().unwrap()) as usize + 4;
                    if at + len == records.len() {
                        return records.truncate(at);
                    }
                    at += len;
                }
            },
            Verdict::Scope,
        ),
        (
            "the first record twice",
            |m| {
                let records = data(m, "records/000000");
                let len = u32::from_be_bytes(records[..4].try_into().unwrap()) as usize + 4;
                let first = records[..len].to_vec();
                records.splice(0..0, first);
            },
            Verdict::Scope,
        ),
        ("a flag", |m| data(m, "records/000000")[4] ^= 1, Verdict::Scope),
        (
            "the period",
            |m| {
                edit_json(data(m, "scope.json"), |scope| {
                    scope["to_us"] = (common::START_US + 1).into();
                })
            },
            Verdict::Scope,
        ),
        (
            "the filter",
            |m| {
                edit_json(data(m, "scope.json"), |scope| {
                    scope["filter"] = serde_json::json!({"provider": "anthropic"});
                })
            },
            Verdict::Scope,
        ),
        (
            "the origin",
            |m| {
                edit_json(data(m, "scope.json"), |scope| {
                    scope["origin"] = "elsewhere.example/anchor".into();
                })
            },
            Verdict::Identity,
        ),
        (
            "the range before the base",
            |m| {
                edit_json(data(m, "scope.json"), |scope| {
                    scope["range"]["last_epoch"] = 2.into();
                })
            },
            Verdict::Identity,
        ),
        (
            "the checkpoint of the base",
            |m| {
                m.remove(
                    m.iter()
                        .position(|(name, _)| name == "checkpoints/000000.note")
                        .unwrap(),
                );
                for (name, _) in m.iter_mut() {
                    *name = name
                        .replace("000001.note", "000000.note")
                        .replace("000002.note", "000001.note");
                }
            },
            Verdict::Identity,
        ),
        (
            "a byte of the tip's signature",
            |m| {
                let note = data(m, "checkpoints/000002.note");
                let at = note.len() - 10;
                note[at] = if note[at] == b'A' { b'B' } else { b'A' };
            },
            Verdict::Identity,
        ),
        (
            "the proof to the tip",
            |m| data(m, "log/tip.proof").clear(),
            Verdict::Identity,
        ),
        (
            "a time in a manifest",
            |m| {
                let manifests = data(m, "manifests/000000");
                let at = manifests
                    .windows(7)
                    .position(|window| window == b"closed ")
                    .unwrap()
                    + 12;
                manifests[at] ^= 1;
            },
            Verdict::Identity,
        ),
        (
            "a size in the last heads",
            |m| {
                let heads = data(m, "heads/last");
                let at = heads.iter().rposition(|byte| *byte == b' ').unwrap() + 1;
                heads[at] = if heads[at] == b'9' { b'8' } else { heads[at] + 1 };
            },
            Verdict::Identity,
        ),
        (
            "a frontier",
            |m| {
                let frontiers = data(m, "frontiers");
                let at = frontiers.len() - 6;
                frontiers[at] = if frontiers[at] == b'A' { b'B' } else { b'A' };
            },
            Verdict::Identity,
        ),
        (
            "an opening",
            |m| {
                let records = data(m, "records/000000");
                let at = records
                    .windows(8)
                    .position(|window| window == b"approved")
                    .unwrap();
                records[at] = b'A';
            },
            Verdict::Content,
        ),
    ];
    let control = forge(&rich(), |_| {});
    assert_eq!(control, rich(), "forging nothing changes nothing");
    assert_eq!(verify(&control).exit_code(), 0);
    for (name, forgery, verdict) in cases {
        let report = verify(&forge(&rich(), forgery));
        assert_eq!(report.exit_code(), 1, "{name}:\n{report}");
        let is_judged = report.verdict(verdict).status == Status::Fail
            || report.verdict(Verdict::Content).status == Status::Fail;
        assert!(is_judged, "{name}: {verdict:?} did not fail\n{report}");
    }
}

#[test]
fn a_stripped_opening_is_noticed_unless_it_is_said_to_be_withheld() {
    let log = default_log();
    let mut scope = scope_of(&log);
    scope.disclosure.templates = false;
    let withheld = make(&log, &scope);
    assert_eq!(verify(&withheld).exit_code(), 0);
    let claimed = forge(&withheld, |m| {
        edit_json(data(m, "scope.json"), |scope| {
            scope["disclosure"]["templates"] = true.into()
        });
    });
    let report = verify(&claimed);
    assert_eq!(report.verdict(Verdict::Erasure).status, Status::Fail, "{report}");
}

#[test]
fn the_form_has_no_second_encoding() {
    let bundle = whole();
    let form = |bytes: &[u8], expected: &str| {
        let report = verify(bytes);
        assert_eq!(report.exit_code(), 1, "{report}");
        let told = report.to_string();
        assert!(told.contains(expected), "no {expected:?} in\n{told}");
    };
    for cut in [
        513,
        1_000,
        bundle.len() / 2,
        bundle.len() - 1_025,
        bundle.len() - 513,
    ] {
        form(&bundle[..cut], "ends in the middle");
    }
    form(&bundle[..bundle.len() - 1], "archive's end");
    form(&[&bundle[..], &[0]].concat(), "follow the end");
    form(&[&bundle[..], &[0; 9_216]].concat(), "follow the end");
    // Padding, mode and time of a header are not free.
    let mut padded = bundle.clone();
    let scope_len = members(&bundle)[0].1.len();
    padded[512 + scope_len] = 1;
    form(&padded, "padding");
    let second = 512 + scope_len.next_multiple_of(512);
    for at in [100, 136, 148, 156, 157, 265, 345, 511] {
        let mut other = bundle.clone();
        other[second + at] ^= 1;
        form(&other, "header at byte");
    }
}

#[test]
fn what_is_no_bundle_is_unreadable() {
    for (bytes, expected) in [
        (Vec::new(), "empty"),
        (b"PK\x03\x04".to_vec(), "no evidence bundle"),
        (vec![0; 10_240], "no evidence bundle"),
        (header("readme.txt", 5), "no evidence bundle"),
        (header("scope.json", 65_537), "no evidence bundle"),
    ] {
        match verify_bundle(&bytes[..], &policy(), BundleOptions::default()) {
            Err(ReadError::Form(error)) => assert!(error.to_string().contains(expected), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn names_cannot_leave_their_place() {
    let bundle = whole();
    let members: Vec<(String, Vec<u8>)> = members(&bundle)
        .into_iter()
        .map(|(kind, data)| (kind.name(), data))
        .collect();
    let names = [
        "../../etc/passwd",
        "/etc/passwd",
        "records/../x",
        "records/0",
        "records/000000/",
        "RECORDS/000000",
        "records/016384",
        "checkpoints/001000.note",
        "checkpoints/000000.tsr-8",
        "scope.json/",
        "policy.toml",
        "run.sh",
        "records/\u{2024}\u{2024}",
        "",
    ];
    for name in names {
        let mut forged = members.clone();
        let position = forged.len() - 1;
        forged.insert(position, (name.to_owned(), b"x".to_vec()));
        let report = verify(&archive(&forged));
        assert_eq!(report.exit_code(), 1, "{name}:\n{report}");
    }
    // Every member twice, left out, or in another place.
    for position in 0..members.len() {
        let mut twice = members.clone();
        twice.insert(position, members[position].clone());
        assert_eq!(
            verify(&archive(&twice)).exit_code(),
            1,
            "{} twice",
            members[position].0
        );
        let mut without = members.clone();
        without.remove(position);
        let outcome = verify_bundle(&archive(&without)[..], &policy(), BundleOptions::default());
        assert!(
            outcome.map_or(position == 0, |report| report.exit_code() == 1),
            "{position}"
        );
    }
}

#[test]
fn bombs_are_refused_at_once() {
    let scope = members(&whole())[0].1.clone();
    let mut start = archive(&[("scope.json".to_owned(), scope)]);
    start.truncate(start.len() - 1_024);
    // A header that promises gigabytes, and nothing behind it: memory follows what is there.
    let promised = [&start[..], &header("report/report.json", 67_108_864)].concat();
    let report = verify(&promised);
    assert!(report.to_string().contains("ends in the middle"), "{report}");
    let too_long = [&start[..], &header("report/report.json", 67_108_865)].concat();
    assert!(verify(&too_long).to_string().contains("at most 67108864"));
    let longest = [&start[..], &header("log/before.range", 8_589_934_591)].concat();
    assert!(verify(&longest).to_string().contains("at most 2056"));
    // Nested JSON deeper than any stack.
    let deep = "[".repeat(60_000);
    let nested = forge(&whole(), |m| *data(m, "scope.json") = deep.clone().into_bytes());
    assert_eq!(verify(&nested).exit_code(), 1);
    // Counts beyond what the bytes hold.
    for at in [5, 7] {
        let bundle = forge(&whole(), |m| data(m, "records/000000")[at..at + 2].fill(0xff));
        assert_eq!(verify(&bundle).exit_code(), 1);
    }
    let huge_range = forge(&whole(), |m| data(m, "log/before.range")[..8].fill(0xff));
    assert_eq!(verify(&huge_range).exit_code(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// A byte changed anywhere never passes and never panics.
    #[test]
    fn no_flipped_byte_passes(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bundle = rich();
        let at = at.index(bundle.len());
        bundle[at] ^= 1 << bit;
        match verify_bundle(&bundle[..], &policy(), BundleOptions::default()) {
            Ok(report) => prop_assert_eq!(report.exit_code(), 1, "byte {}:\n{}", at, report),
            Err(_) => prop_assert!(at < 512, "byte {} is unreadable", at),
        }
    }

    /// A forger who makes the manifest agree with his change of any member is refuted all the same, but for what no
    /// signature covers: words for people, report files that are not recomputed.
    #[test]
    fn no_forged_member_passes(member in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let bundle = rich();
        let forged = forge(&bundle, |members| {
            let last = members.len() - 1;
            let member = member.index(last - 1) + 1;
            let bytes = &mut members[member].1;
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
        });
        if forged != bundle {
            let report = verify(&forged);
            prop_assert_eq!(report.exit_code(), 1, "{}", report);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(start in 0usize..2_048, junk in prop::collection::vec(any::<u8>(), 0..2_048)) {
        let mut bundle = rich();
        let start = start.min(bundle.len());
        let end = (start + junk.len()).min(bundle.len());
        bundle.splice(start..end, junk);
        let _ = verify_bundle(&bundle[..], &policy(), BundleOptions::default());
    }
}
