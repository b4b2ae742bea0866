//! Health information is read for a purpose, and the purpose is recorded (45 CFR 164.312(b), 164.528).

use aal_policy::{PURPOSES, is_purpose};
use aal_service::Problem;
use http::StatusCode;

use crate::call::wrong;

fn list() -> String {
    format!("one of {}", PURPOSES.join(", "))
}

/// The purpose of a read. Where there is health information none is 428, with what to do.
pub(crate) fn stated(purpose: Option<&str>, is_phi: bool) -> Result<Option<&str>, Problem> {
    match purpose {
        Some(purpose) if is_purpose(purpose) => Ok(Some(purpose).filter(|_| is_phi)),
        Some(_) => Err(wrong("purpose", &list())),
        None if is_phi => {
            let detail = "this record holds health information: say what it is read for, with the parameter purpose; \
                          the purpose is recorded";
            let problem = Problem::new(
                "purpose-required",
                "Purpose of use required",
                StatusCode::PRECONDITION_REQUIRED,
                detail,
            );
            Err(problem.with_error("?purpose", format!("must be {}", list())))
        }
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_information_needs_a_known_purpose_and_other_records_none() {
        assert_eq!(stated(Some("treatment"), true).unwrap(), Some("treatment"));
        assert_eq!(stated(Some("treatment"), false).unwrap(), None);
        assert_eq!(stated(None, false).unwrap(), None);
        let problem = stated(None, true).unwrap_err();
        assert_eq!(problem.status, 428);
        assert!(problem.errors[0].message.contains("treatment"), "{problem:?}");
        assert_eq!(stated(Some("curiosity"), true).unwrap_err().status, 400);
        assert_eq!(stated(Some("curiosity"), false).unwrap_err().status, 400);
    }
}
