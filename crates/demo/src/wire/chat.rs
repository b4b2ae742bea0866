//! OpenAI chat completions, and Azure OpenAI, which adds its content filter's verdicts.

use std::fmt::Write;

use super::{Call, pieces, quote};
use crate::{catalogue::Api, rng::Rng};

const SAFE: &str = concat!(
    r#"{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"#,
    r#""sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#
);

pub fn request(call: &Call<'_>) -> String {
    let mut messages = format!(r#"{{"role":"system","content":{}}}"#, quote(call.system));
    for (asked, answered) in call.history {
        let _ = write!(
            messages,
            r#",{{"role":"user","content":{}}},{{"role":"assistant","content":{}}}"#,
            quote(asked),
            quote(answered)
        );
    }
    let _ = write!(
        messages,
        r#",{{"role":"user","content":{}}}"#,
        quote(call.question)
    );
    let options = match (call.stream, call.route.reasons) {
        (true, _) => r#","stream":true,"stream_options":{"include_usage":true}"#,
        (false, true) => r#","reasoning_effort":"medium""#,
        (false, false) => r#","temperature":0.2"#,
    };
    format!(
        r#"{{"messages":[{messages}],"model":{}{options}}}"#,
        quote(call.route.model)
    )
}

pub fn response(call: &Call<'_>, rng: &mut Rng) -> String {
    let (prompt_filter, answer_filter) = match call.route.api {
        Api::AzureChat => (
            format!(r#","prompt_filter_results":[{{"prompt_index":0,"content_filter_results":{SAFE}}}]"#),
            format!(r#""content_filter_results":{SAFE},"#),
        ),
        _ => (String::new(), String::new()),
    };
    format!(
        "{{\n  \"id\": \"chatcmpl-{}\",\n  \"object\": \"chat.completion\",\n  \"created\": {},\n  \"model\": {},\n  \
         \"choices\": [\n    {{{answer_filter}\n      \"index\": 0,\n      \"message\": {{\n        \"role\": \
         \"assistant\",\n        \"content\": {},\n        \"refusal\": null,\n        \"annotations\": []\n      \
         }},\n      \"logprobs\": null,\n      \"finish_reason\": \"stop\"\n    }}\n  ],\n  \"usage\": {},\n  \
         \"service_tier\": \"default\",\n  \"system_fingerprint\": \"fp_{}\"{prompt_filter}\n}}\n",
        rng.base62(29),
        call.created_s,
        quote(call.route.snapshot),
        quote(call.answer),
        usage(call),
        rng.hex(10),
    )
}

pub fn stream(call: &Call<'_>, rng: &mut Rng) -> String {
    let azure = call.route.api == Api::AzureChat;
    let head = format!(
        r#""id":"chatcmpl-{}","object":"chat.completion.chunk","created":{},"model":{},"service_tier":"default","system_fingerprint":"fp_{}""#,
        rng.base62(29),
        call.created_s,
        quote(call.route.snapshot),
        rng.hex(10),
    );
    let filter = if azure {
        r#","content_filter_results":{}"#
    } else {
        ""
    };
    let mut body = String::new();
    if azure {
        let _ = write!(
            body,
            "data: {{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":\
             [{{\"prompt_index\":0,\"content_filter_results\":{SAFE}}}]}}\n\n"
        );
    }
    let mut frame = |delta: &str, finish: &str| {
        let _ = write!(
            body,
            "data: {{{head},\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":\
             {finish}{filter}}}],\"usage\":null}}\n\n"
        );
    };
    frame(r#"{"role":"assistant","content":"","refusal":null}"#, "null");
    for piece in pieces(call.answer, rng) {
        frame(&format!(r#"{{"content":{}}}"#, quote(&piece)), "null");
    }
    frame("{}", r#""stop""#);
    let _ = write!(
        body,
        "data: {{{head},\"choices\":[],\"usage\":{}}}\n\ndata: [DONE]\n\n",
        usage(call)
    );
    body
}

/// `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning ones: that is OpenAI's way to count.
fn usage(call: &Call<'_>) -> String {
    let prompt = call.input_tokens();
    let completion = call.answer_tokens() + call.reasoning_tokens;
    format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{},"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":{},"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#,
        prompt + completion,
        call.cached_tokens,
        call.reasoning_tokens,
    )
}
