//! `fail_closed`: what is about to be asked is in Kafka before the provider is asked.

use std::time::Duration;

use aal_event::intent_of;
use aal_service::{Problem, times::now_us};

use super::{
    assemble::{NAME, asked},
    draft::Draft,
    recorder::encoded,
};
use crate::delivery::Delivery;

const RETRY_AFTER_S: u32 = 2;

/// Puts intents on the log.
#[derive(Clone, Debug)]
pub(crate) struct Intents {
    pub(crate) delivery: Delivery,
    pub(crate) timeout: Duration,
    /// Most bytes of the decoded request.
    pub(crate) limit_bytes: usize,
}

impl Intents {
    /// Returns when the intent of this call is acknowledged.
    ///
    /// # Errors
    /// 503 with `Retry-After`: the call must not be made. 413 for a request larger than Kafka takes.
    pub(crate) async fn acknowledge(&self, draft: &Draft) -> Result<(), Problem> {
        let body = draft.request.lock().bytes();
        let event = intent_of(&asked(draft, body, now_us(), self.limit_bytes), NAME);
        let prepared = encoded(&event).map_err(|error| {
            tracing::error!(error, "an intent could not be made");
            Problem::internal("the intent of this call could not be recorded, so the call was not made")
        })?;
        let pending = self.delivery.queue(&prepared).map_err(not_made)?;
        match tokio::time::timeout(self.timeout, self.delivery.acknowledged(pending)).await {
            Ok(result) => result.map_err(not_made),
            Err(_) => Err(not_made(Problem::unavailable(""))),
        }
    }
}

fn not_made(cause: Problem) -> Problem {
    if cause.status == http::StatusCode::PAYLOAD_TOO_LARGE.as_u16() {
        return cause;
    }
    Problem::unavailable(
        "the audit log did not acknowledge the intent of this call, and the application's policy is fail_closed: \
         the provider was not called",
    )
    .with_retry_after(RETRY_AFTER_S)
}
