//! The evidence bundle's form: reading it in one pass from any [`std::io::Read`], writing it to any
//! [`std::io::Write`]. `docs/evidence-bundle.md` specifies every byte; each module names its section.
//!
//! What a bundle proves is judged by `aal-verify`. Architecture invariant: no clock, no randomness, no tokio, no
//! network and no file system here; the same facts give the same bytes.

pub mod archive;
pub mod entry;
pub mod erased;
pub mod error;
pub mod filter;
pub mod limits;
pub mod manifest;
pub mod member;
pub mod parts;
pub mod plan;
pub mod scope;
mod tar;
pub mod writer;

pub use archive::{Archive, Member};
pub use entry::{Entry, EntryView, Opening, Sealed};
pub use error::{FormError, ReadError, WriteError};
pub use filter::{Filter, FilterError};
pub use manifest::{BundleManifest, Counts, MemberDigest};
pub use member::MemberKind;
pub use parts::{HeadLine, split_packed};
pub use scope::{Disclosure, EpochRange, Scope};
pub use writer::{BundleWriter, CheckpointFiles, Summary, WriteLimits};
