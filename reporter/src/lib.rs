//! Reports.

pub mod pdf;
