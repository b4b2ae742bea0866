//! Verifier keys and signers of C2SP signed notes (ledger-format.md section 7).

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::codec::{parse_base64, parse_key_id, to_base64};
use crate::hash::sha256_parts;

/// C2SP signature type of Ed25519.
const TYPE_ED25519: u8 = 0x01;
/// Longest key name in bytes that is accepted.
const MAX_NAME_LEN: usize = 255;

/// A named Ed25519 public key, `<name>+<key id>+<base64>` in text.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// Why a text is no verifier key, or a name cannot be a key's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    #[error("verifier key is not of the form name+id+base64")]
    Form,
    #[error("key name is empty, too long, or has a space, a plus sign or a control character")]
    Name,
    #[error("key type {0} is not supported, only 1 (ed25519) is")]
    Type(u8),
    #[error("public key is not a valid ed25519 point of full order")]
    Point,
    #[error("key id does not fit name and public key")]
    Id,
}

/// Whether the name may stand in a signature line: C2SP refuses Unicode spaces and `+`; we also refuse controls.
pub(crate) fn is_valid_name(name: &str) -> bool {
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && name.len() <= MAX_NAME_LEN && !name.chars().any(is_forbidden)
}

fn key_id(name: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let digest = sha256_parts(&[name.as_bytes(), b"\n", &[TYPE_ED25519], public_key]);
    [digest[0], digest[1], digest[2], digest[3]]
}

impl VerifierKey {
    /// A verifier key of these parts.
    ///
    /// # Errors
    /// On a name that cannot stand in a note, and a public key that is no point or of small order.
    pub fn new(name: &str, public_key: &[u8; 32]) -> Result<VerifierKey, VerifierKeyError> {
        if !is_valid_name(name) {
            return Err(VerifierKeyError::Name);
        }
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| VerifierKeyError::Point)?;
        if key.is_weak() {
            return Err(VerifierKeyError::Point);
        }
        Ok(VerifierKey {
            name: name.to_owned(),
            id: key_id(name, public_key),
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

    /// The 32 bytes of the public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether this key signed the message; strict as in RFC 8032 with canonical S and no small-order points.
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.key.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed_key = vec![TYPE_ED25519];
        typed_key.extend_from_slice(self.key.as_bytes());
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
        if key_type != TYPE_ED25519 {
            return Err(VerifierKeyError::Type(key_type));
        }
        let public_key: [u8; 32] = public_key.try_into().map_err(|_| VerifierKeyError::Form)?;
        let key = VerifierKey::new(name, &public_key)?;
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
