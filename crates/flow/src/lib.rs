//! Decides what a processor does next with one shard. Facts in, decision out: no I/O, no clock, no tokio.
//!
//! The rules are those of ARCHITECTURE.md, "exactly once": the store is the truth for progress; an insert's
//! success proves nothing until the block was read back and compared; whoever finds another's block in its
//! place drops all state and reads the head again.

mod clock;
mod gaps;
mod linger;
mod shard;

pub use clock::ClockWatch;
pub use gaps::{Placement, Start, StartError, placement, start};
pub use linger::linger_ms;
pub use shard::{Decision, Fact, Halt, InsertAnswer, Shard};
