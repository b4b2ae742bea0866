//! Sealed payloads: the cipher's published vectors, the golden form, and that nothing opens out of its place.

use aal_seal::{Envelope, PAYLOAD_OVERHEAD, PayloadError, PayloadKey, PayloadPlace};
use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use proptest::prelude::*;
use uuid::Uuid;

const TOPIC: &str = "audit.events";
const KEY_ID: Uuid = Uuid::from_u128(7);

fn place() -> PayloadPlace {
    PayloadPlace {
        tenant: Uuid::from_u128(1),
        event_id: Uuid::from_u128(2),
        schema: [3; 8],
    }
}

fn key() -> PayloadKey {
    PayloadKey::from_bytes([5; 32])
}

fn sealed(payload: &[u8]) -> Vec<u8> {
    key().seal(KEY_ID, TOPIC, &place(), [9; 12], payload).unwrap()
}

/// RFC 8452, appendix C.2: the first vectors for AES-256 without associated data.
#[test]
fn the_cipher_gives_the_published_results() {
    let mut key = [0; 32];
    key[0] = 1;
    let mut nonce = [0; 12];
    nonce[0] = 3;
    let cipher = Aes256GcmSiv::new((&key).into());
    let cases = [
        ("", "07f5f4169bbf55a8400cd47ea6fd400f"),
        (
            "0100000000000000",
            "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28",
        ),
    ];
    for (plaintext, expected) in cases {
        let msg = hex::decode(plaintext).unwrap();
        let got = cipher.encrypt(&Nonce::from(nonce), Payload { msg: &msg, aad: b"" });
        assert_eq!(hex::encode(got.unwrap()), expected);
    }
}

#[test]
fn the_form_is_the_documented_one() {
    let sealed = sealed(b"an event");
    let golden = include_str!("golden/sealed-payload.txt").trim();
    assert_eq!(hex::encode(&sealed), golden);
    assert_eq!(sealed.len(), b"an event".len() + PAYLOAD_OVERHEAD);
    let envelope = Envelope::parse(&sealed).unwrap();
    assert_eq!((envelope.key_id, envelope.place), (KEY_ID, place()));
    assert_eq!(*key().open(TOPIC, &envelope).unwrap(), b"an event");
}

#[test]
fn a_payload_opens_in_its_own_topic_only() {
    let sealed = sealed(b"an event");
    let envelope = Envelope::parse(&sealed).unwrap();
    let elsewhere = key().open("audit.dead-letter", &envelope);
    assert_eq!(elsewhere.unwrap_err(), PayloadError::NotAuthentic);
    let other = PayloadKey::from_bytes([6; 32]).open(TOPIC, &envelope);
    assert_eq!(other.unwrap_err(), PayloadError::NotAuthentic);
}

#[test]
fn every_changed_bit_is_noticed() {
    let sealed = sealed(b"an event");
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let opened = Envelope::parse(&changed).and_then(|envelope| key().open(TOPIC, &envelope));
        assert_eq!(opened.unwrap_err(), PayloadError::NotAuthentic, "bit {bit}");
    }
    for length in 0..sealed.len() {
        let opened = Envelope::parse(&sealed[..length]).and_then(|envelope| key().open(TOPIC, &envelope));
        assert!(opened.is_err(), "cut to {length} bytes");
    }
}

#[test]
fn events_in_the_clear_are_told_apart() {
    assert!(!Envelope::is_sealed(b"\xC3\x01 single object"));
    assert!(!Envelope::is_sealed(b"\x00\x00\x00\x00\x01 confluent"));
    assert!(!Envelope::is_sealed(b""));
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_and_nothing_else_does(payload in proptest::collection::vec(any::<u8>(), 0..300), junk in proptest::collection::vec(any::<u8>(), 0..300)) {
        let sealed = sealed(&payload);
        let envelope = Envelope::parse(&sealed).unwrap();
        prop_assert_eq!(&*key().open(TOPIC, &envelope).unwrap(), &payload);
        if let Ok(envelope) = Envelope::parse(&junk) {
            prop_assert!(key().open(TOPIC, &envelope).is_err());
        }
    }
}
