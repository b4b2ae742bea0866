//! Numbers whose grouping varies too much for a fixed shape.

pub(crate) mod announced;
pub(crate) mod iban;
pub(crate) mod phone;
pub(crate) mod phone_codes;
mod phone_run;
