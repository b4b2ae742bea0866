//! C2SP [tlog-cosignature](https://c2sp.org/tlog-cosignature): `cosignature/v1` with Ed25519 and `subtree/v1` with
//! ML-DSA-44 (ledger-format.md section 7).

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use ml_dsa::signature::Keypair as _;
use ml_dsa::{EncodedVerifyingKey, MlDsa44, Signature, SigningKey as MlDsaSigningKey, VerifyingKey};

use crate::checkpoint::Checkpoint;
use crate::note::NoteSignature;
use crate::vkey::{Algorithm, VerifierKey, VerifierKeyError};

const ED25519_LEN: usize = 64;
const ML_DSA_44_LEN: usize = 2_420;
/// Bytes of an ML-DSA-44 public key.
pub const ML_DSA_44_KEY_LEN: usize = 1_312;
const SUBTREE_LABEL: &[u8; 12] = b"subtree/v1\n\0";
/// The format allows no later time, in seconds.
const MAX_TIMESTAMP_S: u64 = i64::MAX as u64;

/// What follows the key id in a cosignature's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// When the cosigner says it signed, POSIX seconds; 0: an ML-DSA signature that states no time.
    pub timestamp_s: u64,
    /// 64 bytes of Ed25519 or 2,420 of ML-DSA-44.
    pub signature: Vec<u8>,
}

impl Cosignature {
    /// `None` when it has not the form of a timestamped signature.
    pub fn parse(bytes: &[u8]) -> Option<Cosignature> {
        let (timestamp, signature) = bytes.split_first_chunk::<8>()?;
        let timestamp_s = u64::from_be_bytes(*timestamp);
        if timestamp_s > MAX_TIMESTAMP_S || ![ED25519_LEN, ML_DSA_44_LEN].contains(&signature.len()) {
            return None;
        }
        Some(Cosignature {
            timestamp_s,
            signature: signature.to_vec(),
        })
    }

    /// The bytes after the key id.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.timestamp_s.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    /// What was signed; `None` when nothing can be signed that way: the text is no checkpoint, a name is too long, or
    /// an Ed25519 cosignature states no time.
    pub(crate) fn signed_message(&self, algorithm: Algorithm, name: &str, text: &str) -> Option<Vec<u8>> {
        message(algorithm, name, text, self.timestamp_s)
    }
}

fn message(algorithm: Algorithm, name: &str, text: &str, timestamp_s: u64) -> Option<Vec<u8>> {
    let checkpoint = Checkpoint::parse_text(text).ok()?;
    match algorithm {
        Algorithm::Ed25519 => None,
        Algorithm::Ed25519Cosignature if timestamp_s == 0 => None,
        Algorithm::Ed25519Cosignature => {
            Some(format!("cosignature/v1\ntime {timestamp_s}\n{text}").into_bytes())
        }
        Algorithm::MlDsa44 => subtree_message(name, &checkpoint, timestamp_s),
    }
}

/// `cosigned_message` of the format, for a whole tree.
fn subtree_message(name: &str, checkpoint: &Checkpoint, timestamp_s: u64) -> Option<Vec<u8>> {
    let name_len = u8::try_from(name.len()).ok().filter(|len| *len > 0)?;
    let origin_len = u8::try_from(checkpoint.origin.len())
        .ok()
        .filter(|len| *len > 0)?;
    let mut message = SUBTREE_LABEL.to_vec();
    message.push(name_len);
    message.extend_from_slice(name.as_bytes());
    message.extend_from_slice(&timestamp_s.to_be_bytes());
    message.push(origin_len);
    message.extend_from_slice(checkpoint.origin.as_bytes());
    message.extend_from_slice(&0u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size.to_be_bytes());
    message.extend_from_slice(&checkpoint.root);
    Some(message)
}

/// An ML-DSA-44 public key. Cloning is cheap; the expanded form is shared.
#[derive(Clone)]
pub(crate) struct MlDsaKey {
    bytes: Arc<[u8]>,
    key: Arc<VerifyingKey<MlDsa44>>,
}

