//! AWS event-stream frames, as Bedrock streams them (smithy.io, "Amazon Event Stream Specification").

use bytes::{BufMut, Bytes, BytesMut};

const STRING: u8 = 7;
const PRELUDE_BYTES: usize = 8;
const CRC_BYTES: usize = 4;

/// One frame with the headers of an event and a JSON payload.
pub(crate) fn event(kind: &str, payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::new();
    for (name, value) in [
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ] {
        // Header names and values here are short constants, far below these prefixes' limits.
        headers.put_u8(name.len() as u8);
        headers.put_slice(name.as_bytes());
        headers.put_u8(STRING);
        headers.put_u16(value.len() as u16);
        headers.put_slice(value.as_bytes());
    }
    let total = PRELUDE_BYTES + CRC_BYTES + headers.len() + payload.len() + CRC_BYTES;
    let mut frame = BytesMut::with_capacity(total);
    frame.put_u32(total as u32);
    frame.put_u32(headers.len() as u32);
    frame.put_u32(crc32fast::hash(&frame));
    frame.put_slice(&headers);
    frame.put_slice(payload);
    frame.put_u32(crc32fast::hash(&frame));
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn a_frame_is_what_bedrock_sends() {
        // From a recorded exchange with amazon.nova-lite-v1.
        let recorded = "AAAAkQAAAFIMIeERCzpldmVudC10eXBlBwAMbWVzc2FnZVN0YXJ0DTpjb250ZW50LXR5cGUHABBhcHBsaWNhdGlvbi9qc29u\
            DTptZXNzYWdlLXR5cGUHAAVldmVudHsicCI6ImFiY2RlZmdoaWprbG1ub3BxcnN0Iiwicm9sZSI6ImFzc2lzdGFudCJ9vw+WSA==";
        let payload = br#"{"p":"abcdefghijklmnopqrst","role":"assistant"}"#;
        assert_eq!(STANDARD.encode(event("messageStart", payload)), recorded);
    }
}
