//! `audit erase`: what the query API's calls about erasure do, for scripts. Answers are printed as they came.

use std::process::ExitCode;

use serde_json::json;

use crate::{
    api::{Api, ApiError},
    cli::{EraseAction, EraseArguments},
};

/// `audit erase`.
pub async fn run(arguments: EraseArguments) -> Result<ExitCode, ApiError> {
    let service = Api::new(&arguments.api).await?;
    let answer = match arguments.action {
        EraseAction::Request {
            subject,
            tenant,
            kind,
            identity_check,
            reason,
        } => {
            let path = format!("/api/v1/subjects/{}/erasure", segment(&subject));
            let body =
                json!({"tenant": tenant, "kind": kind, "identity_check": identity_check, "reason": reason});
            service.call(&path, Some(&body)).await?
        }
        EraseAction::Status { erasure: None } => service.call("/api/v1/erasures?limit=200", None).await?,
        EraseAction::Status { erasure: Some(id) } => {
            service.call(&format!("/api/v1/erasures/{id}"), None).await?
        }
        EraseAction::Override { erasure, reason } => {
            let path = format!("/api/v1/erasures/{erasure}/override");
            service.call(&path, Some(&json!({ "reason": reason }))).await?
        }
        EraseAction::Certificate { erasure, note } => {
            let format = if note { "note" } else { "json" };
            let path = format!("/api/v1/erasures/{erasure}/certificate?format={format}");
            service.call(&path, None).await?
        }
    };
    Ok(print_answer(&answer))
}

/// Prints an answer as it came, with an end of line.
pub(crate) fn print_answer(answer: &str) -> ExitCode {
    print!("{answer}");
    if !answer.ends_with('\n') {
        println!();
    }
    ExitCode::SUCCESS
}

/// An id as one segment of a path: everything but letters, digits and `-._~` percent-encoded.
fn segment(id: &str) -> String {
    let mut text = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment() {
        assert_eq!(segment("a/b c?d#e"), "a%2Fb%20c%3Fd%23e");
        assert_eq!(segment("m\u{fc}ller@x"), "m%C3%BCller%40x");
        assert_eq!(segment("customer-1._~"), "customer-1._~");
    }
}
