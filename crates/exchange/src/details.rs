//! What an exchange holds beside its texts: media, tool definitions, vectors, verdicts, sources, probabilities.
//!
//! Read from the bodies by shape, the same for every provider, since the shapes do not collide. Media and vectors are
//! named by digest and size; their bytes stay where the content policy puts the body.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::content::{list, string};
use crate::media;

/// Most entries of each list; what is beyond is counted only.
pub(crate) const MOST: usize = 64;

/// What was sent, or what was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// By the application.
    Request,
    /// By the provider.
    Response,
}

/// An image, a sound, a film or a document inside a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Media {
    /// Who sent it.
    pub side: Side,
    /// `image`, `audio`, `video` or `document`.
    pub kind: String,
    /// `image/png`, where it is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Size in bytes; None when only an address or a file id was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the bytes, hexadecimal; of the address or id where there are no bytes.
    pub sha256: String,
}

/// A tool that the model was offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolDefinition {
    /// Its name; the type of a tool that is built in.
    pub name: String,
    /// SHA-256 of the definition as JSON.
    pub sha256: String,
}

/// The vectors of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Embeddings {
    /// How many.
    pub count: u64,
    /// Numbers in each; None when they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u64>,
    /// SHA-256 of the vectors as JSON, in order.
    pub sha256: String,
}

/// What a provider's filter said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Safety {
    /// Of what was sent or of what was answered.
    pub side: Side,
    /// In the provider's words.
    pub category: String,
    /// Severity or probability in the provider's words, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// It was held back or flagged because of this.
    pub blocked: bool,
}

/// Everything of an exchange that is neither text nor usage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Details {
    /// Messages sent.
    #[serde(skip_serializing_if = "is_zero")]
    pub messages: u64,
    /// In the order they were met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// In the order they were offered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolDefinition>,
    /// Of an answer that is vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<Embeddings>,
    /// Verdicts of the provider's filters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safety: Vec<Safety>,
    /// Documents sent with the question for the model to read.
    #[serde(skip_serializing_if = "is_zero")]
    pub documents: u64,
    /// Sources that the answer cites.
    #[serde(skip_serializing_if = "is_zero")]
    pub citations: u64,
    /// Tokens of the answer that came with their probability.
    #[serde(skip_serializing_if = "is_zero")]
    pub logprobs: u64,
    /// `json_schema` or `json_object`, where the answer had to have that form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<String>,
    /// Entries beyond the limit of a list (64 each).
    #[serde(skip_serializing_if = "is_zero")]
    pub more: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// SHA-256 as 64 hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Reads the details of two bodies; the response is the answer of the operation.
pub(crate) fn details(operation: &str, request: Option<&Value>, response: Option<&Value>) -> Details {
    let mut found = Details::default();
    if let Some(request) = request {
        let messages = ["messages", "contents", "input", "chat_history"];
        let listed = messages.iter().map(|key| list(request, key).len()).max();
        found.messages = listed.unwrap_or(0) as u64;
        found.documents = list(request, "documents").len() as u64;
        found.output_format = output_format(request);
        tools(request, &mut found);
        media::find(Side::Request, request, &mut found);
    }
    if let Some(response) = response {
        found.embeddings = embeddings(operation, response);
        if found.embeddings.is_none() {
            media::find(Side::Response, response, &mut found);
        }
        safety(response, &mut found);
        found.citations = citations(response, 0);
        found.logprobs = logprobs(response);
    }
    found
}

fn output_format(request: &Value) -> Option<String> {
    let places = ["/response_format/type", "/text/format/type"];
    let stated = places.iter().find_map(|place| request.pointer(place)?.as_str());
    if let Some(form) = stated.filter(|form| form.starts_with("json")) {
        return Some(form.to_owned());
    }
    let config = ["/generationConfig", "/generation_config"];
    let config = config.iter().find_map(|place| request.pointer(place));
    let has_schema = |config: &&Value| {
        ["responseSchema", "responseJsonSchema", "response_schema"]
            .iter()
            .any(|key| config.get(key).is_some())
    };
    if config.as_ref().is_some_and(has_schema) || request.get("format").is_some_and(Value::is_object) {
        return Some("json_schema".to_owned());
    }
    let asks_json = config
        .and_then(|config| string(config, "responseMimeType"))
        .as_deref()
        == Some("application/json")
        || request.get("format").and_then(Value::as_str) == Some("json");
    asks_json.then(|| "json_object".to_owned())
}

fn tools(request: &Value, found: &mut Details) {
    let in_config = request
        .get("toolConfig")
        .map_or(&[][..], |config| list(config, "tools"));
    for tool in list(request, "tools")
        .iter()
        .chain(list(request, "functions"))
        .chain(in_config)
    {
        let declared = ["functionDeclarations", "function_declarations"];
        let declared = declared.iter().flat_map(|key| list(tool, key));
        let mut any = false;
        for function in declared {
            any = true;
            add_tool(function, found);
        }
        if !any {
            add_tool(tool, found);
        }
    }
}

fn add_tool(tool: &Value, found: &mut Details) {
    if found.tools.len() >= MOST {
        found.more += 1;
        return;
    }
    let inner = tool
        .get("function")
        .or_else(|| tool.get("toolSpec"))
        .unwrap_or(tool);
    let only_key = || tool.as_object().and_then(|fields| fields.keys().next()).cloned();
    let name = string(inner, "name")
        .or_else(|| string(tool, "type"))
        .or_else(only_key);
    found.tools.push(ToolDefinition {
        name: name.unwrap_or_default(),
        sha256: digest(tool.to_string().as_bytes()),
    });
}

