//! Cosignatures of witnesses and second signatures of logs, against a note made by another implementation.

use aal_ledger::cosignature::{Cosignature, ML_DSA_44_KEY_LEN};
use aal_ledger::proof::open_checkpoint;
use aal_ledger::{
    Algorithm, Checkpoint, CheckpointError, CosignError, Cosigner, Note, NoteError, NoteSigner, TrustPolicy,
    VerifierKey,
};
use proptest::prelude::*;

// Made by torchwood (Go): a log's key and its checkpoint, `cmd/litewitness/testdata/mldsa.txt`.
const GO_KEY: &str = include_str!("golden/cosigned-mldsa.vkey");
const GO_NOTE: &str = include_str!("golden/cosigned-mldsa.note");
const ORIGIN: &str = "audit.example.com/anchor";

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: 7,
        root: [0x5a; 32],
    }
}

fn cosigners() -> [Cosigner; 2] {
    [
        Cosigner::ed25519("witness.example/w1", &[2; 32]).unwrap(),
        Cosigner::ml_dsa_44("witness.example/w2", &[3; 32]).unwrap(),
    ]
}

fn cosigned(cosigner: &Cosigner, timestamp_s: u64) -> Note {
    let line = cosigner.cosign(&checkpoint(), timestamp_s).unwrap();
    Note {
        text: checkpoint().to_text(),
        signatures: vec![line],
    }
}

#[test]
fn a_checkpoint_signed_by_go_with_ml_dsa_44_verifies() {
    let key: VerifierKey = GO_KEY.trim_end().parse().unwrap();
    assert_eq!(key.to_string(), GO_KEY.trim_end());
    assert_eq!(key.algorithm(), Algorithm::MlDsa44);
    assert_eq!(key.public_key().len(), ML_DSA_44_KEY_LEN);
    let known = [key];
    let (opened, by) = Checkpoint::open(GO_NOTE.as_bytes(), "example.com/mldsa-log", &known).unwrap();
    assert_eq!((opened.size, by.len()), (1, 1));
    let note = Note::parse(GO_NOTE.as_bytes()).unwrap();
    assert_eq!(note.signed_by(&known).unwrap(), [(&known[0], 0)]);
    for (what, changed) in [
        ("root", GO_NOTE.replace("+zoErts", "+zoErtt")),
        ("size", GO_NOTE.replace("\n1\n", "\n2\n")),
        ("origin", GO_NOTE.replacen("example.com", "example.org", 1)),
        ("signature", GO_NOTE.replace("AAkjFvCx", "AAkjFvCy")),
        ("time", GO_NOTE.replace("td9FxQAAAAAAAAAA", "td9FxQAAAAAAAAAB")),
    ] {
        assert_ne!(changed, GO_NOTE, "{what}");
        let note = Note::parse(changed.as_bytes()).unwrap();
        assert!(
            matches!(note.verify(&known), Err(NoteError::BadSignature(_))),
            "{what}"
        );
    }
}

#[test]
fn what_is_cosigned_verifies_with_its_time_and_nothing_else_does() {
    for cosigner in cosigners() {
        let note = cosigned(&cosigner, 1_700_000_000);
        let keys = [cosigner.verifier_key().clone()];
        let known = [keys[0].to_string().parse::<VerifierKey>().unwrap()];
        assert_eq!(note.signed_by(&known).unwrap(), [(&known[0], 1_700_000_000)]);
        assert_eq!(cosigned(&cosigner, 1_700_000_000), note, "deterministic");
        let bytes = note.to_bytes();
        assert_eq!(Note::parse(&bytes).unwrap(), note);

        let mut later = note.clone();
        later.signatures[0].signature[7] ^= 1;
        let mut other_text = note.clone();
        other_text.text = other_text.text.replace("\n7\n", "\n8\n");
        let mut extended = note.clone();
        extended.text.push_str("extension\n");
        let mut short = note.clone();
        short.signatures[0].signature.pop();
        let mut long = note.clone();
        long.signatures[0].signature.push(0);
        let mut bare = note.clone();
        bare.signatures[0].signature.drain(..8);
        let mut negative = note.clone();
        negative.signatures[0].signature[0] = 0x80;
        for forged in [later, other_text, extended, short, long, bare, negative] {
            assert!(matches!(
                forged.signed_by(&known),
                Err(NoteError::BadSignature(_))
            ));
        }
    }
}

#[test]
fn the_ml_dsa_key_commits_to_its_name_and_types_do_not_mix() {
    let [ed25519, ml_dsa] = cosigners();
    // The same seed under another name or type: another key id, so its lines are unknown.
    let renamed = Cosigner::ml_dsa_44("witness.example/other", &[3; 32]).unwrap();
    let note = cosigned(&ml_dsa, 5);
    assert!(
        note.signed_by(&[renamed.verifier_key().clone()])
            .unwrap()
            .is_empty()
    );
    // Even a line that claims the other name does not verify: the name is signed.
    let mut claimed = note.clone();
    claimed.signatures[0].key_name = "witness.example/other".to_owned();
    claimed.signatures[0].key_id = renamed.verifier_key().id();
    assert!(claimed.signed_by(&[renamed.verifier_key().clone()]).is_err());

    let plain = NoteSigner::from_seed("witness.example/w1", &[2; 32]).unwrap();
    assert_eq!(
        plain.verifier_key().public_key(),
        ed25519.verifier_key().public_key()
    );
    assert_ne!(plain.verifier_key().id(), ed25519.verifier_key().id());
    let mut as_log = cosigned(&ed25519, 5);
    as_log.signatures[0].key_id = plain.verifier_key().id();
    assert!(as_log.signed_by(&[plain.verifier_key().clone()]).is_err());
    assert!(
        !ed25519
            .verifier_key()
            .verifies(b"message", &plain.sign(b"message"))
    );
    assert!(plain.verifier_key().verifies(b"message", &plain.sign(b"message")));
}

