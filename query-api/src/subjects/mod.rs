//! People's rights and their limits: data-subject export, erasure, legal hold, retention and pruning.

mod dossier;
mod eraser;
mod erasures;
mod export;
mod holds;
mod masking;
mod notes;
mod person;
mod prunes;
mod retention;

pub(crate) use eraser::{apply_lists, live, start};
pub(crate) use erasures::{ask, certificate, decide, get, list, of_person, override_waiting};
pub(crate) use export::{make as make_export, show as show_export};
pub(crate) use holds::{list_holds, place, release};
pub(crate) use prunes::{approve_prune, ask_prune, cancel_prune, get_prune, list_prunes};
pub(crate) use retention::{list_rules, put_rule};