fn embeddings(operation: &str, response: &Value) -> Option<Embeddings> {
    if !matches!(operation, "embeddings" | "invoke") {
        return None;
    }
    let vectors = vectors(response);
    let first = dimensions(vectors.first()?)?;
    let same = vectors.iter().all(|vector| dimensions(vector) == Some(first));
    let mut hash = Sha256::new();
    for vector in &vectors {
        hash.update(vector.to_string().as_bytes());
    }
    Some(Embeddings {
        count: vectors.len() as u64,
        dimensions: same.then_some(first),
        sha256: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// The vectors of an answer, each an array of numbers or, packed, a text.
fn vectors(response: &Value) -> Vec<&Value> {
    let of = |item: &'_ Value| item.is_array() || item.is_string();
    let listed = list(response, "data")
        .iter()
        .filter_map(|item| item.get("embedding"));
    let mut found: Vec<&Value> = listed.filter(|item| of(item)).collect();
    let embeddings = response.get("embeddings");
    match embeddings {
        Some(Value::Array(items)) => {
            found.extend(items.iter().map(|item| item.get("values").unwrap_or(item)));
        }
        // By type of number: {"float": [[...]]}
        Some(Value::Object(types)) => {
            found.extend(types.values().filter_map(Value::as_array).flatten());
        }
        _ => {}
    }
    if let Some(single) = response.get("embedding") {
        found.push(single.get("values").unwrap_or(single));
    }
    found.retain(|item| of(item));
    found
}

fn dimensions(vector: &Value) -> Option<u64> {
    match vector {
        Value::Array(numbers) => Some(numbers.len() as u64),
        // Base 64 of 32-bit numbers.
        Value::String(packed) => media::decoded_length(packed).map(|bytes| bytes / 4),
        _ => None,
    }
}

fn safety(response: &Value, found: &mut Details) {
    let mut push = |side, category: &str, level: Option<String>, blocked| {
        if found.safety.len() < MOST {
            let category = category.to_owned();
            found.safety.push(Safety {
                side,
                category,
                level,
                blocked,
            });
        } else {
            found.more += 1;
        }
    };
    // Gemini
    let prompt = response
        .get("promptFeedback")
        .map_or(&[][..], |feedback| list(feedback, "safetyRatings"));
    let answers = list(response, "candidates")
        .iter()
        .flat_map(|candidate| list(candidate, "safetyRatings"));
    let sides = prompt
        .iter()
        .map(|rating| (Side::Request, rating))
        .chain(answers.map(|rating| (Side::Response, rating)));
    for (side, rating) in sides {
        let blocked = rating.get("blocked").and_then(Value::as_bool) == Some(true);
        let category = string(rating, "category").unwrap_or_default();
        push(side, &category, string(rating, "probability"), blocked);
    }
    // Azure
    let results = |item: &'_ Value| {
        item.get("content_filter_results")
            .and_then(Value::as_object)
            .cloned()
    };
    let prompts = list(response, "prompt_filter_results").iter().filter_map(results);
    let choices = list(response, "choices").iter().filter_map(results);
    let sides = prompts
        .map(|verdicts| (Side::Request, verdicts))
        .chain(choices.map(|verdicts| (Side::Response, verdicts)));
    for (side, verdicts) in sides {
        for (category, verdict) in &verdicts {
            let blocked = verdict.get("filtered").and_then(Value::as_bool) == Some(true);
            push(side, category, string(verdict, "severity"), blocked);
        }
    }
    // Moderations: what was flagged only, the categories are a dozen and mostly false.
    for result in list(response, "results") {
        let categories = result.get("categories").and_then(Value::as_object);
        let flagged = categories
            .into_iter()
            .flatten()
            .filter(|(_, flag)| flag.as_bool() == Some(true));
        for (category, _) in flagged {
            push(Side::Request, category, None, true);
        }
    }
}

/// Sources cited: annotations, citations and grounding chunks, wherever an answer keeps them.
fn citations(value: &Value, depth: usize) -> u64 {
    // Answers are shallow; this bounds the walk.
    if depth > 12 {
        return 0;
    }
    match value {
        Value::Array(items) => items.iter().map(|item| citations(item, depth + 1)).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, inner)| match (key.as_str(), inner) {
                ("annotations" | "citations" | "groundingChunks", Value::Array(cited)) => cited.len() as u64,
                // Arguments and schemas are the application's own.
                ("input" | "arguments" | "args" | "tools" | "embedding" | "embeddings", _) => 0,
                _ => citations(inner, depth + 1),
            })
            .sum(),
        _ => 0,
    }
}

fn logprobs(response: &Value) -> u64 {
    let length = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len) as u64;
    let choices = list(response, "choices").iter().map(|choice| {
        length(choice.pointer("/logprobs/content")) + length(choice.pointer("/logprobs/tokens"))
    });
    let candidates = list(response, "candidates")
        .iter()
        .map(|candidate| length(candidate.pointer("/logprobsResult/chosenCandidates")));
    let parts = list(response, "output")
        .iter()
        .flat_map(|item| list(item, "content"))
        .map(|part| length(part.get("logprobs")));
    choices.chain(candidates).chain(parts).sum()
}
