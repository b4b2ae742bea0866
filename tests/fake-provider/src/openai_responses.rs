//! OpenAI's Responses API.

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    call::{CREATED_S, Call, Facts},
};

fn output_item(facts: &Facts, status: &str, with_content: bool) -> Value {
    if let Some((name, arguments)) = &facts.tool {
        let arguments = if with_content {
            arguments.to_string()
        } else {
            String::new()
        };
        return json!({
            "id": format!("fc_{}", facts.id), "type": "function_call", "status": status,
            "call_id": format!("call_{}", facts.id), "name": name, "arguments": arguments,
        });
    }
    let content = if with_content {
        json!([part(facts, &facts.text())])
    } else {
        json!([])
    };
    json!({
        "id": format!("msg_{}", facts.id), "type": "message", "status": status, "role": "assistant", "content": content,
    })
}

fn part(_facts: &Facts, text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

fn response(call: &Call, status: &str) -> Value {
    let facts = &call.facts;
    let is_done = status == "completed";
    let output = if is_done {
        json!([output_item(facts, "completed", true)])
    } else {
        json!([])
    };
    let usage = json!({
        "input_tokens": facts.input_tokens, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": facts.output_tokens, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": facts.input_tokens + facts.output_tokens,
    });
    json!({
        "id": format!("resp_{}", facts.id), "object": "response", "created_at": CREATED_S, "status": status,
        "background": false, "error": null, "incomplete_details": null, "instructions": call.body["instructions"],
        "max_output_tokens": null, "model": facts.model, "output": output, "parallel_tool_calls": true,
        "previous_response_id": null, "reasoning": {"effort": null, "summary": null}, "service_tier": "default",
        "store": true, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto",
        "tools": call.body["tools"].as_array().cloned().unwrap_or_default(), "top_p": 1.0,
        "truncation": "disabled", "usage": if is_done { usage } else { Value::Null }, "user": null, "metadata": {},
    })
}

pub(crate) fn answer(call: &Call) -> Answer {
    if !call.streams() {
        return Answer::json(&response(call, "completed"));
    }
    let mut events = vec![
        json!({"type": "response.created", "response": response(call, "in_progress")}),
        json!({"type": "response.in_progress", "response": response(call, "in_progress")}),
    ];
    let facts = &call.facts;
    let item = |kind: &str, status: &str, with_content: bool| json!({"type": kind, "output_index": 0, "item": output_item(facts, status, with_content)});
    events.push(item("response.output_item.added", "in_progress", false));
    match &facts.tool {
        Some((_, arguments)) => {
            let id = format!("fc_{}", facts.id);
            let arguments = arguments.to_string();
            events.push(json!({
                "type": "response.function_call_arguments.delta", "item_id": id, "output_index": 0, "delta": arguments,
            }));
            events.push(json!({
                "type": "response.function_call_arguments.done", "item_id": id, "output_index": 0, "arguments": arguments,
            }));
        }
        None => text_events(facts, &mut events),
    }
    events.push(item("response.output_item.done", "completed", true));
    events.push(json!({"type": "response.completed", "response": response(call, "completed")}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    Answer::named_sse(events)
}

fn text_events(facts: &Facts, events: &mut Vec<Value>) {
    let place = |kind: &str| json!({"type": kind, "item_id": format!("msg_{}", facts.id), "output_index": 0, "content_index": 0});
    let with = |kind: &str, name: &str, value: Value| {
        let mut event = place(kind);
        event[name] = value;
        event
    };
    events.push(with("response.content_part.added", "part", part(facts, "")));
    for piece in &facts.pieces {
        let mut event = with("response.output_text.delta", "delta", json!(piece));
        event["logprobs"] = json!([]);
        events.push(event);
    }
    let mut done = with("response.output_text.done", "text", json!(facts.text()));
    done["logprobs"] = json!([]);
    events.push(done);
    events.push(with(
        "response.content_part.done",
        "part",
        part(facts, &facts.text()),
    ));
}
