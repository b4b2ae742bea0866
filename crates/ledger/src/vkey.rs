//! Verifier keys and signers of C2SP signed notes (ledger-format.md section 7).

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::codec::{parse_base64, parse_key_id, to_base64};
use crate::cosignature::{Cosignature, MlDsaKey};
use crate::hash::sha256_parts;

/// Longest key name in bytes that is accepted.
const MAX_NAME_LEN: usize = 255;

/// C2SP signature types that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// Ed25519 over the note's text: logs and receipts.
    Ed25519 = 0x01,
    /// Ed25519 over the text and a time: `cosignature/v1` of a witness.
    Ed25519Cosignature = 0x04,
    /// ML-DSA-44 over the checkpoint and a time: `subtree/v1`, of a log (time 0) or of a witness.
    MlDsa44 = 0x06,
}

impl Algorithm {
    fn of_type(key_type: u8) -> Option<Algorithm> {
        [
            Algorithm::Ed25519,
            Algorithm::Ed25519Cosignature,
            Algorithm::MlDsa44,
        ]
        .into_iter()
        .find(|algorithm| *algorithm as u8 == key_type)
    }

    /// Whether a log may sign its checkpoints with it.
    pub fn is_for_logs(self) -> bool {
        self != Algorithm::Ed25519Cosignature
    }

    /// Whether a witness may cosign with it.
    pub fn is_for_witnesses(self) -> bool {
        self != Algorithm::Ed25519
    }
}

/// A named public key, `<name>+<key id>+<base64>` in text.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    algorithm: Algorithm,
    key: PublicKey,
}

#[derive(Clone, PartialEq, Eq)]
enum PublicKey {
    Ed25519(VerifyingKey),
    MlDsa44(MlDsaKey),
}

impl PublicKey {
    fn bytes(&self) -> &[u8] {
        match self {
            PublicKey::Ed25519(key) => key.as_bytes(),
            PublicKey::MlDsa44(key) => key.bytes(),
        }
    }
}

/// Why a text is no verifier key, or a name cannot be a key's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    #[error("verifier key is not of the form name+id+base64")]
    Form,
    #[error("key name is empty, too long, or has a space, a plus sign or a control character")]
    Name,
    #[error("key type {0} is not supported, only 1 (ed25519), 4 (ed25519 cosignature) and 6 (ml-dsa-44) are")]
    Type(u8),
    #[error("public key is not a valid ed25519 point of full order")]
    Point,
    #[error("public key must have {expected} bytes, it has {found}")]
    Length { expected: usize, found: usize },
    #[error("key id does not fit name and public key")]
    Id,
}

/// Whether the name may stand in a signature line: C2SP refuses Unicode spaces and `+`; we also refuse controls.
pub(crate) fn is_valid_name(name: &str) -> bool {
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && name.len() <= MAX_NAME_LEN && !name.chars().any(is_forbidden)
}

fn key_id(name: &str, algorithm: Algorithm, public_key: &[u8]) -> [u8; 4] {
    let digest = sha256_parts(&[name.as_bytes(), b"\n", &[algorithm as u8], public_key]);
    [digest[0], digest[1], digest[2], digest[3]]
}

fn ed25519_key(bytes: &[u8]) -> Result<VerifyingKey, VerifierKeyError> {
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_| VerifierKeyError::Length {
        expected: 32,
        found: bytes.len(),
    })?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| VerifierKeyError::Point)?;
    if key.is_weak() {
        return Err(VerifierKeyError::Point);
    }
    Ok(key)
}

impl VerifierKey {
    /// An Ed25519 verifier key of these parts.
    ///
    /// # Errors
    /// On a name that cannot stand in a note, and a public key that is no point or of small order.
    pub fn new(name: &str, public_key: &[u8; 32]) -> Result<VerifierKey, VerifierKeyError> {
        VerifierKey::of_algorithm(name, Algorithm::Ed25519, public_key)
    }

