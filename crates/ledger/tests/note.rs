//! Signed notes, verifier keys, checkpoints and receipts.

mod common;

use aal_ledger::note::{MAX_NOTE_LEN, MAX_SIGNATURES};
use aal_ledger::{
    Checkpoint, CheckpointError, Note, NoteError, NoteSigner, Receipt, ReceiptError, VerifierKey,
    VerifierKeyError,
};
use proptest::prelude::*;
use uuid::Uuid;

// The example of the Go implementation of signed notes, golang.org/x/mod/sumdb/note.
const PETER_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signer(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::from_seed(name, &[seed; 32]).unwrap()
}

fn log() -> NoteSigner {
    signer("audit.example.com/anchor", 1)
}

#[test]
fn the_example_of_the_go_implementation_verifies() {
    let key: VerifierKey = PETER_KEY.parse().unwrap();
    assert_eq!(key.to_string(), PETER_KEY);
    assert_eq!(key.name(), "PeterNeumann");
    let note = Note::parse(PETER_NOTE.as_bytes()).unwrap();
    assert_eq!(note.verify(std::slice::from_ref(&key)).unwrap(), [&key]);
    assert_eq!(note.to_bytes(), PETER_NOTE.as_bytes());
    let changed = PETER_NOTE.replace("answer", "answet");
    let changed = Note::parse(changed.as_bytes()).unwrap();
    assert_eq!(
        changed.verify(&[key]),
        Err(NoteError::BadSignature("PeterNeumann".into()))
    );
}

#[test]
fn verifier_keys_are_parsed_strictly() {
    for bad in [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpcZQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
    ] {
        assert!(bad.parse::<VerifierKey>().is_err(), "{bad:?}");
    }
    // The identity element is a valid point that verifies anything signed with a zero S.
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(VerifierKey::new("weak", &identity), Err(VerifierKeyError::Point));
    assert!(!format!("{:?}", log()).contains("0101"), "the seed is not shown");
}

#[test]
fn malformed_notes_are_refused() {
    let good = String::from_utf8(Note::sign("a\nb\n", &[&log()]).unwrap().to_bytes()).unwrap();
    assert!(Note::parse(good.as_bytes()).is_ok());
    let line = good.lines().last().unwrap().to_owned();
    let encoded = line.rsplit(' ').next().unwrap().to_owned();
    let replace = |from: &str, to: &str| good.replace(from, to).into_bytes();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("no last newline", good.trim_end().as_bytes().to_vec()),
        ("no signature", b"a\nb\n\n".to_vec()),
        ("no blank line", replace("\n\n", "\n")),
        ("no text", format!("\n\n{line}\n").into_bytes()),
        ("hyphen for dash", replace("\u{2014}", "-")),
        ("two spaces", replace("\u{2014} ", "\u{2014}  ")),
        ("carriage return", replace("\n", "\r\n")),
        ("tab in text", replace("a\n", "\t\n")),
        ("delete in text", replace("a\n", "\u{7f}\n")),
        ("extra word", format!("{} x\n", good.trim_end()).into_bytes()),
        ("empty line after", format!("{good}\n").into_bytes()),
        ("padding cut", replace(&encoded, encoded.trim_end_matches('='))),
        (
            "url-safe alphabet",
            replace(&encoded, &format!("_{}", &encoded[1..])),
        ),
        ("key id only", replace(&encoded, "AAAAAA==")),
        (
            "plus in name",
            replace("audit.example.com/anchor", "audit+example"),
        ),
        ("too long", vec![b'a'; MAX_NOTE_LEN + 1]),
        ("not UTF-8", b"a\xff\n\n".to_vec()),
    ];
    for (what, bytes) in cases {
        assert_ne!(bytes, good.as_bytes(), "{what}");
        assert!(Note::parse(&bytes).is_err(), "{what}");
    }
    let many = format!("{good}{}", format!("{line}\n").repeat(MAX_SIGNATURES - 1));
    assert_eq!(
        Note::parse(many.as_bytes()).unwrap().signatures.len(),
        MAX_SIGNATURES
    );
    let too_many = format!("{many}{line}\n");
    assert_eq!(
        Note::parse(too_many.as_bytes()),
        Err(NoteError::TooManySignatures)
    );
    for text in ["", "\n", "a", "a\r\n", "a\0\n"] {
        assert_eq!(Note::sign(text, &[&log()]), Err(NoteError::Text), "{text:?}");
    }
    assert_eq!(Note::sign("a\n", &[]), Err(NoteError::Unsigned));
}

#[test]
fn unknown_signatures_are_ignored_and_known_ones_must_hold() {
    let (ours, witness, stranger) = (log(), signer("witness", 2), signer("stranger", 3));
    let note = Note::sign("text\n", &[&stranger, &ours, &witness]).unwrap();
    let known = [ours.verifier_key().clone(), witness.verifier_key().clone()];
    assert_eq!(note.verify(&known).unwrap(), [&known[0], &known[1]]);
    assert_eq!(
        note.verify(&[signer("nobody", 4).verifier_key().clone()]),
        Err(NoteError::Unsigned)
    );
    assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));

    // A good signature does not excuse a bad one of a known key.
    let mut forged = note.clone();
    forged.signatures[2].signature[0] ^= 1;
    assert_eq!(
        forged.verify(&known),
        Err(NoteError::BadSignature("witness".into()))
    );
    let mut short = note.clone();
    short.signatures[1].signature.pop();
    assert!(matches!(short.verify(&known), Err(NoteError::BadSignature(_))));

    // The same key under another name is another key.
    let renamed = signer("other.example.com/anchor", 1);
    assert_eq!(
        note.verify(&[renamed.verifier_key().clone()]),
        Err(NoteError::Unsigned)
    );
}

