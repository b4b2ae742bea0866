//! Credentials: keys with a known prefix, structured secrets, and values that a word announces as secret.

pub(crate) mod aws;
pub(crate) mod command_line;
pub(crate) mod encoded;
pub(crate) mod keyed;
pub(crate) mod placeholder;
pub(crate) mod prefixes;
pub(crate) mod structured;
