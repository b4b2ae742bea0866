//! Child processes that cannot outlive their parent.
//!
//! An embedded engine runs as a child of `audit up` (or of a test). Two things must hold whatever happens to
//! the parent: the child is gone soon after the parent is, even after `kill -9`, and the parent knows the
//! address the child listens on only once the child really answers there.
//!
//! - [`inside`] is what the child calls: [`inside::stop_signal`] and [`inside::announce`].
//! - [`Child`] is what the parent holds: start, wait for the ready line, terminate, kill.
//!
//! The ready line is one line of JSON on the child's standard output, `{"listening":"127.0.0.1:PORT"}`.

mod handle;
pub mod inside;

pub use handle::{Child, ChildError};

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What a child prints, as one line of JSON, when it answers on its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The address the child listens on, with the port it was really given.
    pub listening: SocketAddr,
}
