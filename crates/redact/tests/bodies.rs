//! Bodies: JSON, strings inside strings, streams.

mod common;

use aal_redact::{Budget, Entity, RedactError, Redacted};
use common::{DETECTOR, token};
use serde_json::{Value, json};

fn body(text: &str, content_type: &str) -> Redacted {
    DETECTOR
        .redact_body(text.as_bytes(), content_type, &token)
        .unwrap()
}

fn originals(redacted: &Redacted) -> Vec<(&str, &str)> {
    redacted
        .removed
        .iter()
        .map(|removed| (removed.original.as_str(), removed.pointer.as_str()))
        .collect()
}

#[test]
fn json_is_redacted_in_place_and_otherwise_byte_equal() {
    let text = r#"{ "messages" : [ {"role":"user", "content": "I am jane@example.org,\n SSN 536-90-4399 \u00e9"} ],"n":1.50e+2 }"#;
    let redacted = body(text, "application/json");
    assert_eq!(
        originals(&redacted),
        [
            ("jane@example.org", "/messages/0/content"),
            ("536-90-4399", "/messages/0/content")
        ]
    );
    let expected = text
        .replace("jane@example.org", &redacted.removed[0].token)
        .replace("536-90-4399", &redacted.removed[1].token);
    assert_eq!(redacted.template, expected);
    for removed in &redacted.removed {
        assert_eq!(redacted.template[removed.start..removed.end], removed.token);
    }
    assert_eq!(
        redacted.counts.into_iter().collect::<Vec<_>>(),
        [("EMAIL_ADDRESS", 1), ("US_SSN", 1)]
    );
}

#[test]
fn escaped_values_are_found_and_replaced_whole() {
    let redacted = body(
        r#"{"a":"jane\u0040example.org","b":"4111\u00a01111\u00a01111\u00a01111"}"#,
        "",
    );
    assert_eq!(
        originals(&redacted),
        [
            ("jane@example.org", "/a"),
            ("4111\u{a0}1111\u{a0}1111\u{a0}1111", "/b")
        ]
    );
    let parsed: Value = serde_json::from_str(&redacted.template).unwrap();
    assert_eq!(parsed["a"], redacted.removed[0].token.as_str());
    assert_eq!(parsed["b"], redacted.removed[1].token.as_str());
}

#[test]
fn a_number_becomes_a_string_and_its_key_is_its_context() {
    let redacted = body(
        r#"{"card":4111111111111111,"patient":{"ssn":536904399},"count":536904399}"#,
        "",
    );
    assert_eq!(
        originals(&redacted),
        [("4111111111111111", "/card"), ("536904399", "/patient/ssn")]
    );
    let parsed: Value = serde_json::from_str(&redacted.template).unwrap();
    assert!(parsed["card"].is_string() && parsed["patient"]["ssn"].is_string());
    assert_eq!(parsed["count"], 536904399);
}

