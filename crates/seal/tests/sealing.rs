//! What sealing promises: a value opens in its own place, under its own key, and nowhere else.

use aal_seal::{
    AEAD_AES_256_SIV, AEAD_CLEAR, Commitments, DataKey, Kek, KeyRef, MAX_PLAINTEXT_LEN, OpenError, SealError,
    SlotContext, ciphertext_hash, padded_len, plaintext_commitment,
};
use proptest::prelude::*;
use uuid::Uuid;

fn context() -> SlotContext {
    SlotContext {
        tenant: Uuid::from_u128(1),
        event_id: Uuid::from_u128(2),
        slot: 16,
        key: KeyRef {
            subject_key_id: Uuid::from_u128(3),
            version: 1,
        },
    }
}

fn key(fill: u8) -> DataKey {
    DataKey::from_bytes([fill; 64])
}

#[test]
fn a_changed_context_does_not_open() {
    let sealed = key(7).seal(&context(), b"jane@example.org").unwrap();
    let elsewhere = [
        SlotContext {
            event_id: Uuid::from_u128(9),
            ..context()
        },
        SlotContext {
            slot: 17,
            ..context()
        },
    ];
    for other in elsewhere {
        let opened = key(7).open(&other, &sealed.ciphertext, &sealed.commitments());
        assert_eq!(opened, Err(OpenError::NotAuthentic), "{other:?}");
    }
    // The key commitment covers tenant, key id and version, so these fail before decryption.
    let other_key = [
        SlotContext {
            tenant: Uuid::from_u128(9),
            ..context()
        },
        SlotContext {
            key: KeyRef {
                version: 2,
                ..context().key
            },
            ..context()
        },
        SlotContext {
            key: KeyRef {
                subject_key_id: Uuid::from_u128(9),
                ..context().key
            },
            ..context()
        },
    ];
    for other in other_key {
        let opened = key(7).open(&other, &sealed.ciphertext, &sealed.commitments());
        assert_eq!(opened, Err(OpenError::WrongKey), "{other:?}");
        let forged = Commitments {
            key_commit: key(7).key_commit(&other),
            ..sealed.commitments()
        };
        assert_eq!(
            key(7).open(&other, &sealed.ciphertext, &forged),
            Err(OpenError::NotAuthentic),
            "{other:?}"
        );
    }
}

#[test]
fn another_key_or_commitment_is_told_apart() {
    let sealed = key(7).seal(&context(), b"4111").unwrap();
    assert_eq!(
        key(8).open(&context(), &sealed.ciphertext, &sealed.commitments()),
        Err(OpenError::WrongKey)
    );

    let forged = Commitments {
        pt_commit: [0; 32],
        ..sealed.commitments()
    };
    assert_eq!(
        key(7).open(&context(), &sealed.ciphertext, &forged),
        Err(OpenError::Commitment)
    );
}

#[test]
fn equal_values_in_different_slots_look_unrelated() {
    let one = key(7).seal(&context(), b"jane@example.org").unwrap();
    let two = key(7)
        .seal(
            &SlotContext {
                slot: 17,
                ..context()
            },
            b"jane@example.org",
        )
        .unwrap();
    assert_ne!(one.ciphertext, two.ciphertext);
    assert_ne!(one.pt_commit, two.pt_commit);
    assert_eq!(one.key_commit, two.key_commit);
}

/// Pins the formats: a change here would make stored records unreadable. The golden values were computed with
/// the Python package `cryptography` and `hmac`, from the words of `docs/ledger-format.md`, not with this crate.
#[test]
fn the_format_is_pinned() {
    let sealed = key(7).seal(&context(), b"jane@example.org").unwrap();
    assert_eq!(sealed.padded_len, 32);
    assert_eq!(
        sealed.ct_hash,
        ciphertext_hash(AEAD_AES_256_SIV, &sealed.ciphertext)
    );
    assert_eq!(ciphertext_hash(AEAD_CLEAR, b""), [0; 32]);
    let golden = include_str!("golden/sealed-slot.txt");
    let actual = format!(
        "ciphertext {}\nct_hash {}\npt_commit {}\nkey_commit {}\n",
        hex::encode(&sealed.ciphertext),
        hex::encode(sealed.ct_hash),
        hex::encode(sealed.pt_commit),
        hex::encode(sealed.key_commit),
    );
    assert_eq!(actual, golden);
}

#[test]
fn clear_text_is_committed_with_a_salt_that_a_verifier_can_use() {
    let clear = key(7).commit_clear(&context(), "the template".as_bytes());
    assert_eq!(
        plaintext_commitment(&clear.salt, b"the template"),
        clear.pt_commit
    );
    assert_ne!(
        plaintext_commitment(&clear.salt, b"the Template"),
        clear.pt_commit
    );
    assert_eq!(clear.key_commit, key(7).key_commit(&context()));
}

#[test]
fn too_long_a_value_is_refused() {
    let value = vec![0_u8; MAX_PLAINTEXT_LEN + 1];
    let length = value.len();
    assert_eq!(
        key(7).seal(&context(), &value),
        Err(SealError::TooLong { length })
    );
}

#[test]
fn debug_output_shows_no_key() {
    let shown = format!("{:?} {:?}", key(7), Kek::from_bytes([7; 64]));
    assert_eq!(shown, "DataKey(..) Kek(..)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_opens(value in proptest::collection::vec(any::<u8>(), 0..2_000), fill: u8, slot: u16) {
        let place = SlotContext { slot, ..context() };
        let sealed = key(fill).seal(&place, &value).unwrap();
        prop_assert_eq!(sealed.padded_len as usize, padded_len(value.len()));
        prop_assert_eq!(sealed.ciphertext.len(), sealed.padded_len as usize + 16);
        let opened = key(fill).open(&place, &sealed.ciphertext, &sealed.commitments());
        prop_assert_eq!(opened.unwrap(), value);
    }

    #[test]
    fn a_flipped_bit_does_not_open(value in proptest::collection::vec(any::<u8>(), 0..200), at: usize, bit in 0_u8..8) {
        let mut sealed = key(7).seal(&context(), &value).unwrap();
        let position = at % sealed.ciphertext.len();
        sealed.ciphertext[position] ^= 1_u8 << bit;
        let opened = key(7).open(&context(), &sealed.ciphertext, &sealed.commitments());
        prop_assert_eq!(opened, Err(OpenError::NotAuthentic));
    }

    #[test]
    fn a_wrapped_key_unwraps_only_with_its_own_words(
        raw in proptest::collection::vec(any::<u8>(), 64), kek in any::<u8>(), words in ".{0,40}",
    ) {
        let data_key = DataKey::from_bytes(raw.try_into().unwrap());
        let wrapped = Kek::from_bytes([kek; 64]).wrap(&data_key, words.as_bytes());
        let unwrapped = Kek::from_bytes([kek; 64]).unwrap(&wrapped, words.as_bytes()).unwrap();
        prop_assert_eq!(unwrapped.key_commit(&context()), data_key.key_commit(&context()));

        let other_words = format!("{words}x");
        prop_assert!(Kek::from_bytes([kek; 64]).unwrap(&wrapped, other_words.as_bytes()).is_err());
        prop_assert!(Kek::from_bytes([kek ^ 1; 64]).unwrap(&wrapped, words.as_bytes()).is_err());
        prop_assert!(Kek::from_bytes([kek; 64]).unwrap(&wrapped[1..], words.as_bytes()).is_err());
    }
}
