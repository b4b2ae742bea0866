//! What the edge answers.

use std::fmt;

use serde::Deserialize;
use uuid::Uuid;

/// Proof that the edge took an event: it is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Receipt {
    pub event_id: Uuid,
    /// One line, signed by the edge: event id, SHA-256 of the received bytes, the edge's time, key id, signature.
    pub receipt: String,
}

/// An RFC 9457 problem document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    pub r#type: String,
    pub title: String,
    pub detail: String,
    pub errors: Vec<FieldProblem>,
}

/// One thing that is wrong with the event.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct FieldProblem {
    /// RFC 6901 JSON pointer.
    pub pointer: String,
    pub message: String,
}

impl Problem {
    /// Reads a problem document; an answer that is none (a proxy's page, say) is quoted in `detail`.
    pub(crate) fn from_body(body: &[u8]) -> Self {
        const MOST_CHARS: usize = 300;
        serde_json::from_slice(body).unwrap_or_else(|_| {
            let detail = String::from_utf8_lossy(body).chars().take(MOST_CHARS).collect();
            Self {
                detail,
                ..Self::default()
            }
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headline = if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        };
        formatter.write_str(headline)?;
        for error in &self.errors {
            write!(formatter, "; {}: {}", error.pointer, error.message)?;
        }
        Ok(())
    }
}