#[test]
fn keys_are_redacted_too() {
    let redacted = body(r#"{"jane@example.org":{"visits":3}}"#, "");
    assert_eq!(originals(&redacted), [("jane@example.org", "/jane@example.org")]);
    assert!(
        serde_json::from_str::<Value>(&redacted.template)
            .unwrap()
            .is_object()
    );
}

#[test]
fn documents_inside_strings_are_walked() {
    let inner = serde_json::json!({"to": "jane@example.org", "ssn": 536904399, "note": "a \"quoted\" word"})
        .to_string();
    let outer = serde_json::json!({"tool_calls": [{"function": {"arguments": inner}}]}).to_string();
    let twice = serde_json::json!({"payload": outer}).to_string();
    let redacted = body(&twice, "");
    let pointer = "/payload#/tool_calls/0/function/arguments#";
    assert_eq!(
        originals(&redacted),
        [
            ("536904399", format!("{pointer}/ssn").as_str()),
            ("jane@example.org", format!("{pointer}/to").as_str())
        ]
    );
    let payload: Value = serde_json::from_str(&redacted.template).unwrap();
    let middle: Value = serde_json::from_str(payload["payload"].as_str().unwrap()).unwrap();
    let innermost: Value =
        serde_json::from_str(middle["tool_calls"][0]["function"]["arguments"].as_str().unwrap()).unwrap();
    assert!(innermost["ssn"].as_str().unwrap().starts_with("[[US_SSN:"));
    assert_eq!(innermost["note"], "a \"quoted\" word");
}

#[test]
fn a_value_split_over_frames_leaves_no_fragment() {
    let deltas = [
        "My mail is ja",
        "ne@exam",
        "ple.org",
        ", and 4111 1",
        "111 1111 1111",
        ".",
    ];
    let mut stream = String::new();
    for delta in deltas {
        let chunk =
            serde_json::json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": delta}}]});
        stream.push_str(&format!("data: {chunk}\n\n"));
    }
    stream.push_str("data: [DONE]\n\n");
    let redacted = body(&stream, "text/event-stream; charset=utf-8");

    assert_eq!(redacted.removed.len(), 2);
    let frames = |text: &str| text.matches("data: ").count();
    assert_eq!(frames(&redacted.template), frames(&stream));
    let joined: String = redacted
        .template
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .map(|chunk| {
            chunk["choices"][0]["delta"]["content"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let expected = format!(
        "My mail is {}, and {}.",
        redacted.removed[0].token, redacted.removed[1].token
    );
    assert_eq!(joined, expected);
}

#[test]
fn channels_are_kept_apart_and_tool_arguments_are_read_as_json() {
    let chunk = |index: u32, text: &str| {
        let event = serde_json::json!({"type": "content_block_delta", "index": index,
            "delta": {"type": "input_json_delta", "partial_json": text}});
        format!("event: content_block_delta\ndata: {event}\n\n")
    };
    let stream = [
        chunk(0, "{\"ssn\": 5369"),
        chunk(1, "{\"order\": 5369"),
        chunk(0, "04399}"),
        chunk(1, "04399}"),
    ]
    .concat();
    let redacted = body(&stream, "text/event-stream");
    assert_eq!(redacted.removed.len(), 1, "{}", redacted.template);
    assert_eq!(redacted.removed[0].original, "536904399");
    assert_eq!(redacted.removed[0].pointer, "/1/delta/partial_json#/ssn");
    assert!(
        redacted.template.contains("{\\\"ssn\\\": \\\"[[US_SSN:"),
        "{}",
        redacted.template
    );
    let third = redacted.template.split("\n\n").nth(2).unwrap();
    assert!(third.contains("\"partial_json\":\"}\""), "{third}");
}

#[test]
fn deltas_of_one_tool_call_belong_together_whatever_the_first_one_adds() {
    let chunk = |call: Value| {
        let chunk = serde_json::json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
        format!("data: {chunk}\n\n")
    };
    let stream = [
        chunk(serde_json::json!({"index": 0, "id": "call_1", "type": "function",
            "function": {"name": "mail", "arguments": "{\"to\": \"jane@exa"}})),
        chunk(serde_json::json!({"index": 0, "function": {"arguments": "mple.org\"}"}})),
    ]
    .concat();
    let redacted = body(&stream, "text/event-stream");
    assert_eq!(redacted.removed.len(), 1, "{}", redacted.template);
    assert_eq!(redacted.removed[0].original, "jane@example.org");
}

#[test]
fn events_of_the_responses_api_are_joined_per_item() {
    let event = |item: &str, delta: &str| {
        let event = serde_json::json!({"type": "response.output_text.delta", "item_id": item, "output_index": 0,
            "content_index": 0, "delta": delta, "sequence_number": 4});
        format!("event: response.output_text.delta\ndata: {event}\n\n")
    };
    let done = serde_json::json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0,
        "content_index": 0, "text": "SSN 536-90-4399"});
    let stream = [
        event("msg_1", "SSN 536-"),
        event("msg_1", "90-4399"),
        format!("data: {done}\n\n"),
    ]
    .concat();
    let redacted = body(&stream, "text/event-stream");
    let found: Vec<&str> = redacted
        .removed
        .iter()
        .map(|removed| removed.original.as_str())
        .collect();
    assert_eq!(found, ["536-90-4399", "536-90-4399"]);
    assert!(!redacted.template.contains("4399"), "{}", redacted.template);
}

#[test]
fn a_label_beside_a_value_is_its_context() {
    let form = r#"{"fields":[{"name":"ssn","value":"536904399"},{"name":"order","value":"536904399"},
        {"key":"password","value":"hunter2000"},{"system":"http://hl7.org/fhir/sid/us-ssn","value":"536904398"},
        {"question":"Date of birth?","answer":"1980-02-29"}]}"#;
    let redacted = body(form, "");
    assert_eq!(
        originals(&redacted),
        [
            ("536904399", "/fields/0/value"),
            ("hunter2000", "/fields/2/value"),
            ("536904398", "/fields/3/value"),
            ("1980-02-29", "/fields/4/answer")
        ]
    );
}

