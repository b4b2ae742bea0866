//! What is stored of a text, and of which texts that can be said.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is stored of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentMode {
    /// The text in the clear and searchable, personal spans sealed.
    #[default]
    Redacted,
    /// The whole text sealed, personal spans sealed one by one besides.
    Sealed,
    /// A salted commitment only.
    Digest,
}

impl ContentMode {
    /// The name in JSON, in headers and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redacted => "redacted",
            Self::Sealed => "sealed",
            Self::Digest => "digest",
        }
    }
}

impl FromStr for ContentMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Redacted, Self::Sealed, Self::Digest]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a content mode; use redacted, sealed or digest"))
    }
}

/// A text of an event whose storage can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The request's body.
    RequestBody,
    /// The response's body.
    ResponseBody,
    /// Free texts beside them: metadata, tags, the error's message, the note of an outcome.
    Details,
}
