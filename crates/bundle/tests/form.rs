//! Entries, filters, scopes and archives: what is written is read again, and there is one form only.

use aal_bundle::member::{CheckpointPart, MemberKind};
use aal_bundle::plan::TipTree;
use aal_bundle::{Entry, EntryView, Filter, FilterError, Opening, Scope, Sealed};
use aal_ledger::merkle::{CompactRange, verify};
use proptest::prelude::*;

const SCOPE: &str = concat!(
    r#"{"coverage":"c","disclosure":{"ciphertexts":true,"templates":false},"filter":{},"filter_text":"","#,
    r#""format":"aal-bundle/v1","from_us":1,"origin":"o","range":{"base_epoch":null,"last_epoch":0,"tip_epoch":0},"#,
    r#""software":"s","tenant":null,"to_us":2}"#
);

#[test]
fn a_scope_has_one_form() {
    let scope = Scope::parse(SCOPE.as_bytes()).unwrap();
    assert_eq!(scope.to_bytes().unwrap(), SCOPE.as_bytes());
    for (from, to, expected) in [
        ("\"tenant\":null,", "", "missing"),
        ("\"base_epoch\":null,", "", "missing"),
        ("\"tenant\":null", "\"tenant\": null", "canonical"),
        (
            "\"software\":\"s\"",
            "\"software\":\"s\",\"surprise\":1",
            "unknown field",
        ),
        ("aal-bundle/v1", "aal-bundle/v2", "format is"),
        ("\"to_us\":2", "\"to_us\":1", "from_us must be before"),
        ("\"base_epoch\":null", "\"base_epoch\":0", "not in order"),
        (
            "\"tip_epoch\":0",
            "\"tip_epoch\":9007199254740992",
            "not in order",
        ),
        ("\"last_epoch\":0", "\"last_epoch\":1", "not in order"),
        ("\"coverage\":\"c\"", "\"coverage\":\"\"", "coverage"),
        (
            "\"filter\":{}",
            "\"filter\":{\"colour\":\"red\"}",
            "not known to bundles",
        ),
        (
            "\"filter\":{}",
            "\"filter\":{\"status\":\"0200\"}",
            "expected an HTTP status",
        ),
    ] {
        let changed = SCOPE.replace(from, to);
        assert_ne!(changed, SCOPE, "{from}");
        let error = Scope::parse(changed.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{from} to {to}: {error}");
    }
}

#[test]
fn unknown_filters_are_refused_by_name() {
    let error = Filter::new([("aplication", "x")]).unwrap_err();
    assert!(
        matches!(&error, FilterError::Unknown(name) if name == "aplication"),
        "{error}"
    );
    for (name, value) in [
        ("status", "two hundred"),
        ("has_pii", "yes"),
        ("event_id", "7"),
        ("application", ""),
    ] {
        assert!(
            matches!(Filter::new([(name, value)]), Err(FilterError::Value { .. })),
            "{name}"
        );
    }
}

#[test]
fn every_name_is_read_as_it_is_written_and_no_other() {
    let kinds = [
        MemberKind::Scope,
        MemberKind::ReportJson,
        MemberKind::ReportPdf,
        MemberKind::ReportCsv,
        MemberKind::BeforeRange,
        MemberKind::Checkpoint(0, CheckpointPart::Note),
        MemberKind::Checkpoint(999, CheckpointPart::Cosigned),
        MemberKind::Checkpoint(7, CheckpointPart::Token(7)),
        MemberKind::TipProof,
        MemberKind::Manifests(16_383),
        MemberKind::HeadsBase,
        MemberKind::HeadsLast,
        MemberKind::Frontiers,
        MemberKind::Records(12),
        MemberKind::Erasures,
        MemberKind::Manifest,
    ];
    for kind in kinds {
        assert_eq!(MemberKind::parse(&kind.name()), Some(kind));
    }
    for name in [
        "",
        ".",
        "..",
        "/scope.json",
        "./scope.json",
        "scope.json ",
        "records/16384",
        "records/016384",
        "records/00000a",
        "records/+00001",
        "checkpoints/000000",
        "checkpoints/000000.tsr-8",
        "checkpoints/000000.tsr-07",
        "checkpoints/001000.note",
        "manifests/000000/..",
        "records\\000000",
    ] {
        assert_eq!(MemberKind::parse(name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn an_entry_is_read_as_it_was_written(
        is_match in any::<bool>(),
        leaf in prop::collection::vec(any::<u8>(), 0..600),
        header in prop::collection::vec(any::<u8>(), 0..600),
        slots in prop::collection::btree_map(any::<u16>(), prop::collection::vec(any::<u8>(), 0..40), 0..6),
        flip in any::<prop::sample::Index>(),
    ) {
        let salt = [7; 32];
        let entry = Entry {
            is_match,
            leaf: &leaf,
            header: &header,
            openings: slots.iter().map(|(slot, text)| Opening { slot: *slot, salt: &salt, text }).collect(),
            ciphertexts: slots.iter().map(|(slot, ciphertext)| Sealed { slot: *slot, ciphertext }).collect(),
        };
        let mut bytes = Vec::new();
        entry.encode_into(&mut bytes).unwrap();
        let behind = [&bytes[..], b"more"].concat();
        let (view, rest) = EntryView::split(&behind).unwrap();
        prop_assert_eq!(rest, b"more");
        prop_assert_eq!((view.is_match, view.leaf, view.header), (is_match, &leaf[..], &header[..]));
        prop_assert_eq!(view.openings().collect::<Vec<_>>(), entry.openings);
        prop_assert_eq!(view.ciphertexts().collect::<Vec<_>>(), entry.ciphertexts);
        // Whatever else is accepted has that one encoding, too.
        let mut changed = bytes.clone();
        let at = flip.index(changed.len());
        changed[at] ^= 1;
        if let Ok((view, rest)) = EntryView::split(&changed) {
            let again = Entry {
                is_match: view.is_match,
                leaf: view.leaf,
                header: view.header,
                openings: view.openings().collect(),
                ciphertexts: view.ciphertexts().collect(),
            };
            let mut encoded = Vec::new();
            again.encode_into(&mut encoded).unwrap();
            prop_assert_eq!(&encoded[..], &changed[..changed.len() - rest.len()]);
        }
        for len in [0, 3, bytes.len() / 2, bytes.len() - 1] {
            prop_assert!(EntryView::split(&bytes[..len]).is_err());
        }
    }

    /// A proof made from the beginning's compact range is the one that RFC 9162 wants.
    #[test]
    fn the_tip_follows_from_any_beginning(first in 1u64..200, more in 0u64..200) {
        let leaf = |position: u64| [position as u8 ^ 0x5a; 32];
        let mut range = CompactRange::new();
        (0..first).for_each(|position| range.append(leaf(position)));
        let (old_root, mut whole) = (range.root(), range.clone());
        let mut tree = TipTree::new(range);
        for position in first..first + more {
            tree.append(leaf(position));
            whole.append(leaf(position));
        }
        let proof = tree.proof().unwrap();
        verify::consistency(first, first + more, &old_root, &whole.root(), &proof).unwrap();
    }
}
