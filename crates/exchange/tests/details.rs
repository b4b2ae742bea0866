//! What an exchange holds beside its texts, in the forms of the providers' public documentation.

use aal_exchange::{Details, Recording, Side, UsageState};
use serde_json::{Value, json};

fn details(url: &str, request: Value, response: Value) -> Details {
    let recording = json!({"provider": "", "request": {"method": "POST", "url": url, "body": request},
        "response": {"status": 200, "content_type": "application/json", "body": response}});
    let recording: Recording = serde_json::from_value(recording).unwrap();
    recording.exchange().unwrap().details
}

const CHAT: &str = "https://api.openai.com/v1/chat/completions";
const MESSAGES: &str = "https://api.anthropic.com/v1/messages";
const GEMINI: &str =
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent";
/// The bytes `abc`, and their SHA-256 (FIPS 180, appendix B.1).
const ABC: &str = "YWJj";
const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn media_of_every_form_have_type_size_and_digest() {
    let chat = json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{ABC}")}},
        {"type": "input_audio", "input_audio": {"data": ABC, "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": format!("data:application/pdf;base64,{ABC}")}}]}]});
    let claude = json!({"messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ABC}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": ABC}}]}]});
    let gemini = json!({"contents": [{"parts": [{"inline_data": {"mime_type": "video/mp4", "data": ABC}}]}]});
    let bedrock = json!({"messages": [{"role": "user", "content": [
        {"image": {"format": "png", "source": {"bytes": ABC}}}]}]});
    let converse = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse";
    let cases = [
        (
            CHAT,
            chat,
            vec![
                ("image", "image/png"),
                ("audio", "audio/wav"),
                ("document", "application/pdf"),
            ],
        ),
        (
            MESSAGES,
            claude,
            vec![("image", "image/png"), ("document", "application/pdf")],
        ),
        (GEMINI, gemini, vec![("video", "video/mp4")]),
        (converse, bedrock, vec![("image", "image/png")]),
    ];
    for (url, request, expected) in cases {
        let found = details(url, request, json!({})).media;
        let short: Vec<_> = found
            .iter()
            .map(|one| (one.kind.as_str(), one.media_type.as_deref().unwrap()))
            .collect();
        assert_eq!(short, expected, "{url}");
        for one in &found {
            assert_eq!(
                (one.side, one.bytes, one.sha256.as_str()),
                (Side::Request, Some(3), ABC_SHA256)
            );
        }
    }
}

#[test]
fn media_by_address_have_no_size_and_answers_have_media_too() {
    let request = json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://images.example/1.png"}}]}]});
    let found = details(CHAT, request, json!({}));
    assert_eq!(
        (found.messages, found.media.len(), found.media[0].bytes),
        (1, 1, None)
    );
    let images = "https://api.openai.com/v1/images/generations";
    let found = details(
        images,
        json!({"prompt": "a cat"}),
        json!({"data": [{"b64_json": ABC}]}),
    );
    assert_eq!(
        (found.media[0].side, found.media[0].sha256.as_str()),
        (Side::Response, ABC_SHA256)
    );
}

#[test]
fn tools_are_named_in_every_form() {
    let names = |url: &str, request: Value| -> Vec<String> {
        let found = details(url, request, json!({})).tools;
        assert!(found.iter().all(|tool| tool.sha256.len() == 64));
        found.into_iter().map(|tool| tool.name).collect()
    };
    let chat = json!({"tools": [{"type": "function", "function": {"name": "f"}}, {"type": "web_search"}]});
    assert_eq!(names(CHAT, chat), ["f", "web_search"]);
    assert_eq!(
        names(MESSAGES, json!({"tools": [{"name": "g", "input_schema": {}}]})),
        ["g"]
    );
    let gemini =
        json!({"tools": [{"functionDeclarations": [{"name": "h"}, {"name": "i"}]}, {"googleSearch": {}}]});
    assert_eq!(names(GEMINI, gemini), ["h", "i", "googleSearch"]);
    let converse = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse";
    assert_eq!(
        names(
            converse,
            json!({"toolConfig": {"tools": [{"toolSpec": {"name": "j"}}]}})
        ),
        ["j"]
    );
}