#[test]
fn times_and_texts_that_cannot_be_cosigned_are_refused() {
    let [ed25519, ml_dsa] = cosigners();
    assert_eq!(ed25519.cosign(&checkpoint(), 0), Err(CosignError::Time(0)));
    assert!(ml_dsa.cosign(&checkpoint(), 0).is_ok());
    for cosigner in [&ed25519, &ml_dsa] {
        let latest = i64::MAX as u64;
        assert!(cosigner.cosign(&checkpoint(), latest).is_ok());
        assert_eq!(
            cosigner.cosign(&checkpoint(), latest + 1),
            Err(CosignError::Time(latest + 1))
        );
        for origin in [String::new(), "two\nlines".to_owned()] {
            let bad = Checkpoint {
                origin,
                ..checkpoint()
            };
            assert_eq!(cosigner.cosign(&bad, 5), Err(CosignError::Checkpoint));
        }
    }
    let long = Checkpoint {
        origin: "o".repeat(256),
        ..checkpoint()
    };
    assert_eq!(ml_dsa.cosign(&long, 5), Err(CosignError::Checkpoint));
    assert!(Cosigner::ed25519("a+b", &[1; 32]).is_err());
    assert!(
        !format!("{ed25519:?} {ml_dsa:?}").contains("0202"),
        "no seed is shown"
    );
    assert_eq!(Cosignature::parse(&[0; 71]), None);
    assert_eq!(Cosignature::parse(&[0; 72]).unwrap().to_bytes(), [0; 72]);
}

/// A policy that pins both of the log's keys, and the note signed by the first `signers` of them.
fn both(require: bool) -> TrustPolicy {
    let ed25519 = NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap();
    let ml_dsa = Cosigner::ml_dsa_44(ORIGIN, &[4; 32]).unwrap();
    let keys = [ed25519.verifier_key().clone(), ml_dsa.verifier_key().clone()];
    let text = TrustPolicy::render_keys(ORIGIN, &keys, &[]);
    let flag = format!("version = 1\nrequire_every_algorithm = {require}");
    TrustPolicy::parse(&text.replacen("version = 1", &flag, 1)).unwrap()
}

#[test]
fn either_or_every_algorithm_is_required_as_the_policy_says() {
    let ed25519 = NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap();
    let ml_dsa = Cosigner::ml_dsa_44(ORIGIN, &[4; 32]).unwrap();
    let one = checkpoint().sign(&[&ed25519]).unwrap();
    let two = checkpoint().sign_with(&[&ed25519], &[&ml_dsa]).unwrap();
    assert_eq!(two, checkpoint().sign_with(&[&ed25519], &[&ml_dsa]).unwrap());
    assert!(two.starts_with(&one), "the second line is only added");
    assert_eq!(open_checkpoint(&one, &both(false)), Ok(checkpoint()));
    assert_eq!(open_checkpoint(&two, &both(false)), Ok(checkpoint()));
    assert_eq!(open_checkpoint(&two, &both(true)), Ok(checkpoint()));
    assert_eq!(
        open_checkpoint(&one, &both(true)),
        Err(CheckpointError::Algorithm(Algorithm::MlDsa44))
    );
    // A known key's bad signature is never excused by the other one.
    let mut forged = Note::parse(&two).unwrap();
    forged.signatures[1].signature[100] ^= 1;
    let forged = open_checkpoint(&forged.to_bytes(), &both(false));
    assert_eq!(
        forged,
        Err(CheckpointError::Note(NoteError::BadSignature(ORIGIN.to_owned())))
    );
    // Who does not pin the second key ignores its line.
    let pinned = TrustPolicy::render(ORIGIN, ed25519.verifier_key(), &[]);
    let pinned = TrustPolicy::parse(&pinned).unwrap();
    assert_eq!(open_checkpoint(&two, &pinned), Ok(checkpoint()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn one_flipped_byte_of_a_cosigned_note_never_verifies(
        which in 0usize..2, at in any::<prop::sample::Index>(), flip in 1u8..
    ) {
        let cosigner = &cosigners()[which];
        let mut bytes = cosigned(cosigner, 1_700_000_000).to_bytes();
        let position = at.index(bytes.len());
        bytes[position] ^= flip;
        if let Ok(note) = Note::parse(&bytes) {
            // It is either refused, or the line became one of an unknown key.
            prop_assert!(note.verify(&[cosigner.verifier_key().clone()]).is_err());
        }
    }

    #[test]
    fn bytes_that_are_no_cosignature_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2500)) {
        if let Some(parsed) = Cosignature::parse(&bytes) {
            prop_assert_eq!(parsed.to_bytes(), bytes);
        }
    }
}
