//! Fail closed: whatever goes wrong with an event's texts, nothing of them is stored.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::draft::DraftError;

/// What `draft` makes, or why it made nothing, in words that hold nothing of the event.
///
/// A defect that panics is a failure like any other. It would come again for the same event, on every processor, and
/// stop the shard; its own words are not kept, for they may quote the text it fell over.
pub(crate) fn fail_closed<T>(draft: impl FnOnce() -> Result<T, DraftError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(draft)) {
        Ok(Ok(drafted)) => Ok(drafted),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("drafting the record failed by a defect of this program".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use aal_redact::RedactError;

    use super::*;

    #[test]
    fn a_defect_is_a_failure_and_its_words_are_not_kept() {
        let text = "jane.roe@example.org".to_owned();
        let failed: Result<(), String> = fail_closed(|| panic!("cannot read {text}"));
        let reason = failed.unwrap_err();
        assert!(!reason.contains("jane") && !reason.is_empty(), "{reason}");
        let failed: Result<(), String> = fail_closed(|| Err(RedactError::TooMuchWork.into()));
        assert_eq!(failed.unwrap_err(), RedactError::TooMuchWork.to_string());
        assert_eq!(fail_closed(|| Ok(7)), Ok(7));
    }
}
