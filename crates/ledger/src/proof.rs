//! The proof of one record: a C2SP tlog-proof whose `extra` leads from the record to the manifest that the signed
//! log holds (ledger-format.md section 10).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::chain::ChainId;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::codec::{parse_base64, parse_base64_array, parse_u64, to_base64};
use crate::hash::{Hash, parse_hex};
use crate::heads::ChainHead;
use crate::leaf::{Leaf, LeafError, leaf_hash};
use crate::manifest::{Manifest, ManifestError};
use crate::merkle::{MAX_PROOF_LEN, ProofError, verify};
use crate::note::{Note, NoteError};
use crate::policy::TrustPolicy;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
const EXTRA_FORMAT: &str = "aal-record-path/v1";
/// Longest proof in bytes that is read.
pub const MAX_PROOF_BYTES: usize = 4 << 20;

/// A C2SP tlog-proof, parsed; nothing about it is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque data of the application.
    pub extra: Option<Vec<u8>>,
    /// Index of the proven entry.
    pub index: u64,
    /// Its inclusion proof.
    pub hashes: Vec<Hash>,
    /// The signed note.
    pub checkpoint: Vec<u8>,
}

/// The way from a record to the manifest: the `extra` of a record's proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordPath {
    format: String,
    leaf: String,
    chain: ChainPath,
    head: HeadPath,
    manifest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainPath {
    id: String,
    index: u64,
    size: u64,
    path: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadPath {
    line: String,
    index: u64,
    size: u64,
    path: Vec<String>,
}

/// What a record's proof shows under a pinned policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenRecord {
    /// The sealed leaf; compare its hashes with the header and texts at hand.
    pub leaf: Leaf,
    pub leaf_hash: Hash,
    /// Head of the leaf's chain.
    pub head: ChainHead,
    /// Epoch that sealed that head.
    pub manifest: Manifest,
    /// The signed head of the anchor log.
    pub checkpoint: Checkpoint,
}

