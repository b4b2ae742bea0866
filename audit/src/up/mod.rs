//! `audit up`: the whole pipeline in one process tree with embedded engines.

pub mod engines;
pub mod layout;
mod run;
mod services;
mod settings;

pub use run::run;
