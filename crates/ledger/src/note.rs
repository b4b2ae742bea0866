//! C2SP signed notes, parsed strictly (ledger-format.md section 7).

use crate::codec::{parse_base64, to_base64};
use crate::vkey::{NoteSigner, VerifierKey, is_valid_name};

/// Longest note in bytes.
pub const MAX_NOTE_LEN: usize = 1 << 20;
/// Most signature lines of one note.
pub const MAX_SIGNATURES: usize = 100;

/// A note whose form is right; nothing about it is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is signed, its last `\n` included.
    pub text: String,
    /// In the order of their lines.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    pub key_name: String,
    pub key_id: [u8; 4],
    /// Of whatever form the key's algorithm has; 64 bytes for Ed25519, see also [`crate::cosignature`].
    pub signature: Vec<u8>,
}

/// Why a note is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("note has {0} bytes, at most {MAX_NOTE_LEN} are allowed")]
    TooLong(usize),
    #[error("note is not UTF-8 or has control characters")]
    Characters,
    #[error("note has no text or no signature block")]
    Form,
    #[error("signature line {0} is malformed")]
    SignatureLine(usize),
    #[error("note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    #[error("signature of known key {0} is wrong")]
    BadSignature(String),
    #[error("no known key signed the note")]
    Unsigned,
    #[error("text of a note must end in a newline and have no control character")]
    Text,
}

impl Note {
    /// Text and signature lines of a note, at least one of the latter.
    ///
    /// # Errors
    /// On anything that is not exactly a C2SP signed note.
    pub fn parse(bytes: &[u8]) -> Result<Note, NoteError> {
        if bytes.len() > MAX_NOTE_LEN {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        if !has_only_text(whole) {
            return Err(NoteError::Characters);
        }
        let split = whole.rfind("\n\n").ok_or(NoteError::Form)?;
        let (text, signature_block) = (&whole[..split + 1], &whole[split + 2..]);
        let signature_block = signature_block.strip_suffix('\n').ok_or(NoteError::Form)?;
        if text == "\n" {
            return Err(NoteError::Form);
        }
        let mut signatures = Vec::new();
        for (position, line) in signature_block.split('\n').enumerate() {
            if position == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            let signature = NoteSignature::parse(line).ok_or(NoteError::SignatureLine(position + 1))?;
            signatures.push(signature);
        }
        Ok(Note {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The keys, of those given, whose signature the note bears; each once, in the order of the lines.
    ///
    /// # Errors
    /// When a line that names a given key has a wrong signature, or no given key signed.
    pub fn verify<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut verified: Vec<&VerifierKey> = Vec::new();
        for (key, _) in self.signed_by(known)? {
            if !verified.contains(&key) {
                verified.push(key);
            }
        }
        if verified.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok(verified)
    }

    /// Every line of a given key with the time it states, in the order of the lines; a key may have several. The time is
    /// in POSIX seconds, 0 where none is stated.
    ///
    /// # Errors
    /// When a line that names a given key has a wrong signature.
    pub fn signed_by<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<(&'k VerifierKey, u64)>, NoteError> {
        let mut verified = Vec::new();
        for line in &self.signatures {
            let is_named = |key: &&VerifierKey| key.name() == line.key_name && key.id() == line.key_id;
            let Some(key) = known.iter().find(is_named) else {
                continue;
            };
            let timestamp_s = key
                .verify_note(&self.text, &line.signature)
                .ok_or_else(|| NoteError::BadSignature(line.key_name.clone()))?;
            verified.push((key, timestamp_s));
        }
        Ok(verified)
    }

    /// The bytes of the note.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.text.clone();
        out.push('\n');
        for signature in &self.signatures {
            out.push_str(&signature.to_line());
        }
        out.into_bytes()
    }

    /// A note of this text with one signature for each signer.
    ///
    /// # Errors
    /// [`NoteError::Text`] when the text cannot be a note's; [`NoteError::Unsigned`] without signers.
    pub fn sign(text: &str, signers: &[&NoteSigner]) -> Result<Note, NoteError> {
        if text.len() < 2 || !text.ends_with('\n') || !has_only_text(text) {
            return Err(NoteError::Text);
        }
        if signers.is_empty() {
            return Err(NoteError::Unsigned);
        }
        let sign_one = |signer: &&NoteSigner| NoteSignature {
            key_name: signer.verifier_key().name().to_owned(),
            key_id: signer.verifier_key().id(),
            signature: signer.sign(text.as_bytes()).to_vec(),
        };
        Ok(Note {
            text: text.to_owned(),
            signatures: signers.iter().map(sign_one).collect(),
        })
    }
}

impl NoteSignature {
    /// `— <key name> <base64(key id || signature)>`, without the newline; `None` on anything else.
    pub fn parse(line: &str) -> Option<NoteSignature> {
        let rest = line.strip_prefix("\u{2014} ")?;
        let (key_name, encoded) = rest.split_once(' ')?;
        if !is_valid_name(key_name) {
            return None;
        }
        let bytes = parse_base64(encoded)?;
        let (key_id, signature) = bytes.split_first_chunk::<4>()?;
        if signature.is_empty() {
            return None;
        }
        Some(NoteSignature {
            key_name: key_name.to_owned(),
            key_id: *key_id,
            signature: signature.to_vec(),
        })
    }

    /// The signature line with its newline.
    pub fn to_line(&self) -> String {
        let mut bytes = self.key_id.to_vec();
        bytes.extend_from_slice(&self.signature);
        format!("\u{2014} {} {}\n", self.key_name, to_base64(&bytes))
    }
}

fn has_only_text(text: &str) -> bool {
    // C2SP forbids ASCII controls other than newline; DEL is one of them here too.
    !text
        .bytes()
        .any(|byte| (byte < 0x20 && byte != b'\n') || byte == 0x7f)
}
