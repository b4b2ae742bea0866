//! OpenAI embeddings, with the vector as base64, which is what OpenAI's own Python client asks for.

use super::{Call, quote, tokens};
use crate::rng::Rng;

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIMENSIONS: usize = 64;

pub fn request(call: &Call<'_>) -> String {
    format!(
        r#"{{"input":[{}],"model":{},"dimensions":{DIMENSIONS},"encoding_format":"base64"}}"#,
        quote(call.question),
        quote(call.route.model)
    )
}

pub fn response(call: &Call<'_>, rng: &mut Rng) -> String {
    // 64 floats are 256 bytes: 341 characters, one whose low four bits are zero, and two of padding.
    let vector = format!("{}{}==", rng.text(BASE64, 341), rng.text(b"AQgw", 1));
    let input_tokens = tokens(call.question);
    format!(
        "{{\n  \"object\": \"list\",\n  \"data\": [\n    {{\n      \"object\": \"embedding\",\n      \"index\": 0,\n      \
         \"embedding\": \"{vector}\"\n    }}\n  ],\n  \"model\": {},\n  \"usage\": {{\n    \"prompt_tokens\": \
         {input_tokens},\n    \"total_tokens\": {input_tokens}\n  }}\n}}\n",
        quote(call.route.snapshot),
    )
}
