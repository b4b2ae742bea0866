//! Anthropic messages.

use std::fmt::Write;

use super::{Call, pieces, quote};
use crate::rng::Rng;

pub fn request(call: &Call<'_>) -> String {
    let mut messages = String::new();
    for (asked, answered) in call.history {
        let _ = write!(
            messages,
            r#"{{"role":"user","content":{}}},{{"role":"assistant","content":{}}},"#,
            quote(asked),
            quote(answered)
        );
    }
    let _ = write!(
        messages,
        r#"{{"role":"user","content":{}}}"#,
        quote(call.question)
    );
    let cache = if call.cached_tokens + call.cache_written_tokens > 0 {
        r#","cache_control":{"type":"ephemeral"}"#
    } else {
        ""
    };
    let stream = if call.stream { r#","stream":true"# } else { "" };
    format!(
        r#"{{"max_tokens":2048,"messages":[{messages}],"model":{},"system":[{{"type":"text","text":{}{cache}}}]{stream}}}"#,
        quote(call.route.model),
        quote(call.system)
    )
}

pub fn response(call: &Call<'_>, rng: &mut Rng) -> String {
    format!(
        r#"{{"model":{},"id":"msg_01{}","type":"message","role":"assistant","content":[{{"type":"text","text":{}}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{}}}"#,
        quote(call.route.snapshot),
        rng.base62(22),
        quote(call.answer),
        usage(call, call.answer_tokens()),
    )
}

pub fn stream(call: &Call<'_>, rng: &mut Rng) -> String {
    let mut body = String::new();
    let _ = write!(
        body,
        "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"model\":{},\"id\":\"msg_01{}\",\
         \"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\
         \"usage\":{}}}}}\n\n\
         event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":\
         {{\"type\":\"text\",\"text\":\"\"}}}}\n\n\
         event: ping\ndata: {{\"type\": \"ping\"}}\n\n",
        quote(call.route.snapshot),
        rng.base62(22),
        usage(call, 1),
    );
    for piece in pieces(call.answer, rng) {
        let _ = write!(
            body,
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":\
             {{\"type\":\"text_delta\",\"text\":{}}}}}\n\n",
            quote(&piece)
        );
    }
    let _ = write!(
        body,
        "event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":0}}\n\n\
         event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\",\
         \"stop_sequence\":null}},\"usage\":{{\"output_tokens\":{}}}}}\n\n\
         event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n",
        call.answer_tokens(),
    );
    body
}

/// `input_tokens` leaves out what was read from the cache or written to it: that is Anthropic's way to count.
fn usage(call: &Call<'_>, output_tokens: u64) -> String {
    let written = call.cache_written_tokens;
    format!(
        r#"{{"input_tokens":{},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{},"cache_creation":{{"ephemeral_5m_input_tokens":{written},"ephemeral_1h_input_tokens":0}},"output_tokens":{output_tokens},"service_tier":"standard"}}"#,
        call.input_tokens() - call.cached_tokens - written,
        call.cached_tokens,
    )
}