    /// A verifier key of these parts.
    ///
    /// # Errors
    /// On a name that cannot stand in a note, and a public key that is none of the algorithm's.
    pub fn of_algorithm(
        name: &str,
        algorithm: Algorithm,
        public_key: &[u8],
    ) -> Result<VerifierKey, VerifierKeyError> {
        if !is_valid_name(name) {
            return Err(VerifierKeyError::Name);
        }
        let key = match algorithm {
            Algorithm::Ed25519 | Algorithm::Ed25519Cosignature => {
                PublicKey::Ed25519(ed25519_key(public_key)?)
            }
            Algorithm::MlDsa44 => PublicKey::MlDsa44(MlDsaKey::from_bytes(public_key)?),
        };
        Ok(VerifierKey {
            name: name.to_owned(),
            id: key_id(name, algorithm, public_key),
            algorithm,
            key,
        })
    }

    /// The name that stands in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of the hash of name, type and public key.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The key id as eight hexadecimal digits.
    pub fn id_hex(&self) -> String {
        hex::encode(self.id)
    }

    /// What the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes of the public key: 32 of Ed25519, 1,312 of ML-DSA-44. Two keys of the same bytes are one key, whatever
    /// their names.
    pub fn public_key(&self) -> &[u8] {
        self.key.bytes()
    }

    /// Whether this key, one of plain Ed25519, signed the message; strict as in RFC 8032 with canonical S and no
    /// small-order points.
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.algorithm == Algorithm::Ed25519 && self.verifies_ed25519(message, signature)
    }

    fn verifies_ed25519(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        match &self.key {
            PublicKey::Ed25519(key) => key.verify_strict(message, &signature).is_ok(),
            PublicKey::MlDsa44(_) => false,
        }
    }

    /// Checks what a signature line says of a note's text. The time is that of a cosignature, in seconds; 0 when the
    /// signer states none. `None`: the signature is wrong.
    pub fn verify_note(&self, text: &str, signature: &[u8]) -> Option<u64> {
        if self.algorithm == Algorithm::Ed25519 {
            let signature: &[u8; 64] = signature.try_into().ok()?;
            return self.verifies(text.as_bytes(), signature).then_some(0);
        }
        let cosignature = Cosignature::parse(signature)?;
        let message = cosignature.signed_message(self.algorithm, &self.name, text)?;
        let holds = match &self.key {
            PublicKey::Ed25519(_) => {
                let signature: &[u8; 64] = cosignature.signature.as_slice().try_into().ok()?;
                self.verifies_ed25519(&message, signature)
            }
            PublicKey::MlDsa44(key) => key.verifies(&message, &cosignature.signature),
        };
        holds.then_some(cosignature.timestamp_s)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed_key = vec![self.algorithm as u8];
        typed_key.extend_from_slice(self.key.bytes());
        write!(f, "{}+{}+{}", self.name, self.id_hex(), to_base64(&typed_key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<VerifierKey, VerifierKeyError> {
        // Base64 may hold `+` too, so only the first two separate.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Form);
        };
        let id = parse_key_id(id).ok_or(VerifierKeyError::Form)?;
        let typed_key = parse_base64(encoded).ok_or(VerifierKeyError::Form)?;
        let (&key_type, public_key) = typed_key.split_first().ok_or(VerifierKeyError::Form)?;
        let algorithm = Algorithm::of_type(key_type).ok_or(VerifierKeyError::Type(key_type))?;
        let key = VerifierKey::of_algorithm(name, algorithm, public_key)?;
        if key.id != id {
            return Err(VerifierKeyError::Id);
        }
        Ok(key)
    }
}

/// A named Ed25519 private key. Its debug form shows the public part only.
#[derive(Clone)]
pub struct NoteSigner {
    verifier: VerifierKey,
    key: SigningKey,
}

impl NoteSigner {
    /// The signer of that name whose RFC 8032 private key is the 32-byte seed.
    ///
    /// # Errors
    /// On a name that cannot stand in a note.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<NoteSigner, VerifierKeyError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, key.verifying_key().as_bytes())?;
        Ok(NoteSigner { verifier, key })
    }

    /// The public half.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Ed25519 signature; the same message gives the same bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.verifier)
    }
}
