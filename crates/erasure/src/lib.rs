//! Erases a person's data for good while every proof stays valid (docs/erasure.md).
//!
//! * [`request`] and [`steps`] are pure: what a request is, what comes next, what each step changes in it.
//! * [`advance`] carries out the steps over a [`World`], saving after each; every step may be repeated.
//! * [`live`] is the world of a running installation, [`runner`] looks after all open requests under a lease.
//! * [`reapply`] makes sure at a service's start that a restored backup has not brought anything back.

mod advance;
mod certificate;
pub mod lists;
mod live;
mod reapply;
mod request;
mod rows;
mod runner;
mod steps;

pub use advance::{Emptied, Left, World, advance};
pub use certificate::{CERTIFICATE_FORMAT, NOTE_HEADING, check_certificate};
pub use live::{Live, LiveConfig, LiveError};
pub use reapply::{Reapplied, ReapplyError, reapply};
pub use request::{
    Ask, Certified, ChangeError, Consent, Decision, Erasure, Found, MAX_NOTE_BYTES, Notes, Stage, Target,
    Telling,
};
pub use rows::{KEYS_AT_ONCE, left_in_rows, rows_under};
pub use runner::{StoredFormError, load, run, stored, under_lease};
pub use steps::{Next, next};
