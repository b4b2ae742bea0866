//! Images, sounds, films and documents inside request and answer bodies.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

use crate::content::string;
use crate::details::{Details, MOST, Media, Side, digest};

/// Deepest nesting that is looked into.
const DEEPEST: usize = 24;

/// Finds the media of a body.
pub(crate) fn find(side: Side, body: &Value, found: &mut Details) {
    walk(side, body, 0, found);
}

/// How many bytes a base 64 text stands for; None when it is none.
pub(crate) fn decoded_length(text: &str) -> Option<u64> {
    decoded(text).map(|bytes| bytes.len() as u64)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| STANDARD_NO_PAD.decode(text))
        .ok()
}

fn walk(side: Side, value: &Value, depth: usize, found: &mut Details) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(side, item, depth + 1, found)),
        Value::Object(fields) => {
            if object(side, value, found) {
                return;
            }
            for (key, inner) in fields {
                // Definitions of tools are no content.
                if !matches!(key.as_str(), "tools" | "toolConfig" | "functions") {
                    walk(side, inner, depth + 1, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether the object was a medium, which then is added.
fn object(side: Side, part: &Value, found: &mut Details) -> bool {
    let kind = string(part, "type").unwrap_or_default();
    // OpenAI: `image_url` is an object in chats and a text in responses.
    if let Some(image) = part.get("image_url") {
        let url = image.as_str().map(str::to_owned).or_else(|| string(image, "url"));
        return url.is_some_and(|url| add_url(side, "image", &url, found));
    }
    if let Some(audio) = part.get("input_audio") {
        let format = string(audio, "format").map(|format| format!("audio/{format}"));
        return string(audio, "data").is_some_and(|data| add(side, "audio", format, &data, found));
    }
    if matches!(kind.as_str(), "file" | "input_file") {
        let file = part.get("file").unwrap_or(part);
        let data = string(file, "file_data").or_else(|| string(file, "file_url"));
        let data = data.or_else(|| string(file, "file_id"));
        return data.is_some_and(|data| add_url(side, "document", &data, found));
    }
    if kind == "image_generation_call" {
        return string(part, "result").is_some_and(|data| add(side, "image", None, &data, found));
    }
    if let Some(image) = string(part, "b64_json") {
        return add(side, "image", None, &image, found);
    }
    // The spoken answer of a chat.
    if let Some(audio) = part
        .get("audio")
        .filter(|audio| audio.get("transcript").is_some())
    {
        let added = string(audio, "data").is_some_and(|data| add(side, "audio", None, &data, found));
        return added && part.get("content").is_none_or(Value::is_null);
    }
    // Gemini
    for (key, data) in [
        ("inlineData", "data"),
        ("inline_data", "data"),
        ("fileData", "fileUri"),
        ("file_data", "file_uri"),
    ] {
        if let Some(inner) = part.get(key).filter(|inner| inner.is_object()) {
            let media_type = string(inner, "mimeType").or_else(|| string(inner, "mime_type"));
            let kind = kind_of(media_type.as_deref().unwrap_or_default());
            return string(inner, data).is_some_and(|data| add(side, kind, media_type, &data, found));
        }
    }
    // Anthropic
    if let (Some(source), "image" | "document") = (part.get("source"), kind.as_str()) {
        let media_type = string(source, "media_type");
        let data = ["data", "url", "file_id"]
            .iter()
            .find_map(|key| string(source, key));
        return data.is_some_and(|data| add(side, &kind, media_type, &data, found));
    }
    // Bedrock
    for kind in ["image", "document", "video", "audio"] {
        let inner = part.get(kind).filter(|inner| inner.get("source").is_some());
        if let Some(inner) = inner {
            let media_type = string(inner, "format").map(|format| format!("{kind}/{format}"));
            let bytes = inner
                .pointer("/source/bytes")
                .or_else(|| inner.pointer("/source/s3Location/uri"));
            let data = bytes.and_then(Value::as_str);
            return data.is_some_and(|data| add(side, kind, media_type, data, found));
        }
    }
    // Ollama
    if let (Some(Value::Array(images)), true) = (
        part.get("images"),
        part.get("role").is_some() || part.get("prompt").is_some(),
    ) {
        for image in images.iter().filter_map(Value::as_str) {
            add(side, "image", None, image, found);
        }
    }
    false
}

/// `data:image/png;base64,...`, or an address.
fn add_url(side: Side, kind: &str, url: &str, found: &mut Details) -> bool {
    let inline = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => {
            let kind = if kind == "document" {
                kind_of(media_type)
            } else {
                kind
            };
            add(side, kind, Some(media_type.to_owned()), data, found)
        }
        None => push(side, kind, None, None, url.as_bytes(), found),
    }
}

/// Base 64, or an address or id.
fn add(side: Side, kind: &str, media_type: Option<String>, data: &str, found: &mut Details) -> bool {
    let is_address = data.contains("://");
    match decoded(data).filter(|_| !is_address) {
        Some(bytes) => push(side, kind, media_type, Some(bytes.len() as u64), &bytes, found),
        None => push(side, kind, media_type, None, data.as_bytes(), found),
    }
}

fn push(
    side: Side,
    kind: &str,
    media_type: Option<String>,
    bytes: Option<u64>,
    hashed: &[u8],
    found: &mut Details,
) -> bool {
    if found.media.len() >= MOST {
        found.more += 1;
        return true;
    }
    found.media.push(Media {
        side,
        kind: kind.to_owned(),
        media_type,
        bytes,
        sha256: digest(hashed),
    });
    true
}

fn kind_of(media_type: &str) -> &'static str {
    match media_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        _ => "document",
    }
}