impl MlDsaKey {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<MlDsaKey, VerifierKeyError> {
        let encoded = EncodedVerifyingKey::<MlDsa44>::try_from(bytes);
        let encoded = encoded.map_err(|_| VerifierKeyError::Length {
            expected: ML_DSA_44_KEY_LEN,
            found: bytes.len(),
        })?;
        Ok(MlDsaKey {
            bytes: bytes.into(),
            key: Arc::new(VerifyingKey::decode(&encoded)),
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// FIPS 204 verification with an empty context.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = Signature::<MlDsa44>::try_from(signature) else {
            return false;
        };
        self.key.verify_with_context(message, &[], &signature)
    }
}

impl PartialEq for MlDsaKey {
    fn eq(&self, other: &MlDsaKey) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for MlDsaKey {}

/// A private key that cosigns checkpoints: a witness's, or the second key of a log. Its debug form shows the public
/// part only.
#[derive(Clone)]
pub struct Cosigner {
    verifier: VerifierKey,
    key: PrivateKey,
}

#[derive(Clone)]
enum PrivateKey {
    Ed25519(Box<SigningKey>),
    MlDsa44(Box<MlDsaSigningKey<MlDsa44>>),
}

/// Why nothing was cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CosignError {
    #[error("checkpoint cannot be cosigned: its origin is empty, longer than 255 bytes or more than a line")]
    Checkpoint,
    #[error("time {0} cannot be in this kind of cosignature")]
    Time(u64),
}

impl Cosigner {
    /// A `cosignature/v1` signer whose RFC 8032 private key is the seed.
    ///
    /// # Errors
    /// On a name that cannot stand in a note.
    pub fn ed25519(name: &str, seed: &[u8; 32]) -> Result<Cosigner, VerifierKeyError> {
        let key = SigningKey::from_bytes(seed);
        let public_key = key.verifying_key();
        let algorithm = Algorithm::Ed25519Cosignature;
        Ok(Cosigner {
            verifier: VerifierKey::of_algorithm(name, algorithm, public_key.as_bytes())?,
            key: PrivateKey::Ed25519(Box::new(key)),
        })
    }

    /// A `subtree/v1` signer of ML-DSA-44 with the FIPS 204 key of that seed.
    ///
    /// # Errors
    /// On a name that cannot stand in a note.
    pub fn ml_dsa_44(name: &str, seed: &[u8; 32]) -> Result<Cosigner, VerifierKeyError> {
        let key = MlDsaSigningKey::<MlDsa44>::from_seed(&(*seed).into());
        let public_key = key.verifying_key().encode();
        Ok(Cosigner {
            verifier: VerifierKey::of_algorithm(name, Algorithm::MlDsa44, &public_key)?,
            key: PrivateKey::MlDsa44(Box::new(key)),
        })
    }

    /// The public half.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signature line for a checkpoint. The same facts give the same bytes. `timestamp_s` is POSIX seconds; 0 states
    /// no time, which only ML-DSA-44 can.
    ///
    /// # Errors
    /// On an origin that is no line of at most 255 bytes, or a time the format does not allow.
    pub fn cosign(&self, checkpoint: &Checkpoint, timestamp_s: u64) -> Result<NoteSignature, CosignError> {
        let algorithm = self.verifier.algorithm();
        let text = checkpoint.to_text();
        if Checkpoint::parse_text(&text).as_ref() != Ok(checkpoint) {
            return Err(CosignError::Checkpoint);
        }
        if timestamp_s > MAX_TIMESTAMP_S || (timestamp_s == 0 && algorithm != Algorithm::MlDsa44) {
            return Err(CosignError::Time(timestamp_s));
        }
        let message = message(algorithm, self.verifier.name(), &text, timestamp_s);
        let message = message.ok_or(CosignError::Checkpoint)?;
        let signature = match &self.key {
            PrivateKey::Ed25519(key) => key.sign(&message).to_bytes().to_vec(),
            PrivateKey::MlDsa44(key) => {
                let signed = key.expanded_key().sign_deterministic(&message, &[]);
                signed.map_err(|_| CosignError::Checkpoint)?.encode().to_vec()
            }
        };
        let cosignature = Cosignature {
            timestamp_s,
            signature,
        };
        Ok(NoteSignature {
            key_name: self.verifier.name().to_owned(),
            key_id: self.verifier.id(),
            signature: cosignature.to_bytes(),
        })
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.verifier)
    }
}
