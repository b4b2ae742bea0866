//! Reports: one decision, or all decisions of a period, as PDF, CSV and JSON.
//!
//! Records become facts, facts become one [`model::Report`] (pure, in [`build`]), and every format is made from
//! that model, so their figures cannot differ.

pub mod build;
pub mod csv;
pub mod html;
pub mod model;
pub mod pdf;
