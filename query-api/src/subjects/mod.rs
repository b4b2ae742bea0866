//! People's rights and their limits: data-subject export, erasure, legal hold, retention.

mod eraser;
mod erasures;
mod holds;
mod notes;
mod person;
mod retention;

pub(crate) use eraser::{apply_lists, live, start};
pub(crate) use erasures::{ask, certificate, decide, get, list, of_person, override_waiting};
pub(crate) use holds::{list_holds, place, release};
pub(crate) use retention::{list_rules, put_rule};
