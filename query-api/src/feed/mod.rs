//! The live feed: records as they are stored, over a WebSocket.

mod hub;
mod matching;
mod socket;

pub(crate) use hub::{Hub, run_poller};
pub(crate) use socket::{serve, upgrade_required};
