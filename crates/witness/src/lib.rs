//! A C2SP [tlog-witness](https://c2sp.org/tlog-witness): the small server that others run, and the client that a log
//! uses (docs/witness.md).
//!
//! [`request`] and [`decide`] are pure. [`State`] persists before it answers, through a [`Disk`] that tests make fail at
//! every operation. A witness keeps one cosigned checkpoint for each log, and never cosigns anything inconsistent with it.

pub mod client;
pub mod decide;
mod disk;
mod keys;
mod limiter;
pub mod request;
mod server;
mod state;

pub use client::{Answer, ClientError, WitnessClient};
pub use disk::{Disk, LocalDisk};
pub use keys::{KeyError, WitnessKeys};
pub use request::AddCheckpoint;
pub use server::{Running, ServerError, WitnessConfig, run};
pub use state::{AddError, Clock, OpenError, State};
