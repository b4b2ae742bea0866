//! RFC 3161 timestamps: the query for a digest, and the strict check of an answer against pinned roots
//! (ledger-format.md section 7.3).
//!
//! Checked are: granted status, CMS form with exactly one signer, imprint, content type and message digest, the
//! signer's certificate as the token names it (RFC 5035, RFC 5816), its critical and only purpose "time stamping", the
//! signature, and the chain to a pinned root with every certificate valid at the token's own time. Not checked is
//! revocation: nothing is fetched here; a revoked authority is taken out of the pinned policy.
//!
//! Architecture invariant: no I/O, no clock, no randomness. The time in a token is the only time.

mod asn1;
mod chain;
mod query;
mod signature;
mod time;
mod token;

pub use chain::{ChainError, Roots};
pub use query::{MAX_NONCE_LEN, query};
pub use token::{MAX_RESPONSE_BYTES, Read, TimestampError, Verified, read, verify};
