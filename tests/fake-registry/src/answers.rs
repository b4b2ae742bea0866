//! What the registry says.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::State;

/// A status and a JSON body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

pub(crate) fn failure(status: u16, error_code: u32, message: &str) -> Answer {
    let body = json!({"error_code": error_code, "message": message});
    Answer { status, body }
}

fn success(body: Value) -> Answer {
    Answer { status: 200, body }
}

pub(crate) fn fetched(state: &State, id: &str) -> Answer {
    let index = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
    match index.and_then(|index| state.schemas.get(index)) {
        Some(answer) => success(answer.clone()),
        None => failure(404, 40_403, &format!("Schema {id} not found")),
    }
}

pub(crate) fn registered(id: u32) -> Answer {
    success(json!({ "id": id }))
}

/// Whether the schema in `body` is registered under the subject.
pub(crate) fn found(state: &State, subject: &str, body: &[u8]) -> Answer {
    let Some(versions) = state.subjects.get(subject) else {
        return failure(404, 40_401, &format!("Subject '{subject}' not found."));
    };
    let sent: Value = serde_json::from_slice(body).unwrap_or_default();
    let version = versions
        .iter()
        .position(|id| state.schemas[*id as usize - 1]["schema"] == sent["schema"]);
    match version {
        None => failure(404, 40_403, "Schema not found"),
        Some(index) => success(json!({
            "subject": subject,
            "version": index + 1,
            "id": versions[index],
            "schema": sent["schema"],
        })),
    }
}

pub(crate) fn page(status: u16, body: String) -> Response<Full<Bytes>> {
    response(status, "text/html", body)
}

pub(crate) fn response(status: u16, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
