//! The keys of an installation: who wraps them, where they are kept, how long they stay in memory, and how they change.
//!
//! ```text
//! provider (key file, Vault Transit, AWS KMS) ──wraps──► root of placeholders and lookups
//!                                             ├─wraps──► Kek per (tenant, epoch) ──wraps──► data key per subject
//!                                             └─wraps──► payload keys of the Kafka topics
//! ```
//!
//! Everything that is wrapped lies in the control store. An unwrapped key-encryption key stays in memory for five
//! minutes at most; payload keys stay as long as they are in use, so that the edge goes on while the provider is away.

mod config;
mod error;
mod keks;
mod keys;
mod payloads;
mod place;
pub mod provider;
mod rewrap;
mod root;
mod rotation;
mod status;

pub use config::{KeysConfig, KmsConfig, SecretText, VaultConfig};
pub use error::{KeysError, OpenError};
pub use keys::Keys;
pub use place::Place;
pub use provider::file::{read_ring, write_secret};
pub use rewrap::{RewrapProgress, RewrapState};
pub use rotation::Rotated;
pub use status::{KekStatus, KeysStatus};
