//! What a service tells the ledger of itself and of what it found: signs of life, changes of configuration, clock
//! steps, incidents. Each is an ordinary message of the events topic, which the processor chains like any other.
//!
//! Nothing is told twice by mistake: an id follows from what is told and from the last thing of its kind that the
//! ledger holds, so that a second telling (after a crash, or by a second service) is recorded as a duplicate.

mod changes;
mod incidents;
mod tell;

pub use changes::{Change, digest_of};
pub use incidents::{Incident, Incidents, MAX_OPEN};
pub use tell::{Shard, TellError, Teller};
