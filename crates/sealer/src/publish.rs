//! Tells others of sealed epochs, in the background: witnesses and timestamping authorities. Nothing here ever delays an
//! epoch, and nothing they answer is believed without its signature.

mod timestamps;
mod witnesses;

pub use timestamps::{Authority, StampError, Timestamping};
pub use witnesses::{Alarm, Peer, Round, Witnessing, peers_of};
