//! A request as the dialects see it, and the facts every answer is made of.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::behaviour::{Behaviour, without_markers};

/// Every answer was made at this moment: 2026-01-01T00:00:00Z, in seconds.
pub(crate) const CREATED_S: u64 = 1_767_225_600;
pub(crate) const CREATED_TEXT: &str = "2026-01-01T00:00:00.000000Z";
const ECHOED_CHARACTERS: usize = 400;
const BIG_BYTES: usize = 10 * 1024 * 1024;
/// A long answer comes in chunks of this many bytes, not word by word.
const BIG_CHUNK_BYTES: usize = 64 * 1024;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Percent-decoded where the dialects need it; without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Value,
    pub(crate) facts: Facts,
}

/// What an answer says, in no provider's dialect.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// 24 hexadecimal digits of the request's digest.
    pub(crate) id: String,
    pub(crate) model: String,
    /// The answer's text in the pieces it is streamed in.
    pub(crate) pieces: Vec<String>,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// Name of the tool that is called instead, with its arguments.
    pub(crate) tool: Option<(String, Value)>,
}

impl Call {
    pub(crate) fn new(path: &str, query: &str, raw: &[u8], behaviour: Behaviour) -> Call {
        let body: Value = serde_json::from_slice(raw).unwrap_or(Value::Null);
        let facts = Facts::of(path, raw, &body, behaviour);
        Call {
            path: path.to_owned(),
            query: query.to_owned(),
            body,
            facts,
        }
    }

    pub(crate) fn streams(&self) -> bool {
        self.body["stream"] == true
    }
}

impl Facts {
    fn of(path: &str, raw: &[u8], body: &Value, behaviour: Behaviour) -> Facts {
        let mut digest = Sha256::new();
        digest.update(path.as_bytes());
        digest.update(raw);
        let digest = digest.finalize();
        let id: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let prompt = without_markers(&prompt_of(body));
        let echoed: String = prompt.chars().take(ECHOED_CHARACTERS).collect();
        let pieces = if behaviour == Behaviour::Big {
            big_pieces()
        } else {
            pieces_of(&format!("You said: {echoed} That is all I have to say about it."))
        };
        Facts {
            id,
            model: body["model"].as_str().unwrap_or("fake-model").to_owned(),
            output_tokens: pieces.len() as u64,
            input_tokens: (prompt.chars().count() as u64).div_ceil(4).max(1),
            pieces,
            tool: (behaviour == Behaviour::Tool).then(|| first_tool(body)).flatten(),
        }
    }

    pub(crate) fn text(&self) -> String {
        self.pieces.concat()
    }
}

/// Words with the blank before them, as tokenisers cut them.
fn pieces_of(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for character in text.chars() {
        if character == ' ' && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push(character);
    }
    pieces.push(piece);
    pieces
}

fn big_pieces() -> Vec<String> {
    let sentence = "This sentence is repeated until the answer is ten megabytes long. ";
    let chunk: String = sentence.chars().cycle().take(BIG_CHUNK_BYTES).collect();
    vec![chunk; BIG_BYTES / BIG_CHUNK_BYTES]
}

/// The last text that the caller wrote, whatever the dialect.
fn prompt_of(body: &Value) -> String {
    for list in ["messages", "contents", "input"] {
        if let Some(last) = body[list].as_array().and_then(|items| items.last()) {
            let parts = [&last["content"], &last["parts"], last];
            return parts
                .into_iter()
                .map(text_of)
                .find(|text| !text.is_empty())
                .unwrap_or_default();
        }
    }
    for name in ["prompt", "message", "inputText", "input", "text", "texts"] {
        let text = text_of(&body[name]);
        if !text.is_empty() {
            return text;
        }
    }
    String::new()
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<String> = parts
                .iter()
                .map(text_of)
                .filter(|text| !text.is_empty())
                .collect();
            texts.join(" ")
        }
        Value::Object(part) => part.get("text").map(text_of).unwrap_or_default(),
        _ => String::new(),
    }
}

/// The first offered tool; every argument it requires gets the value `"fake"`.
fn first_tool(body: &Value) -> Option<(String, Value)> {
    let offered = body["tools"]
        .as_array()
        .or_else(|| body["toolConfig"]["tools"].as_array())?
        .first()?;
    let declared = [
        &offered["function"],
        &offered["toolSpec"],
        &offered["functionDeclarations"][0],
        offered,
    ];
    let tool = declared.into_iter().find(|tool| tool["name"].is_string())?;
    let schemas = [
        &tool["parameters"],
        &tool["input_schema"],
        &tool["inputSchema"]["json"],
    ];
    let required = schemas
        .into_iter()
        .find_map(|schema| schema["required"].as_array());
    let arguments = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|name| (name.to_owned(), Value::from("fake")))
        .collect();
    Some((tool["name"].as_str()?.to_owned(), Value::Object(arguments)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_prompt_is_found_in_every_dialect() {
        let bodies = [
            json!({"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "hello"}]}),
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]}),
            json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]}),
            json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
            json!({"input": "hello"}),
            json!({"input": [{"role": "user", "content": "hello"}]}),
            json!({"input": ["hello"]}),
            json!({"prompt": "hello"}),
            json!({"message": "hello"}),
            json!({"inputText": "hello"}),
        ];
        for body in bodies {
            assert_eq!(prompt_of(&body), "hello", "{body}");
        }
    }

    #[test]
    fn the_same_request_has_the_same_facts() {
        let raw = br#"{"model":"m","messages":[{"role":"user","content":"good day [[fake:slow]]"}]}"#;
        let call = || Call::new("/v1/chat/completions", "", raw, Behaviour::Slow);
        let facts = call().facts;
        assert_eq!(
            facts.text(),
            "You said: good day That is all I have to say about it."
        );
        assert_eq!(facts.text(), call().facts.text());
        assert_eq!((facts.input_tokens, facts.output_tokens), (2, 13));
        assert_eq!(facts.id.len(), 24);
    }
}
