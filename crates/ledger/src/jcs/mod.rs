//! Canonical JSON, RFC 8785, and the strict reading that headers need (ledger-format.md section 2.1).

mod members;
mod number;
mod strict;

use serde_json::Value;

pub use members::{Members, Raw};
pub use strict::{parse_canonical, parse_strict};

/// Deepest nesting of arrays and objects that is read or written.
pub const MAX_DEPTH: usize = 127;
/// Largest magnitude of a number that every JSON reader keeps exactly.
pub const MAX_SAFE_INTEGER: u64 = 1 << 53;

/// Why JSON has no canonical form, or is not in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JcsError {
    #[error("number {0} is beyond 2^53 and not exact everywhere; write it as a string")]
    Number(String),
    #[error("json is nested deeper than {MAX_DEPTH}")]
    Depth,
    #[error("not acceptable json: {0}")]
    Json(String),
    #[error("json is not in its canonical form, first difference at byte {0}")]
    NotCanonical(usize),
}

/// The RFC 8785 bytes of the value.
///
/// # Errors
/// On an integer beyond ±2^53 and on nesting beyond [`MAX_DEPTH`].
pub fn to_vec(value: &Value) -> Result<Vec<u8>, JcsError> {
    let mut out = Vec::new();
    write_value(value, 0, &mut out)?;
    Ok(out)
}

/// The RFC 8785 text of the value.
///
/// # Errors
/// As [`to_vec`].
pub fn to_string(value: &Value) -> Result<String, JcsError> {
    let bytes = to_vec(value)?;
    // Only UTF-8 was written, so nothing is replaced.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write_value(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), JcsError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => number::write(number, out)?,
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            check_depth(depth)?;
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_value(item, depth + 1, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            check_depth(depth)?;
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            // RFC 8785 §3.2.3 sorts by UTF-16 code units, which differs from UTF-8 order above U+FFFF.
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (position, (name, member)) in sorted.into_iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_string(name, out);
                out.push(b':');
                write_value(member, depth + 1, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn check_depth(depth: usize) -> Result<(), JcsError> {
    if depth >= MAX_DEPTH {
        Err(JcsError::Depth)
    } else {
        Ok(())
    }
}

/// RFC 8785 §3.2.2.2: the shortest escapes, and only where JSON demands one.
fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x0d => out.extend_from_slice(b"\\r"),
            0x00..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
