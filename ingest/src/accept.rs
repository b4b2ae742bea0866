//! From received bytes to a record for Kafka, or to a problem that names everything wrong. No I/O and no clock.

use aal_event::{AvroError, Event, FieldError, Kind, Limits, StrictError};
use aal_ledger::{NoteSigner, Receipt};
use aal_service::Problem;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{auth::Caller, clean::without_credentials, duplicate};

/// A client that gets everything wrong is not answered with megabytes.
const MAX_ERRORS: usize = 100;

/// A record ready for `audit.events`.
#[derive(Debug)]
pub struct Prepared {
    pub event_id: Uuid,
    /// The signed line the client gets once Kafka has the record.
    pub receipt: String,
    /// Tenant and session: what keeps a session in order.
    pub key: String,
    /// Avro, single-object encoded.
    pub value: Vec<u8>,
}

/// Why an event was not taken.
#[derive(Debug)]
pub struct Refusal {
    /// As far as it could be read.
    pub event_id: Option<Uuid>,
    /// Boxed, because the way of an accepted event should not carry room for it.
    pub problem: Box<Problem>,
}

/// Checks events and makes records of them.
#[derive(Debug)]
pub struct Acceptor {
    signer: NoteSigner,
    limits: Limits,
    event_bytes: usize,
}

impl Acceptor {
    /// `event_bytes` is the longest JSON text of one event.
    pub fn new(signer: NoteSigner, event_bytes: usize) -> Self {
        // A body cannot be longer than the event it is part of, so the event's own limit is the one people meet.
        Self {
            signer,
            limits: Limits {
                body_bytes: event_bytes,
                ..Limits::DEFAULT
            },
            event_bytes,
        }
    }

    /// What an event must keep.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Prepares an event that was made here, of a span, and checked when it was. Its receipt's digest is that of the
    /// event's own content ([`aal_event::content_bytes`]), for there is no JSON text of it.
    ///
    /// # Errors
    /// A refusal with every error of the event.
    pub fn mapped(&self, event: Event, caller: &Caller, edge_at_us: i64) -> Result<Prepared, Refusal> {
        let event_id = event.event_id;
        let event = Event {
            tenant: caller.tenant,
            ..event
        };
        let content = aal_event::content_bytes(&event).map_err(|error| not_encoded(event_id, &error))?;
        self.sign(event, &content, edge_at_us)
    }

    /// Prepares the JSON text of one event. `new_id` is used when the event names none.
    ///
    /// # Errors
    /// A refusal with every error of the event: 400, 403 for another application, 413.
    pub fn event(
        &self,
        body: &[u8],
        caller: &Caller,
        new_id: Uuid,
        edge_at_us: i64,
    ) -> Result<Prepared, Refusal> {
        let value = self.parse(body).map_err(|problem| Refusal {
            event_id: None,
            problem: problem.into(),
        })?;
        let event_id = claimed_id(&value);
        let refuse = |problem: Problem| Refusal {
            event_id,
            problem: problem.into(),
        };
        let mut event = aal_event::parse_json(value).map_err(|errors| refuse(validation(errors)))?;
        if *event.application != *caller.application {
            return Err(refuse(other_application(&event.application, caller)));
        }
        if event_id.is_none() {
            event.event_id = new_id;
        }
        if let Some(url) = event.request.as_mut().and_then(|request| request.url.as_mut())
            && let Some(cleaned) = without_credentials(url)
        {
            *url = cleaned;
        }
        self.finish(event, body, caller, edge_at_us)
    }

