//! What happens to a call when it cannot be recorded.

use serde::{Deserialize, Serialize};

/// Whether a call goes on when auditing is impossible (docs/gateway.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// The call goes on, its event is kept on disk.
    FailOpen,
    /// No record, no call.
    FailClosed,
}
