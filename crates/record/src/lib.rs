//! Turns one consumed event into the record that is stored: parse, price, redact, seal, header, leaf.
//!
//! Pure: the same event with the same versions and keys gives the same record, whoever makes it and
//! whenever. [`Draft`] is everything but the record's place; [`Draft::place`] adds place and chain links.

mod content;
mod details;
mod draft;
mod exchange;
mod failure;
mod header;
mod owner;
mod pipeline;
mod place;
mod pointers;
mod sealing;
mod special;
mod system;
mod terms;
mod texts;

pub use draft::{Draft, Templates, draft_event};
pub use header::{Estimate, Header};
pub use owner::{Owner, Owners, SubjectKey, owners};
pub use pipeline::Pipeline;
pub use place::{Place, PlaceError, Record};
pub use special::{Seen, conflict_or_duplicate, gap, rejected};

/// Template slot of the request body.
pub const SLOT_REQUEST: u16 = 0;
/// Template slot of the response body.
pub const SLOT_RESPONSE: u16 = 1;
/// Template slot of the text that full-text search reads.
pub const SLOT_SEARCH: u16 = 2;
/// Template slot of the attributes.
pub const SLOT_ATTRIBUTES: u16 = 3;
/// Sealed slot of the request body where whole texts are sealed.
pub const SLOT_SEALED_REQUEST: u16 = 4;
/// Sealed slot of the response body where whole texts are sealed.
pub const SLOT_SEALED_RESPONSE: u16 = 5;
/// Slot of the free texts among the attributes where they are sealed or committed to.
pub const SLOT_DETAILS: u16 = 6;
/// Sealed slot of the user's e-mail address.
pub const SLOT_USER_EMAIL: u16 = 8;
/// Sealed slot of the user's IP address.
pub const SLOT_IP_ADDRESS: u16 = 9;
/// Sealed slot of the subject's e-mail address.
pub const SLOT_SUBJECT_EMAIL: u16 = 10;
/// First sealed slot of removed values, one value each.
pub const SLOT_FIRST_VALUE: u16 = 16;
/// How many removed values have a slot of their own.
pub const MOST_VALUE_SLOTS: usize = 64;
/// Sealed slot that packs the removed values past [`MOST_VALUE_SLOTS`].
pub const SLOT_OVERFLOW: u16 = 4095;
