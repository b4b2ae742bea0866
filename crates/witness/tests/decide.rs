//! What a witness answers, case by case of C2SP tlog-witness, and requests in their one form.

mod common;

use aal_ledger::{Checkpoint, VerifierKey, ZERO_HASH};
use aal_witness::AddCheckpoint;
use aal_witness::decide::{Refusal, decide};
use aal_witness::request::{MAX_PROOF_LINES, RequestError};
use common::{Log, ORIGIN};
use proptest::prelude::*;

fn decided(request: &AddCheckpoint, last: Option<&Checkpoint>) -> Result<(), Refusal> {
    decide(request, &[common::log_key()], last)
}

#[test]
fn a_log_is_followed_from_nothing_through_every_size() {
    let log = Log::of(40);
    let mut last: Option<Checkpoint> = None;
    for (old, new) in [
        (0, 0),
        (0, 1),
        (1, 1),
        (1, 2),
        (2, 7),
        (7, 8),
        (8, 33),
        (33, 40),
        (40, 40),
    ] {
        let request = log.request(old, new);
        assert_eq!(decided(&request, last.as_ref()), Ok(()), "{old} to {new}");
        last = Some(request.checkpoint);
    }
    assert_eq!(
        decided(&log.request(0, 40), None),
        Ok(()),
        "a new witness needs no proof"
    );
}

#[test]
fn every_refusal_has_its_reason() {
    let (log, fork) = (Log::of(20), Log::forked_at(20, 5));
    let last = log.checkpoint(8);
    let with = |change: fn(&mut AddCheckpoint)| {
        let mut request = log.request(8, 13);
        change(&mut request);
        decided(&request, Some(&last))
    };
    assert_eq!(with(|_| {}), Ok(()));
    assert_eq!(
        decide(&log.request(8, 13), &[], Some(&last)),
        Err(Refusal::UnknownLog(ORIGIN.into()))
    );
    let stranger: VerifierKey = common::signer(9).verifier_key().clone();
    assert!(matches!(
        decide(&log.request(8, 13), &[stranger], Some(&last)),
        Err(Refusal::Unsigned(_))
    ));
    assert!(matches!(
        with(|request| request.note.signatures[0].signature[3] ^= 1),
        Err(Refusal::Unsigned(_))
    ));
    assert_eq!(
        with(|request| request.old_size = 14),
        Err(Refusal::OldAboveNew { old: 14, new: 13 })
    );
    assert_eq!(with(|request| request.old_size = 7), Err(Refusal::OldSize(8)));
    assert_eq!(with(|request| request.old_size = 0), Err(Refusal::OldSize(8)));
    assert_eq!(
        decided(&log.request(3, 5), Some(&last)),
        Err(Refusal::OldSize(8)),
        "no way back"
    );
    assert_eq!(decided(&log.request(8, 13), None), Err(Refusal::OldSize(0)));
    assert_eq!(
        decided(&fork.request(8, 8), Some(&last)),
        Err(Refusal::OtherRoot(8))
    );
    assert!(matches!(
        decided(&fork.request(8, 13), Some(&last)),
        Err(Refusal::Proof(_))
    ));
    for change in [
        (|request: &mut AddCheckpoint| request.proof.clear()) as fn(&mut AddCheckpoint),
        |request| {
            request.proof.pop();
        },
        |request| request.proof.push(ZERO_HASH),
        |request| request.proof.insert(0, ZERO_HASH),
        |request| request.proof[0][0] ^= 1,
    ] {
        assert!(matches!(with(change), Err(Refusal::Proof(_))));
    }
    let mut first = log.request(0, 13);
    first.proof.push(ZERO_HASH);
    assert!(matches!(decided(&first, None), Err(Refusal::Proof(_))));
    let mut same = log.request(8, 8);
    same.proof.push(ZERO_HASH);
    assert!(matches!(decided(&same, Some(&last)), Err(Refusal::Proof(_))));
    // An empty log has one root.
    let mut wrong = log.checkpoint(0);
    wrong.root = ZERO_HASH;
    let request = common::request_of(0, Vec::new(), wrong);
    assert!(matches!(decided(&request, None), Err(Refusal::Proof(_))));
}

#[test]
fn bodies_are_read_in_one_form_only() {
    let request = Log::of(20).request(8, 13);
    let good = String::from_utf8(request.to_bytes()).unwrap();
    assert_eq!(AddCheckpoint::parse(good.as_bytes()), Ok(request.clone()));
    let hash_line = good.lines().nth(1).unwrap().to_owned();
    let proof = |count: usize| {
        let lines = format!("{hash_line}\n").repeat(count);
        let (_, note) = good.split_once("\n\n").unwrap();
        format!("old 8\n{lines}\n{note}")
    };
    assert_eq!(
        AddCheckpoint::parse(proof(MAX_PROOF_LINES).as_bytes())
            .unwrap()
            .proof
            .len(),
        63
    );
    assert_eq!(
        AddCheckpoint::parse(proof(MAX_PROOF_LINES + 1).as_bytes()),
        Err(RequestError::TooManyHashes)
    );
    for (what, bad) in [
        ("empty", String::new()),
        ("no old", good.replacen("old 8\n", "", 1)),
        ("leading zero", good.replacen("old 8", "old 08", 1)),
        ("plus", good.replacen("old 8", "old +8", 1)),
        ("two spaces", good.replacen("old 8", "old  8", 1)),
        ("space behind", good.replacen("old 8", "old 8 ", 1)),
        ("overflow", good.replacen("old 8", "old 18446744073709551616", 1)),
        ("capital", good.replacen("old", "Old", 1)),
        ("short hash", good.replacen(&hash_line, "AAAA", 1)),
        (
            "unpadded hash",
            good.replacen(&hash_line, hash_line.trim_end_matches('='), 1),
        ),
        ("carriage returns", good.replace('\n', "\r\n")),
        ("no note", good.split_once("\n\n").unwrap().0.to_owned() + "\n\n"),
        (
            "extension line",
            good.replacen(&format!("\n{ORIGIN}\n13\n"), &format!("\n{ORIGIN}\n13\nx\n"), 1),
        ),
        ("byte behind", format!("{good}\n")),
        ("too long", format!("{good}{}", "x".repeat(200_000))),
    ] {
        assert_ne!(bad, good, "{what}");
        assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn parsing_never_panics_and_accepts_one_form(at in any::<prop::sample::Index>(), flip in 1u8.., junk in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = Log::of(20).request(8, 13).to_bytes();
        let position = at.index(bytes.len());
        bytes[position] ^= flip;
        if let Ok(parsed) = AddCheckpoint::parse(&bytes) {
            prop_assert_eq!(parsed.to_bytes(), bytes);
        }
        let _ = AddCheckpoint::parse(&junk);
    }

    /// Whatever two histories a log has, a witness that cosigned one never cosigns a size beyond the fork of the other.
    #[test]
    fn a_fork_is_never_cosigned(seen in 2u64..30, fork_at in 0u64..29, new in 2u64..31) {
        prop_assume!(fork_at < seen && seen <= new);
        let (log, fork) = (Log::of(31), Log::forked_at(31, fork_at));
        let last = log.checkpoint(seen);
        prop_assert!(decided(&fork.request(seen, new), Some(&last)).is_err());
        prop_assert_eq!(decided(&log.request(seen, new), Some(&last)), Ok(()));
    }
}
