use std::time::Duration;

use crate::Problem;

/// Why an event is not (known to be) recorded.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address, the key or the HTTP client is unusable; no request was made.
    #[error("the client cannot be made: {0}")]
    Setup(String),
    /// The event is no JSON object, or a line of a batch is not; no request was made.
    #[error("the event cannot be sent: {0}")]
    Event(String),
    /// The edge said no, and would say it again. The event is not recorded.
    #[error("the edge refused with status {status}: {problem}")]
    Refused { status: u16, problem: Box<Problem> },
    /// Tried as long as the policy allows. The event may or may not be recorded; sending it again with the same
    /// `event_id` is safe.
    #[error("gave up after {attempts} attempts in {waited:?}: {last}")]
    GaveUp {
        attempts: u32,
        waited: Duration,
        last: String,
    },
    /// The edge answered with something that is not its protocol.
    #[error("the edge's answer is not understood: {0}")]
    Protocol(String),
}
