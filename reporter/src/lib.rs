//! Reports: one decision, or all decisions of a period, as PDF, CSV and JSON.
//!
//! A [job](aal_control::Job) is claimed, its records are [read] and checked against their leaves, turned into one
//! [`model::Report`] by pure functions ([`build`]), and every format is made from that model, so their figures
//! cannot differ. HTML becomes PDF in a sandbox ([`pdf`]).

mod announce;
pub mod build;
pub mod bundle;
mod config;
pub mod csv;
mod document;
pub mod html;
pub mod make;
pub mod model;
pub mod pdf;
pub mod read;
pub mod request;
mod run;
pub mod worker;

pub use config::{Config, Limits, ObjectsConfig, PdfConfig, WorkerConfig};
pub use run::{RunError, run};
