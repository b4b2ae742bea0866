//! Why a bundle cannot be read or written.

use std::io;

use crate::filter::FilterError;

/// The bytes are no bundle of version 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("the file is empty")]
    Empty,
    #[error("the file does not begin with the header of scope.json, so it is no evidence bundle")]
    NoBundle,
    #[error("the file ends in the middle of {0}")]
    Truncated(String),
    #[error("{0} bytes or more follow the end of the archive")]
    TrailingBytes(usize),
    #[error("the archive's end is not 1024 zero bytes")]
    End,
    #[error("header at byte {0} is not the one header of a name and a size")]
    Header(u64),
    #[error("{0:?} is no name of a member")]
    Name(String),
    #[error("{found} cannot follow {after}")]
    Order { after: String, found: String },
    #[error("the archive ends after {0}, before manifest.json")]
    Unfinished(String),
    #[error("{name} has {size} bytes, at most {max} are allowed")]
    TooLong { name: String, size: u64, max: u64 },
    #[error("the bundle has more than {0} members")]
    TooManyMembers(usize),
    #[error("padding after {0} is not zeros")]
    Padding(String),
    #[error("{name}: {problem}")]
    Content { name: String, problem: String },
    #[error("record entry {number} of {name}: {problem}")]
    Entry {
        name: String,
        /// From 0 within the member.
        number: u64,
        problem: &'static str,
    },
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Form(#[from] FormError),
    #[error("the bundle cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Why no bundle was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the bundle cannot be written: {0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Form(#[from] FormError),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error("the bundle would have more than {limit} records; choose a shorter period")]
    TooManyRecords { limit: u64 },
    #[error(
        "the bundle would have more than {limit} bytes; choose a shorter period or hand over less content"
    )]
    TooManyBytes { limit: u64 },
    #[error("json cannot be written in its canonical form: {0}")]
    Json(String),
}

impl FormError {
    /// A member's content that is not as its section says.
    pub fn content(name: impl Into<String>, problem: impl ToString) -> FormError {
        FormError::Content {
            name: name.into(),
            problem: problem.to_string(),
        }
    }
}
