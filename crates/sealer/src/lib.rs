//! Seals epochs: reads what was stored, hashes it again, extends the trees, and signs where they stand.
//!
//! [`core`] and [`state`] decide without I/O; [`Anchor`] keeps the results outside ClickHouse; [`Sealer`] joins them
//! with a [`LeafSource`]. What is written where, and in which order, is ledger-format.md section 7.1.
//!
//! Architecture invariant: the object `manifest` of an epoch, created only if absent, decides the epoch. A crash at
//! any point, and any number of sealers at once, lead to one sequence of manifests.

mod anchor;
pub mod core;
mod evidence;
mod evidence_objects;
pub mod grown;
mod objects;
pub mod publish;
mod sealer;
mod service;
mod source;
pub mod state;
mod tile_objects;

pub use anchor::{Anchor, AnchorError};
pub use evidence::Evidence;
pub use objects::{IsOlder, Objects, ObjectsError};
pub use sealer::{SealError, Sealed, Sealer, SealerSettings};
pub use service::{
    ServiceError,
    config::{AnchorConfig, Config, KeyConfig, SealerConfig, TimestampConfig, WitnessConfig},
    read_signer, run,
};
pub use source::{LeafSource, StoredLeaf};
pub use tile_objects::Tree;