#[test]
fn log_probabilities_do_not_spell_a_value_out_again() {
    let tokens = ["mail", " ja", "ne", "@", "example", ".org"];
    let entry = |token: &str| {
        serde_json::json!({"token": token, "logprob": -0.5, "bytes": token.as_bytes(),
            "top_logprobs": [{"token": token, "logprob": -0.5, "bytes": token.as_bytes()}]})
    };
    let content: Vec<Value> = tokens.iter().map(|token| entry(token)).collect();
    let answer = serde_json::json!({"choices": [{"index": 0, "message": {"content": "mail jane@example.org"},
        "logprobs": {"content": content}}]});
    let redacted = body(&answer.to_string(), "application/json");
    assert!(!redacted.template.contains("example"), "{}", redacted.template);
    assert!(!redacted.template.contains("[106,"), "{}", redacted.template);
    let parsed: Value = serde_json::from_str(&redacted.template).unwrap();
    assert_eq!(parsed["choices"][0]["logprobs"]["content"][2]["logprob"], -0.5);

    let chunk = |token: &str| {
        let chunk = serde_json::json!({"choices": [{"index": 0, "delta": {"content": token},
            "logprobs": {"content": [entry(token)]}}]});
        format!("data: {chunk}\n\n")
    };
    let stream: String = tokens.iter().map(|token| chunk(token)).collect();
    let redacted = body(&stream, "text/event-stream");
    assert!(!redacted.template.contains("example"), "{}", redacted.template);

    let harmless = answer.to_string().replace("@", " at ").replace("64", "65");
    assert_eq!(body(&harmless, "application/json").template, harmless);
}

#[test]
fn a_document_that_is_one_value_stays_a_document() {
    assert!(
        serde_json::from_str::<Value>(&body("4111111111111111", "application/json").template)
            .unwrap()
            .is_string()
    );
    assert!(
        serde_json::from_str::<Value>(&body("\"jane@example.org\"", "").template)
            .unwrap()
            .is_string()
    );
    assert_eq!(
        body("4111 1111 1111 1111", "text/plain").template.len(),
        "[[CREDIT_CARD:k1:0123456789ABCDEF]]".len()
    );
}

#[test]
fn newline_delimited_json_is_joined_like_a_stream() {
    let lines = "{\"message\":{\"content\":\"jane@ex\"}}\n{\"message\":{\"content\":\"ample.org\"}}\n{\"done\":true}\n";
    let redacted = body(lines, "application/x-ndjson");
    assert_eq!(redacted.removed[0].original, "jane@example.org");
    assert_eq!(redacted.template.lines().count(), 3);
}

#[test]
fn damaged_json_is_redacted_as_text() {
    let redacted = body(
        "{\"content\":\"jane@example.org and 536-90-43",
        "application/json",
    );
    assert_eq!(redacted.removed[0].original, "jane@example.org");
}