    /// Prepares what became of the event `target`. `outcome_id` is the outcome's own idempotency key.
    ///
    /// # Errors
    /// As [`Acceptor::event`].
    pub fn outcome(
        &self,
        body: &[u8],
        target: Uuid,
        outcome_id: Uuid,
        caller: &Caller,
        edge_at_us: i64,
    ) -> Result<Prepared, Refusal> {
        let refuse = |problem: Problem| Refusal {
            event_id: Some(outcome_id),
            problem: problem.into(),
        };
        let value = self.parse(body).map_err(refuse)?;
        let outcome =
            aal_event::parse_outcome_json(target, value).map_err(|errors| refuse(validation(errors)))?;
        let event = Event {
            kind: Kind::Outcome,
            event_id: outcome_id,
            application: caller.application.to_string(),
            outcome: Some(outcome),
            ..Event::default()
        };
        self.finish(event, body, caller, edge_at_us)
    }

    fn parse(&self, body: &[u8]) -> Result<Value, Problem> {
        if body.len() > self.event_bytes {
            let detail = format!(
                "the event has {} bytes, more than the limit of {}",
                body.len(),
                self.event_bytes
            );
            return Err(Problem::too_large(detail));
        }
        aal_event::parse_strict(body).map_err(|error| match error {
            StrictError::NotUtf8(_) => Problem::bad_request(error.to_string()),
            StrictError::Syntax(_) if body.iter().all(u8::is_ascii_whitespace) => {
                Problem::bad_request("the body is empty; send one JSON object")
            }
            StrictError::Syntax(_) => match duplicate::find(body) {
                Some(pointer) => Problem::validation("the event has a key twice").with_error(
                    pointer,
                    "occurs twice in one object; two readers may each believe a different one",
                ),
                None => Problem::bad_request(error.to_string()),
            },
        })
    }

    /// `content` is what the receipt is for.
    fn finish(
        &self,
        mut event: Event,
        content: &[u8],
        caller: &Caller,
        edge_at_us: i64,
    ) -> Result<Prepared, Refusal> {
        let event_id = event.event_id;
        let refuse = |problem: Problem| Refusal {
            event_id: Some(event_id),
            problem: problem.into(),
        };
        event.tenant = caller.tenant;
        let errors = aal_event::validate(&event, &self.limits);
        if !errors.is_empty() {
            return Err(refuse(validation(errors)));
        }
        self.sign(event, content, edge_at_us)
    }

    /// Adds what the edge knows, and encodes.
    fn sign(&self, mut event: Event, content: &[u8], edge_at_us: i64) -> Result<Prepared, Refusal> {
        let event_id = event.event_id;
        let receipt =
            Receipt::sign(event_id, Sha256::digest(content).into(), edge_at_us, &self.signer).to_string();
        event.edge_at_us = Some(edge_at_us);
        event.receipt = Some(receipt.clone());
        let value = aal_event::encode(&event).map_err(|error| not_encoded(event_id, &error))?;
        Ok(Prepared {
            event_id,
            receipt,
            key: event.kafka_key(),
            value,
        })
    }
}

fn not_encoded(event_id: Uuid, error: &AvroError) -> Refusal {
    tracing::error!(%error, %event_id, "an event that passed the checks does not encode");
    Refusal {
        event_id: Some(event_id),
        problem: Problem::internal("the event could not be encoded").into(),
    }
}

fn claimed_id(value: &Value) -> Option<Uuid> {
    value.get("event_id")?.as_str()?.parse().ok()
}

fn validation(errors: Vec<FieldError>) -> Problem {
    let count = errors.len();
    let detail = match count {
        1 => "the event has 1 error".to_owned(),
        _ if count > MAX_ERRORS => format!("the event has {count} errors; the first {MAX_ERRORS} are listed"),
        _ => format!("the event has {count} errors"),
    };
    errors
        .into_iter()
        .take(MAX_ERRORS)
        .fold(Problem::validation(detail), |problem, error| {
            problem.with_error(error.pointer, error.message)
        })
}

fn other_application(named: &str, caller: &Caller) -> Problem {
    let message = format!(
        "this API key sends for {:?}, not for {:?}",
        caller.application,
        aal_event::shown_name(named)
    );
    Problem::forbidden("the event names an application that is not the API key's")
        .with_error("/application", message)
}