#[test]
fn vectors_have_count_dimensions_and_digest() {
    let url = "https://api.openai.com/v1/embeddings";
    let vectors =
        json!({"object": "list", "data": [{"embedding": [0.1, 0.2, 0.3]}, {"embedding": [1, 2, 3]}]});
    let found = details(url, json!({"input": ["a", "b"]}), vectors.clone())
        .embeddings
        .unwrap();
    assert_eq!((found.count, found.dimensions), (2, Some(3)));
    assert_eq!(
        details(url, json!({}), vectors).embeddings.unwrap().sha256,
        found.sha256
    );
    let packed = json!({"data": [{"embedding": "AACAPwAAAEA="}]});
    let found = details(url, json!({}), packed).embeddings.unwrap();
    assert_eq!((found.count, found.dimensions), (1, Some(2)));
    let cohere = json!({"embeddings": {"float": [[1, 2]]}});
    let found = details("https://api.cohere.com/v2/embed", json!({}), cohere)
        .embeddings
        .unwrap();
    assert_eq!((found.count, found.dimensions), (1, Some(2)));
}

#[test]
fn verdicts_of_filters_are_kept() {
    let gemini = json!({"promptFeedback": {"safetyRatings": [{"category": "HATE", "probability": "LOW"}]},
        "candidates": [{"safetyRatings": [{"category": "HATE", "probability": "HIGH", "blocked": true}]}]});
    let found = details(GEMINI, json!({}), gemini).safety;
    assert_eq!((found[0].side, found[0].blocked), (Side::Request, false));
    assert_eq!(
        (found[1].side, found[1].level.as_deref(), found[1].blocked),
        (Side::Response, Some("HIGH"), true)
    );
    let azure = "https://x.openai.azure.com/openai/deployments/d/chat/completions";
    let answer = json!({"choices": [{"content_filter_results": {"violence": {"filtered": false, "severity": "safe"}}}]});
    let found = details(azure, json!({}), answer).safety;
    assert_eq!(
        (found[0].category.as_str(), found[0].level.as_deref()),
        ("violence", Some("safe"))
    );
    let moderation = json!({"results": [{"flagged": true, "categories": {"hate": true, "violence": false}}]});
    let found = details("https://api.openai.com/v1/moderations", json!({}), moderation).safety;
    assert_eq!((found.len(), found[0].category.as_str()), (1, "hate"));
}

#[test]
fn sources_probabilities_and_forms_are_counted() {
    let answer = json!({"choices": [{"message": {"content": "x", "annotations": [{}, {}]},
        "logprobs": {"content": [{"token": "x"}, {"token": "y"}]}}]});
    let request = json!({"documents": [{}], "response_format": {"type": "json_schema"}});
    let found = details(CHAT, request, answer);
    assert_eq!((found.citations, found.logprobs, found.documents), (2, 2, 1));
    assert_eq!(found.output_format.as_deref(), Some("json_schema"));
    let claude = json!({"content": [{"type": "text", "text": "x", "citations": [{}]},
        {"type": "tool_use", "input": {"citations": [1, 2, 3]}}]});
    assert_eq!(details(MESSAGES, json!({}), claude).citations, 1);
}

#[test]
fn lists_are_bounded_and_say_so() {
    let image = json!({"type": "image_url", "image_url": {"url": "https://images.example/1.png"}});
    let request = json!({"messages": [{"role": "user", "content": vec![image; 100]}]});
    let found = details(CHAT, request, json!({}));
    assert_eq!((found.media.len(), found.more), (64, 36));
}

#[test]
fn counts_in_headers_of_bedrock_are_read() {
    let recording = json!({"provider": "aws.bedrock",
        "request": {"method": "POST", "url": "https://bedrock-runtime.us-east-1.amazonaws.com/model/mistral.mistral-large-2402-v1:0/invoke",
            "body": {"prompt": "hi"}},
        "response": {"status": 200, "content_type": "application/json", "body": {"outputs": [{"text": "ho", "stop_reason": "stop"}]},
            "headers": {"X-Amzn-Bedrock-Input-Token-Count": "12", "x-amzn-bedrock-output-token-count": 7}}});
    let read = |recording: &Value| {
        let recording: Recording = serde_json::from_value(recording.clone()).unwrap();
        recording.exchange().unwrap()
    };
    let found = read(&recording);
    assert_eq!(found.usage_state, UsageState::Reported);
    assert_eq!((found.input_tokens(), found.output_tokens()), (Some(12), Some(7)));
    let mut none = recording;
    none["response"]["headers"] = json!({"x-amzn-bedrock-input-token-count": "12"});
    assert_eq!(read(&none).usage_state, UsageState::Missing);
}