#[test]
fn binary_and_too_deep_bodies_are_refused() {
    let refuse = |bytes: &[u8]| DETECTOR.redact_body(bytes, "", &token).unwrap_err();
    assert_eq!(refuse(&[0xFF, 0xFE, 1]), RedactError::Binary);
    assert_eq!(refuse(b"PNG\0\0"), RedactError::Binary);
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(refuse(deep.as_bytes()), RedactError::TooDeep);
    let malformed = DETECTOR.redact_json(b"{\"a\":}", &token).unwrap_err();
    assert_eq!(malformed, RedactError::NotJson { at: 5 });
}

#[test]
fn a_line_reports_code_points() {
    let line = serde_json::json!({"id": 7, "text": "é😀 jane@example.org!"}).to_string();
    let output: Value = serde_json::from_str(&DETECTOR.redact_line(&line, &token).unwrap()).unwrap();
    assert_eq!(output["id"], 7);
    assert_eq!(output["spans"][0]["start"], 3);
    assert_eq!(output["spans"][0]["end"], 19);
    assert_eq!(output["spans"][0]["entity"], "EMAIL_ADDRESS");
    assert_eq!(output["spans"][0]["band"], "certain");
    assert!(
        output["redacted"]
            .as_str()
            .unwrap()
            .starts_with("é😀 [[EMAIL_ADDRESS:k1:")
    );
    assert!(DETECTOR.redact_line("{}", &token).is_err());
}

#[test]
fn recorded_exchanges_keep_their_form() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let mut bodies = 0;
    for entry in std::fs::read_dir(folder).expect("recordings beside the repository") {
        for line in std::fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let exchange: Value = serde_json::from_str(line).unwrap();
            for side in ["request", "response"] {
                let Some(text) = exchange[side]["body"].as_str() else {
                    continue;
                };
                let redacted = body(text, exchange[side]["content_type"].as_str().unwrap_or(""));
                assert_eq!(redacted.template.lines().count(), text.lines().count());
                // The recordings hold nothing to hide but two signed links and sample names; counts and ids must stay.
                let only_expected = redacted
                    .removed
                    .iter()
                    .all(|removed| removed.entity == Entity::Person || removed.pointer.ends_with("/url"));
                assert!(only_expected, "{:?} in {}", redacted.counts, exchange["id"]);
                let was_json = serde_json::from_str::<Value>(text).is_ok();
                assert_eq!(
                    serde_json::from_str::<Value>(&redacted.template).is_ok(),
                    was_json
                );
                bodies += 1;
            }
        }
    }
    assert!(bodies > 200, "only {bodies} bodies were read");
}

#[test]
fn a_name_that_one_message_gives_away_is_found_in_the_others_and_in_the_answer() {
    let budget = Budget::for_bytes(10_000);
    let request = json!({"messages": [
        {"role": "system", "content": "Is Rajesh a regular? Mark every answer."},
        {"role": "user", "content": "Hi, this is Rajesh Mark Patel. My card was declined."},
        {"role": "assistant", "content": "Hello\nRajesh, I am sorry. Can Patel be reached?"},
    ]});
    let redacted = DETECTOR
        .redact_body_within(
            request.to_string().as_bytes(),
            "application/json",
            &token,
            &budget,
        )
        .unwrap();
    for word in ["Rajesh", "Patel"] {
        assert!(!redacted.template.contains(word), "{}", redacted.template);
    }
    assert!(
        redacted.template.contains("Mark every answer."),
        "{}",
        redacted.template
    );

    // The answer names him in pieces.
    let frame = |text: &str| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": {"content": text}}]})
        )
    };
    let stream = [
        frame("Dear cus"),
        frame("tomer Ra"),
        frame("jesh, it works."),
        "data: [DONE]\n\n".into(),
    ]
    .concat();
    let redacted = DETECTOR
        .redact_body_within(stream.as_bytes(), "text/event-stream", &token, &budget)
        .unwrap();
    assert!(!redacted.template.contains("jesh"), "{}", redacted.template);
    assert_eq!(redacted.removed[0].original, "Rajesh");

    // Another event knows nothing of him.
    let text = "Is Rajeshwar or Patel there?";
    let alone = DETECTOR.redact_text(text, "", &token).unwrap();
    assert_eq!(alone.template, text);
}
