//! What happens to one kind of value.

use serde::{Deserialize, Serialize};

/// What happens to a value that was found in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// Replaced by a placeholder and sealed under the person's key.
    #[default]
    Seal,
    /// Replaced by a placeholder; the value is gone.
    Destroy,
    /// Left in the text.
    Keep,
}