#[test]
fn checkpoints_are_three_lines_of_the_pinned_origin() {
    let checkpoint = Checkpoint {
        origin: "audit.example.com/anchor".into(),
        size: 12,
        root: [0x5a; 32],
    };
    let root = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=";
    assert_eq!(
        checkpoint.to_text(),
        format!("audit.example.com/anchor\n12\n{root}\n")
    );
    let note = checkpoint.sign(&[&log()]).unwrap();
    let known = [log().verifier_key().clone()];
    let (opened, by) = Checkpoint::open(&note, "audit.example.com/anchor", &known).unwrap();
    assert_eq!((opened, by), (checkpoint.clone(), vec![&known[0]]));
    assert!(matches!(
        Checkpoint::open(&note, "other.example.com/anchor", &known),
        Err(CheckpointError::Origin { .. })
    ));
    for text in [
        format!("o\n12\n{root}\nextension\n"),
        format!("o\n12\n{root}"),
        format!("o\n012\n{root}\n"),
        format!("o\n+12\n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        format!("o\n\n{root}\n"),
        format!("\n12\n{root}\n"),
        format!("o\n12\n{}\n", &root[..40]),
        format!("o\n12\n{}\n", root.replace("lo=", "lp=")),
        "o\n12\n".to_owned(),
        String::new(),
    ] {
        assert_eq!(
            Checkpoint::parse_text(&text),
            Err(CheckpointError::Form),
            "{text:?}"
        );
    }
    let injected = Checkpoint {
        origin: format!("o\n9\n{root}"),
        ..checkpoint
    };
    assert_eq!(injected.sign(&[&log()]), Err(CheckpointError::Form));
}

#[test]
fn a_receipt_is_one_line_with_golden_bytes() {
    let edge = signer("audit.example.com/edge", 7);
    let event_id = Uuid::from_u128(0x0192_f0c1_7a11_7000_8000_0000_0000_0001);
    let receipt = Receipt::sign(event_id, [0xab; 32], 1_790_000_000_000_000, &edge);
    let line = receipt.to_string();
    assert_eq!(line, include_str!("golden/receipt-v1.txt").trim_end());
    assert_eq!(line.parse::<Receipt>(), Ok(receipt.clone()));
    let known = [log().verifier_key().clone(), edge.verifier_key().clone()];
    assert_eq!(receipt.verify(&known).unwrap(), &known[1]);
    assert_eq!(receipt.hash(), aal_ledger::hash::sha256(line.as_bytes()));

    let unknown = receipt.verify(&known[..1]);
    assert_eq!(
        unknown,
        Err(ReceiptError::UnknownKey(edge.verifier_key().id_hex()))
    );
    type Change = fn(&mut Receipt);
    let changes: [Change; 4] = [
        |receipt| receipt.event_id = Uuid::from_u128(1),
        |receipt| receipt.body_sha256[31] ^= 1,
        |receipt| receipt.edge_at_us -= 1,
        |receipt| receipt.signature[63] ^= 1,
    ];
    for change in changes {
        let mut changed = receipt.clone();
        change(&mut changed);
        assert!(matches!(
            changed.verify(&known),
            Err(ReceiptError::BadSignature(_))
        ));
    }
    let mut other_forms = vec![
        String::new(),
        format!("{line}\n"),
        format!(" {line}"),
        format!("{line} "),
    ];
    other_forms.push(line.replace("v1", "v2"));
    other_forms.push(line.replace("abab", "ABAB"));
    other_forms.push(line.replace(" 1790", " +1790"));
    other_forms.push(line.replace(' ', "  "));
    for other in other_forms {
        assert_eq!(other.parse::<Receipt>(), Err(ReceiptError::Form), "{other:?}");
    }
}

proptest! {
    #[test]
    fn an_accepted_note_is_its_own_bytes(text in "([ -~é]{0,20}\n){1,4}", flip_at in any::<prop::sample::Index>(), flip in 1u8..) {
        prop_assume!(text != "\n");
        let note = Note::sign(&text, &[&log()]).unwrap();
        let mut bytes = note.to_bytes();
        prop_assert_eq!(&Note::parse(&bytes).unwrap(), &note);
        let position = flip_at.index(bytes.len());
        bytes[position] ^= flip;
        if let Ok(parsed) = Note::parse(&bytes) {
            prop_assert_eq!(&parsed.to_bytes(), &bytes);
            prop_assert!(parsed.verify(&[log().verifier_key().clone()]).is_err());
        }
    }

    #[test]
    fn parsers_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC*") {
        let _ = Note::parse(&bytes);
        let _ = Checkpoint::parse_text(&text);
        let _ = text.parse::<Receipt>();
        let _ = text.parse::<VerifierKey>();
    }
}
