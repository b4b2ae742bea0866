//! Prunes records whose retention is over: content, header and columns go, leaf and place stay, so that every hash, link
//! and tree stays what it was (docs/erasure.md, "Pruning").
//!
//! * [`plan`] is pure: which records of a chain may go, as ranges of indexes.
//! * [`request`] is pure: what a prune is, who must agree, and what comes next.
//! * [`Live`] carries it out in a running installation, [`run`] looks after all open ones under a lease.

mod live;
pub mod plan;
mod request;
mod rows;
mod runner;

pub use live::{Live, LiveError};
pub use plan::{Plan, Planner, Retention};
pub use request::{Approval, ChangeError, Prune, Stage};
pub use runner::{StoredFormError, load, run, stored};
