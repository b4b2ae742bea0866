//! Leaf encoding, chain, Merkle tree, heads, manifests, checkpoints, receipts and trust policy.
//!
//! `docs/ledger-format.md` specifies every byte; each module names its section. Architecture invariant: this
//! crate has no I/O, no clock and no randomness. Facts come in, bytes or a typed refusal go out.

pub mod chain;
pub mod checkpoint;
mod codec;
mod committed;
pub mod cosignature;
pub mod hash;
pub mod heads;
pub mod jcs;
pub mod kind;
pub mod leaf;
pub mod leaf_view;
pub mod manifest;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod pruned;
pub mod receipt;
pub mod tile;
pub mod vkey;
pub mod witness_policy;

pub use chain::{ChainId, ChainTip, LinkError};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use committed::CommittedSlots;
pub use cosignature::{CosignError, Cosigner};
pub use hash::{Hash, ZERO_HASH};
pub use heads::{ChainHead, Heads, HeadsError, ShardHead};
pub use kind::Kind;
pub use leaf::{Leaf, LeafError, MAX_LEAF_LEN, MAX_SLOTS, Slot, leaf_hash};
pub use leaf_view::{LeafView, SlotView};
pub use manifest::{Manifest, ManifestError};
pub use note::{Note, NoteError, NoteSignature};
pub use policy::{PolicyError, TimestampAuthority, TrustPolicy};
pub use pruned::{PRUNED, PruneRanges, PrunedRecords, PrunedRun, Prunes};
pub use receipt::{Receipt, ReceiptError};
pub use vkey::{Algorithm, NoteSigner, VerifierKey, VerifierKeyError};
pub use witness_policy::{WitnessPolicy, WitnessPolicyError, Witnessed};
