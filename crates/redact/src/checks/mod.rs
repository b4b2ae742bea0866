//! Check digits and structural rules of identifiers, as their issuers define them.
//!
//! Every check takes the *compact* form: ASCII digits and upper-case letters without separators, of a length that
//! the caller's shape already guarantees. A check of a wrong length is false, never a panic.

pub(crate) mod africa_asia;
pub(crate) mod americas;
pub(crate) mod arithmetic;
pub(crate) mod crypto;
pub(crate) mod dates;
pub(crate) mod europe_north;
pub(crate) mod europe_south;
pub(crate) mod europe_west;
pub(crate) mod finance;
pub(crate) mod keccak;
pub(crate) mod oceania;

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
