//! OpenAI responses.

use std::fmt::Write;

use super::{Call, pieces, quote};
use crate::rng::Rng;

pub fn request(call: &Call<'_>) -> String {
    let mut input = String::new();
    for (asked, answered) in call.history {
        let _ = write!(
            input,
            r#"{{"role":"user","content":{}}},{{"role":"assistant","content":{}}},"#,
            quote(asked),
            quote(answered)
        );
    }
    let _ = write!(input, r#"{{"role":"user","content":{}}}"#, quote(call.question));
    let reasoning = if call.route.reasons {
        r#","reasoning":{"effort":"medium"}"#
    } else {
        ""
    };
    let stream = if call.stream { r#","stream":true"# } else { "" };
    format!(
        r#"{{"model":{},"instructions":{},"input":[{input}]{reasoning},"store":false{stream}}}"#,
        quote(call.route.model),
        quote(call.system)
    )
}

/// Identifiers that run through all frames of one response.
struct Ids {
    response: String,
    reasoning: String,
    message: String,
}

impl Ids {
    fn new(rng: &mut Rng) -> Self {
        Self {
            response: format!("resp_{}", rng.hex(48)),
            reasoning: format!("rs_{}", rng.hex(48)),
            message: format!("msg_{}", rng.hex(48)),
        }
    }
}

pub fn response(call: &Call<'_>, rng: &mut Rng) -> String {
    let ids = Ids::new(rng);
    let output = output_items(call, &ids);
    object(call, &ids, "completed", &output, &usage(call))
}

fn output_items(call: &Call<'_>, ids: &Ids) -> String {
    let reasoning = if call.route.reasons {
        format!(r#"{{"id":"{}","type":"reasoning","summary":[]}},"#, ids.reasoning)
    } else {
        String::new()
    };
    format!(
        "{reasoning}{}",
        message(ids, "completed", &text_part(call.answer))
    )
}

fn message(ids: &Ids, status: &str, content: &str) -> String {
    format!(
        r#"{{"id":"{}","type":"message","status":"{status}","content":[{content}],"role":"assistant"}}"#,
        ids.message
    )
}

fn text_part(text: &str) -> String {
    format!(
        r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{}}}"#,
        quote(text)
    )
}

fn object(call: &Call<'_>, ids: &Ids, status: &str, output: &str, usage: &str) -> String {
    let effort = if call.route.reasons { r#""medium""# } else { "null" };
    format!(
        r#"{{"id":"{}","object":"response","created_at":{},"status":"{status}","background":false,"error":null,"incomplete_details":null,"instructions":{},"max_output_tokens":null,"model":{},"output":[{output}],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{{"effort":{effort},"summary":null}},"service_tier":"default","store":false,"temperature":1.0,"text":{{"format":{{"type":"text"}}}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":{usage},"user":null,"metadata":{{}}}}"#,
        ids.response,
        call.created_s,
        quote(call.system),
        quote(call.route.snapshot),
    )
}

pub fn stream(call: &Call<'_>, rng: &mut Rng) -> String {
    let ids = Ids::new(rng);
    let item = u8::from(call.route.reasons);
    let place = format!(
        r#""item_id":"{}","output_index":{item},"content_index":0"#,
        ids.message
    );
    let mut body = String::new();
    let mut number = 0_u32;
    let mut frame = |event: &str, rest: &str| {
        let _ = write!(
            body,
            "event: {event}\ndata: {{\"type\":\"{event}\",\"sequence_number\":{number},{rest}}}\n\n"
        );
        number += 1;
    };
    let started = object(call, &ids, "in_progress", "", "null");
    frame("response.created", &format!(r#""response":{started}"#));
    frame("response.in_progress", &format!(r#""response":{started}"#));
    if call.route.reasons {
        let reasoning = format!(
            r#""output_index":0,"item":{{"id":"{}","type":"reasoning","summary":[]}}"#,
            ids.reasoning
        );
        frame("response.output_item.added", &reasoning);
        frame("response.output_item.done", &reasoning);
    }
    let opened = message(&ids, "in_progress", "");
    frame(
        "response.output_item.added",
        &format!(r#""output_index":{item},"item":{opened}"#),
    );
    frame(
        "response.content_part.added",
        &format!(r#"{place},"part":{}"#, text_part("")),
    );
    for piece in pieces(call.answer, rng) {
        frame(
            "response.output_text.delta",
            &format!(r#"{place},"delta":{},"logprobs":[]"#, quote(&piece)),
        );
    }
    frame(
        "response.output_text.done",
        &format!(r#"{place},"text":{},"logprobs":[]"#, quote(call.answer)),
    );
    frame(
        "response.content_part.done",
        &format!(r#"{place},"part":{}"#, text_part(call.answer)),
    );
    let closed = message(&ids, "completed", &text_part(call.answer));
    frame(
        "response.output_item.done",
        &format!(r#""output_index":{item},"item":{closed}"#),
    );
    let finished = object(call, &ids, "completed", &output_items(call, &ids), &usage(call));
    frame("response.completed", &format!(r#""response":{finished}"#));
    body
}

fn usage(call: &Call<'_>) -> String {
    let input = call.input_tokens();
    let output = call.answer_tokens() + call.reasoning_tokens;
    format!(
        r#"{{"input_tokens":{input},"input_tokens_details":{{"cached_tokens":{}}},"output_tokens":{output},"output_tokens_details":{{"reasoning_tokens":{}}},"total_tokens":{}}}"#,
        call.cached_tokens,
        call.reasoning_tokens,
        input + output,
    )
}