/// Why a record's proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordProofError {
    #[error("not a tlog-proof")]
    Form,
    #[error("extra of the proof is not a record's path: {0}")]
    Extra(String),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Leaf(#[from] LeafError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("manifest is of epoch {found}, the proof of index {expected}")]
    Epoch { expected: u64, found: u64 },
    #[error("the {0} named in the proof differ from those in the sealed bytes")]
    Mismatch(&'static str),
    #[error("{what} is not proven: {source}")]
    Inclusion { what: &'static str, source: ProofError },
}

impl TlogProof {
    /// The proof's text.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{FIRST_LINE}\n");
        // Writing to a string cannot fail.
        if let Some(extra) = &self.extra {
            let _ = writeln!(text, "extra {}", to_base64(extra));
        }
        let _ = writeln!(text, "index {}", self.index);
        for hash in &self.hashes {
            let _ = writeln!(text, "{}", to_base64(hash));
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.checkpoint);
        bytes
    }

    /// The proof of these bytes.
    ///
    /// # Errors
    /// On anything that is not exactly a tlog-proof with a well-formed note.
    pub fn parse(bytes: &[u8]) -> Result<TlogProof, RecordProofError> {
        Self::read(bytes).ok_or(RecordProofError::Form)
    }

    fn read(bytes: &[u8]) -> Option<TlogProof> {
        if bytes.len() > MAX_PROOF_BYTES {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n').peekable();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let extra = match lines.peek()?.strip_prefix("extra ") {
            Some(encoded) => {
                lines.next();
                Some(parse_base64(encoded)?)
            }
            None => None,
        };
        let index = parse_u64(lines.next()?.strip_prefix("index ")?)?;
        let hashes: Vec<Hash> = lines.map(parse_base64_array).collect::<Option<_>>()?;
        if hashes.len() > MAX_PROOF_LEN || Note::parse(checkpoint.as_bytes()).is_err() {
            return None;
        }
        Some(TlogProof {
            extra,
            index,
            hashes,
            checkpoint: checkpoint.as_bytes().to_vec(),
        })
    }
}

/// Checks the proof of one record: leaf in chain, chain head in heads, heads in manifest, manifest in the log, log
/// signed by a key of the policy.
///
/// # Errors
/// Names the first step that does not hold.
pub fn verify_record_proof(bytes: &[u8], policy: &TrustPolicy) -> Result<ProvenRecord, RecordProofError> {
    let proof = TlogProof::parse(bytes)?;
    let malformed = |error: serde_json::Error| RecordProofError::Extra(error.to_string());
    let extra = proof.extra.as_deref().unwrap_or_default();
    let path: RecordPath = serde_json::from_slice(extra).map_err(malformed)?;
    if path.format != EXTRA_FORMAT {
        return Err(RecordProofError::Extra(format!("format is {:?}", path.format)));
    }
    let checkpoint = open_checkpoint(&proof.checkpoint, policy)?;
    let manifest = Manifest::parse(path.manifest.as_bytes())?;
    if manifest.epoch != proof.index {
        return Err(RecordProofError::Epoch {
            expected: proof.index,
            found: manifest.epoch,
        });
    }
    let not_proven = |what| move |source| RecordProofError::Inclusion { what, source };
    verify::inclusion(
        checkpoint.size,
        proof.index,
        &manifest.leaf_hash(),
        &proof.hashes,
        &checkpoint.root,
    )
    .map_err(not_proven("manifest"))?;

    let head = ChainHead::parse_line(&path.head.line).ok_or(RecordProofError::Mismatch("head"))?;
    if path.head.size != manifest.head_count {
        return Err(RecordProofError::Mismatch("number of heads"));
    }
    let line_hash = leaf_hash(path.head.line.as_bytes());
    let head_path = hashes_of(&path.head.path)?;
    verify::inclusion(
        manifest.head_count,
        path.head.index,
        &line_hash,
        &head_path,
        &manifest.heads_root,
    )
    .map_err(not_proven("head"))?;

    let leaf_bytes =
        parse_base64(&path.leaf).ok_or_else(|| RecordProofError::Extra("leaf is not base64".into()))?;
    let leaf = Leaf::decode(&leaf_bytes)?;
    let chain = ChainId::of(&leaf);
    if head.chain != chain || path.chain.id != chain.to_string() {
        return Err(RecordProofError::Mismatch("chains"));
    }
    if (path.chain.index, path.chain.size) != (leaf.index, head.size) {
        return Err(RecordProofError::Mismatch("index and size of the chain"));
    }
    let hash = leaf_hash(&leaf_bytes);
    let chain_path = hashes_of(&path.chain.path)?;
    verify::inclusion(head.size, leaf.index, &hash, &chain_path, &head.root).map_err(not_proven("leaf"))?;
    Ok(ProvenRecord {
        leaf,
        leaf_hash: hash,
        head,
        manifest,
        checkpoint,
    })
}

/// Opens a checkpoint with those keys of the policy that are good for its size.
///
/// # Errors
/// As [`Checkpoint::open`]; and when the policy requires every algorithm and one did not sign.
pub fn open_checkpoint(note: &[u8], policy: &TrustPolicy) -> Result<Checkpoint, CheckpointError> {
    // The size decides which keys are good, so it is read before the signature is checked and trusted only after.
    let claimed = Note::parse(note).map_err(|error: NoteError| CheckpointError::Note(error))?;
    let claimed = Checkpoint::parse_text(&claimed.text)?;
    let keys = policy.log_keys_for(claimed.size);
    let (checkpoint, signed_by) = Checkpoint::open(note, &policy.origin, &keys)?;
    policy.check_signers(&signed_by, checkpoint.size)?;
    Ok(checkpoint)
}

fn hashes_of(path: &[String]) -> Result<Vec<Hash>, RecordProofError> {
    let parsed: Option<Vec<Hash>> = path.iter().map(|hash| parse_hex(hash)).collect();
    parsed
        .filter(|hashes| hashes.len() <= MAX_PROOF_LEN)
        .ok_or_else(|| RecordProofError::Extra("path".into()))
}
