//! What is sent: the demo's events, the same in every run.

use aal_demo::{Demo, DemoEntry};
use aal_event::{Event, encode, parse_json};
use serde_json::Value;
use uuid::Uuid;

use crate::Failure;

/// The demo's month ends here: 2026-01-01T00:00:00Z, in microseconds, so that no run depends on the clock.
const END_US: i64 = 1_767_225_600_000_000;
/// The size that the promise of 20 ms is about.
const DEFAULT_PROOF_LEAVES: u64 = 10_000_000;
const DEFAULT_ROWS: u64 = 1_000_000;
const FEWEST_ROWS: u64 = 10_000;

/// The application that the events are sent as.
pub(crate) const APPLICATION: &str = "bench";

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Rows in the table that pages and metrics are read from.
    pub(crate) rows: u64,
    /// Events that each stage of the pipeline takes.
    pub(crate) events: u64,
    /// Leaves of the trees that proofs are made in.
    pub(crate) proof_leaves: u64,
}

impl Sizes {
    /// Rows from AAL_BENCH_EVENTS; a tenth of that, between 2,500 and 50,000, goes through each stage.
    pub(crate) fn from_environment() -> Result<Sizes, Failure> {
        let number = |name: &str, default: u64| match std::env::var(name) {
            Ok(text) => text
                .parse()
                .map_err(|_| format!("{name} must be a number, not {text:?}")),
            Err(_) => Ok(default),
        };
        let rows = number("AAL_BENCH_EVENTS", DEFAULT_ROWS)?;
        if rows < FEWEST_ROWS {
            return Err(format!("AAL_BENCH_EVENTS must be at least {FEWEST_ROWS}").into());
        }
        Ok(Sizes {
            rows,
            events: (rows / 10).clamp(2_500, 50_000),
            proof_leaves: number("AAL_BENCH_PROOF_LEAVES", DEFAULT_PROOF_LEAVES)?.max(1),
        })
    }
}

/// One event as an application sends it.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) event_id: Uuid,
    /// The body of `POST /api/v1/audit/log`.
    pub(crate) body: String,
}

/// One event as it lies in Kafka.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
}

/// The demo's decisions of a seed; another seed gives other event ids.
pub(crate) fn events(seed: u64, count: u64) -> Vec<Input> {
    let decisions = Demo::new(seed, count, END_US).filter_map(|item| match item.entry {
        DemoEntry::Event { event_id, body } => Some((event_id, body)),
        DemoEntry::Outcome { .. } => None,
    });
    let as_one_application = |(event_id, mut body): (Uuid, Value)| {
        body["application"] = Value::from(APPLICATION);
        Input {
            event_id,
            body: body.to_string(),
        }
    };
    decisions.map(as_one_application).collect()
}

/// The same events as the edge produces them: with tenant, edge time and a receipt of the right length.
pub(crate) fn messages(inputs: &[Input], tenant: Uuid, receipt: &str) -> Result<Vec<Message>, Failure> {
    let message = |input: &Input| -> Result<Message, Failure> {
        let event = Event {
            tenant,
            edge_at_us: Some(END_US),
            receipt: Some(receipt.to_owned()),
            ..event(input)?
        };
        Ok(Message {
            key: event.kafka_key(),
            value: encode(&event)?,
        })
    };
    inputs.iter().map(message).collect()
}

/// The event as the edge reads it.
pub(crate) fn event(input: &Input) -> Result<Event, Failure> {
    let body: Value = serde_json::from_str(&input.body)?;
    parse_json(body).map_err(|errors| format!("the demo's event {}: {errors:?}", input.event_id).into())
}
