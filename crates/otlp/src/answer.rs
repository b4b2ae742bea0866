//! What the exporter is told, in the encoding it spoke (OTLP specification, "OTLP/HTTP Response").

use prost::Message;
use serde_json::json;

use crate::map::Mapped;

/// Rejections whose reason is told; the count tells of all.
const MAX_REASONS: usize = 5;

#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// How many spans were rejected, and why: sending them again would not help.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub rejected_spans: i64,
    #[prost(string, tag = "2")]
    pub error_message: String,
}

/// `google.rpc.Status`, the body of every answer that is no success.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The partial success to report; none when nothing was rejected. Ignored spans are none of ours, and not rejected.
pub fn partial_success(mapped: &Mapped) -> Option<PartialSuccess> {
    if mapped.rejected.is_empty() {
        return None;
    }
    let reasons = mapped.rejected.iter().take(MAX_REASONS).map(|rejection| {
        let span = rejection.span_id.as_deref().unwrap_or("of unknown id");
        format!("span {span}: {}", rejection.reason)
    });
    let mut message = reasons.collect::<Vec<_>>().join("; ");
    if let Some(more) = mapped
        .rejected
        .len()
        .checked_sub(MAX_REASONS)
        .filter(|more| *more > 0)
    {
        message.push_str(&format!("; and {more} more"));
    }
    Some(PartialSuccess {
        rejected_spans: i64::try_from(mapped.rejected.len()).unwrap_or(i64::MAX),
        error_message: message,
    })
}

/// The body of a 200 in protobuf.
pub fn success_protobuf(partial: Option<PartialSuccess>) -> Vec<u8> {
    ExportResponse {
        partial_success: partial,
    }
    .encode_to_vec()
}

/// The body of a 200 in JSON; a 64-bit number is text there.
pub fn success_json(partial: Option<PartialSuccess>) -> Vec<u8> {
    let body = match partial {
        None => json!({}),
        Some(partial) => json!({ "partialSuccess": {
            "rejectedSpans": partial.rejected_spans.to_string(),
            "errorMessage": partial.error_message,
        }}),
    };
    body.to_string().into_bytes()
}

/// The body of an answer that is no success, in protobuf. `http_status` is that of the answer.
pub fn failure_protobuf(http_status: u16, message: &str) -> Vec<u8> {
    let message = message.to_owned();
    Status {
        code: rpc_code(http_status),
        message,
    }
    .encode_to_vec()
}

/// The body of an answer that is no success, in JSON.
pub fn failure_json(http_status: u16, message: &str) -> Vec<u8> {
    json!({ "code": rpc_code(http_status), "message": message })
        .to_string()
        .into_bytes()
}

/// The code of `google.rpc.Code` that goes with an HTTP status.
fn rpc_code(http_status: u16) -> i32 {
    match http_status {
        401 => 16,
        403 => 7,
        404 => 5,
        413 | 429 => 8,
        400..=499 => 3,
        503 => 14,
        _ => 13,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rejection;

    #[test]
    fn rejections_are_counted_all_and_told_a_few() {
        let rejected = (0..7).map(|n| Rejection {
            span_id: Some(format!("{n:016x}")),
            reason: "too big".to_owned(),
        });
        let mapped = Mapped {
            rejected: rejected.collect(),
            ignored: 3,
            ..Mapped::default()
        };
        let partial = partial_success(&mapped).unwrap();
        assert_eq!(partial.rejected_spans, 7);
        assert!(
            partial
                .error_message
                .ends_with("span 0000000000000004: too big; and 2 more")
        );
        let json: serde_json::Value = serde_json::from_slice(&success_json(Some(partial.clone()))).unwrap();
        assert_eq!(json["partialSuccess"]["rejectedSpans"], "7");
        let read = ExportResponse::decode(success_protobuf(Some(partial.clone())).as_slice()).unwrap();
        assert_eq!(read.partial_success, Some(partial));
    }

    #[test]
    fn full_success_is_an_empty_message() {
        assert_eq!(
            partial_success(&Mapped {
                ignored: 9,
                ..Mapped::default()
            }),
            None
        );
        assert!(success_protobuf(None).is_empty());
        assert_eq!(success_json(None), b"{}");
    }

    #[test]
    fn a_failure_is_a_status() {
        let status = Status::decode(failure_protobuf(503, "later").as_slice()).unwrap();
        assert_eq!((status.code, status.message.as_str()), (14, "later"));
        assert_eq!(failure_json(413, "big"), br#"{"code":8,"message":"big"}"#);
    }
}
