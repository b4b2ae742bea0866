//! Sealed payloads: what the edge puts on Kafka, so that no broker holds clear text.
//!
//! AES-256-GCM-SIV (RFC 8452): a nonce that repeats, as it may after a virtual machine was copied, shows only that two
//! payloads are equal.

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use thiserror::Error;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::derive::mac;

/// Length in bytes of a payload key (256 bits).
pub const PAYLOAD_KEY_LEN: usize = 32;
/// Length in bytes of a nonce.
pub const NONCE_LEN: usize = 12;
/// By how many bytes a sealed payload is longer than the payload.
pub const PAYLOAD_OVERHEAD: usize = HEAD_LEN + NONCE_LEN + TAG_LEN;

/// `AALS`, version 1, cipher 1. Neither of Avro's framings begins so.
const MARK: [u8; 6] = *b"AALS\x01\x01";
const HEAD_LEN: usize = MARK.len() + 16 + 16 + 16 + 8;
const TAG_LEN: usize = 16;
const HIDDEN_MARK: &[u8] = b"s1:";
const HIDDEN_LEN: usize = HIDDEN_MARK.len() + 32;

/// One key of the events topic. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PayloadKey([u8; PAYLOAD_KEY_LEN]);

/// What a payload is bound to, in the clear beside it; zeros where a payload has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PayloadPlace {
    /// Owner of the event.
    pub tenant: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// CRC-64-AVRO fingerprint of the schema that wrote it, as in the payload's own head.
    pub schema: [u8; 8],
}

/// A sealed payload, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Names the key.
    pub key_id: Uuid,
    /// What the payload is bound to.
    pub place: PayloadPlace,
    head: &'a [u8; HEAD_LEN],
    nonce: &'a [u8; NONCE_LEN],
    ciphertext: &'a [u8],
}

/// Why a sealed payload was refused. Carries nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// Shorter than its fixed parts.
    #[error("a sealed payload of {0} bytes is too short")]
    TooShort(usize),
    /// Changed, or moved to another topic, tenant or event, or sealed under another key of the same id.
    #[error("a sealed payload is not authentic in this place")]
    NotAuthentic,
    /// The cipher refused it: 64 GiB or more.
    #[error("the cipher refused the payload")]
    Refused,
}

impl<'a> Envelope<'a> {
    /// Whether a Kafka value is a sealed payload; another is an event in the clear.
    pub fn is_sealed(value: &[u8]) -> bool {
        value.starts_with(&MARK)
    }

    /// Takes a sealed payload apart.
    pub fn parse(value: &'a [u8]) -> Result<Envelope<'a>, PayloadError> {
        let too_short = || PayloadError::TooShort(value.len());
        let (head, rest) = value.split_first_chunk::<HEAD_LEN>().ok_or_else(too_short)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(too_short)?;
        if !Envelope::is_sealed(head) {
            return Err(PayloadError::NotAuthentic);
        }
        if ciphertext.len() < TAG_LEN {
            return Err(too_short());
        }
        let id = |at: usize| {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&head[at..at + 16]);
            Uuid::from_bytes(bytes)
        };
        let mut schema = [0; 8];
        schema.copy_from_slice(&head[HEAD_LEN - 8..]);
        let place = PayloadPlace {
            tenant: id(MARK.len() + 16),
            event_id: id(MARK.len() + 32),
            schema,
        };
        Ok(Envelope {
            key_id: id(MARK.len()),
            place,
            head,
            nonce,
            ciphertext,
        })
    }
}

/// The key of a Kafka record that hides the one it stands for: `s1:` and 32 hexadecimal digits of its HMAC-SHA256.
/// Equal ones stay equal, so they share a partition. One that is hidden already stays as it is.
pub fn partition_key(secret: &[u8; 32], key: &[u8]) -> Vec<u8> {
    let is_hidden = key.len() == HIDDEN_LEN
        && key
            .strip_prefix(HIDDEN_MARK)
            .is_some_and(|rest| rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    if is_hidden {
        return key.to_vec();
    }
    let mut hidden = HIDDEN_MARK.to_vec();
    for byte in &mac(secret, &[key])[..16] {
        hidden.extend_from_slice(format!("{byte:02x}").as_bytes());
    }
    hidden
}

impl PayloadKey {
    /// Takes 32 bytes from a cryptographic random source as a new key, or the bytes of an unwrapped one.
    pub fn from_bytes(bytes: [u8; PAYLOAD_KEY_LEN]) -> PayloadKey {
        PayloadKey(bytes)
    }

    /// Seals `payload` for `topic`: `"AALS" 01 01 || key id || tenant || event id || schema || nonce || ciphertext || tag`.
    /// Associated data is everything before the nonce, then the topic's name.
    pub fn seal(
        &self,
        key_id: Uuid,
        topic: &str,
        place: &PayloadPlace,
        nonce: [u8; NONCE_LEN],
        payload: &[u8],
    ) -> Result<Vec<u8>, PayloadError> {
        let mut sealed = Vec::with_capacity(payload.len() + PAYLOAD_OVERHEAD);
        sealed.extend_from_slice(&MARK);
        sealed.extend_from_slice(key_id.as_bytes());
        sealed.extend_from_slice(place.tenant.as_bytes());
        sealed.extend_from_slice(place.event_id.as_bytes());
        sealed.extend_from_slice(&place.schema);
        let aad = [&sealed[..], topic.as_bytes()].concat();
        let ciphertext = self
            .cipher()
            .encrypt(
                &Nonce::from(nonce),
                Payload {
                    msg: payload,
                    aad: &aad,
                },
            )
            .map_err(|_| PayloadError::Refused)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Opens what [`PayloadKey::seal`] made for the same topic.
    pub fn open(&self, topic: &str, envelope: &Envelope<'_>) -> Result<Zeroizing<Vec<u8>>, PayloadError> {
        let aad = [&envelope.head[..], topic.as_bytes()].concat();
        let payload = Payload {
            msg: envelope.ciphertext,
            aad: &aad,
        };
        let opened = self.cipher().decrypt(&Nonce::from(*envelope.nonce), payload);
        opened.map(Zeroizing::new).map_err(|_| PayloadError::NotAuthentic)
    }

    fn cipher(&self) -> Aes256GcmSiv {
        Aes256GcmSiv::new((&self.0).into())
    }
}

/// Never shows the key.
impl std::fmt::Debug for PayloadKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PayloadKey(..)")
    }
}
