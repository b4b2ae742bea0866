//! What a body is, and which redaction it gets.

use super::budget::Budget;
use super::document::Tree;
use super::edits::settle;
use super::json;
use super::stream::{line_frames, redact_frames, sse_frames};
use super::{RedactError, Redacted};
use crate::detector::Detector;
use crate::placeholder_token::TokenMaker;

/// The form of a body.
#[derive(Debug)]
enum Form {
    Json(Tree),
    EventStream,
    JsonLines,
    Text,
}

pub(super) fn redact(
    detector: &Detector,
    body: &[u8],
    content_type: &str,
    tokens: &impl TokenMaker,
    budget: &Budget,
) -> Result<Redacted, RedactError> {
    let text = std::str::from_utf8(body).map_err(|_| RedactError::Binary)?;
    if text.contains('\0') {
        return Err(RedactError::Binary);
    }
    let form = form_of(text, content_type)?;
    // The document was parsed to see that it is one.
    let mut parsed = match &form {
        Form::Json(tree) => Some(tree),
        _ => None,
    };
    settle(detector, tokens, budget, text, |pass, current| match form {
        Form::Json(_) => match parsed.take() {
            Some(tree) => json::redact_parsed(pass, current, tree),
            None => json::redact_document(pass, current),
        },
        Form::EventStream => redact_frames(pass, &sse_frames(current)),
        Form::JsonLines => redact_frames(pass, &line_frames(current)),
        Form::Text => {
            pass.text(0, current, 0, "", "");
            Ok(())
        }
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
    let mut tree = Tree::default();
    match tree.parse(text) {
        Ok(()) => Ok(Form::Json(tree)),
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
        .is_some_and(|line| line.starts_with('{') && Tree::default().parse(line).is_ok());
    first_is_document && lines.next().is_some()
}
