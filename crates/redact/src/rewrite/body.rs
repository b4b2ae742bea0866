//! What a body is, and which redaction it gets.

use super::edits::{Pass, settle};
use super::json;
use super::stream::{line_frames, redact_frames, sse_frames};
use super::{RedactError, Redacted};
use crate::detector::Detector;
use crate::placeholder_token::TokenMaker;

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    EventStream,
    JsonLines,
    Text,
}

pub(super) fn redact(
    detector: &Detector,
    body: &[u8],
    content_type: &str,
    tokens: &impl TokenMaker,
) -> Result<Redacted, RedactError> {
    let text = std::str::from_utf8(body).map_err(|_| RedactError::Binary)?;
    if text.contains('\0') {
        return Err(RedactError::Binary);
    }
    let form = form_of(text, content_type)?;
    settle(text, |current| {
        let mut pass = Pass::new(detector, tokens);
        match form {
            Form::Json => json::redact_document(&mut pass, current, 0, "")?,
            Form::EventStream => redact_frames(&mut pass, &sse_frames(current))?,
            Form::JsonLines => redact_frames(&mut pass, &line_frames(current))?,
            Form::Text => pass.text(current, 0, "", ""),
        }
        Ok(pass)
    })
}

/// The body decides; the content type settles what could be several things.
fn form_of(text: &str, content_type: &str) -> Result<Form, RedactError> {
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let trimmed = text.trim_start();
    let looks_like_events = ["data:", "event:", "id:", "retry:", ":"]
        .iter()
        .any(|field| trimmed.starts_with(field));
    if kind == "text/event-stream"
        || (looks_like_events && trimmed.contains("\ndata:"))
        || trimmed.starts_with("data: {")
    {
        return Ok(Form::EventStream);
    }
    let may_be_json = trimmed.starts_with(['{', '[', '"', '-'])
        || trimmed.starts_with(|first: char| first.is_ascii_digit());
    if !may_be_json {
        return Ok(Form::Text);
    }
    match json::leaves(text) {
        Ok(_) => Ok(Form::Json),
        Err(RedactError::TooDeep) => Err(RedactError::TooDeep),
        Err(_) if starts_with_json_lines(text) => Ok(Form::JsonLines),
        // Cut off or damaged: still text, and scanned as such.
        Err(_) => Ok(Form::Text),
    }
}

/// Whether the first line is a whole document and another follows.
fn starts_with_json_lines(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first_is_document = lines
        .next()
        .is_some_and(|line| line.starts_with('{') && json::leaves(line).is_ok());
    first_is_document && lines.next().is_some()
}
