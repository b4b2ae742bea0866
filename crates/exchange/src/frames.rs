//! Streams cut into their events: server-sent events and JSON lines.

use serde_json::Value;

use crate::coalesce::joined;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    /// Name of the event; empty when the stream names none.
    pub(crate) event: String,
    pub(crate) data: Value,
}

/// The events of a stream, as far as it came.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Frames {
    pub(crate) frames: Vec<Frame>,
    /// The literal `[DONE]` that ends OpenAI's streams was seen.
    pub(crate) done: bool,
    /// Bytes at the end that are no whole event.
    pub(crate) cut: bool,
}

/// Whether bytes look like server-sent events.
pub(crate) fn looks_like_sse(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let starts: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
    starts.iter().any(|prefix| start.starts_with(prefix))
}

/// Server-sent events (WHATWG HTML, 9.2.6) whose data are JSON documents.
///
/// Lines may end in LF, CR LF or CR. A last event without its blank line counts when its data is whole.
pub(crate) fn sse(text: &str) -> Frames {
    let mut out = Frames::default();
    let mut event = String::new();
    let mut data = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        // Both ends are ASCII, so the positions are character boundaries.
        let end = memchr::memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
        let line = &rest[..end];
        let after = &rest[end..];
        rest = after
            .strip_prefix("\r\n")
            .unwrap_or(after.get(1..).unwrap_or_default());
        if line.is_empty() {
            out.dispatch(&mut event, &mut data);
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if !data.is_empty() {
                    data.push('\n');
                }
                data.push_str(value);
            }
            "event" => value.clone_into(&mut event),
            _ => {}
        }
    }
    out.dispatch(&mut event, &mut data);
    out
}

impl Frames {
    fn dispatch(&mut self, event: &mut String, data: &mut String) {
        if data.trim() == "[DONE]" {
            self.done = true;
        } else if !data.is_empty() {
            let last = self.frames.last_mut().filter(|last| last.event == *event);
            if last.is_some_and(|last| joined(&mut last.data, data)) {
                event.clear();
                data.clear();
                return;
            }
            match serde_json::from_str(data) {
                Ok(value) => self.frames.push(Frame {
                    event: std::mem::take(event),
                    data: value,
                }),
                Err(_) => self.cut = true,
            }
        }
        event.clear();
        data.clear();
    }
}

/// JSON documents one a line, or the elements of one JSON array.
pub(crate) fn json_lines(text: &str) -> Frames {
    let mut out = Frames::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match serde_json::from_str(line) {
            Ok(data) => out.frames.push(Frame {
                event: String::new(),
                data,
            }),
            Err(_) => out.cut = true,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn line_endings_comments_and_several_data_lines_are_understood() {
        for end in ["\n", "\r\n", "\r"] {
            let text = [
                ": hello",
                "event: a",
                "data: {\"x\":",
                "data: 1}",
                "",
                "data: [DONE]",
                "",
                "",
            ]
            .join(end);
            let frames = sse(&text);
            assert_eq!(
                frames.frames,
                [Frame {
                    event: "a".into(),
                    data: json!({"x": 1})
                }],
                "{end:?}"
            );
            assert!(frames.done && !frames.cut);
        }
    }

    #[test]
    fn a_broken_last_event_is_marked_cut() {
        let frames = sse("data: {\"x\":1}\n\ndata: {\"x\":");
        assert_eq!(frames.frames.len(), 1);
        assert!(frames.cut && !frames.done);
    }

    #[test]
    fn json_lines_stop_counting_at_a_torn_line() {
        let frames = json_lines("{\"a\":1}\n\n{\"a\":2}\n{\"a\"");
        assert_eq!(frames.frames.len(), 2);
        assert!(frames.cut);
    }
}
