//! Addresses on networks: e-mail, IP, MAC, and URLs that carry credentials.

pub(crate) mod email;
pub(crate) mod ip;
pub(crate) mod mac;
pub(crate) mod url;
