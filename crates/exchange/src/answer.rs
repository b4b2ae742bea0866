//! What the readers of each wire form fill in.

use serde_json::Value;

use crate::content::{arguments, push_text, string};
use crate::model::ToolCall;

/// The parts of an answer, as far as a reader found them.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) model: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) service_tier: Option<String>,
    pub(crate) circumstances: Vec<(&'static str, String)>,
    /// Searches of the web that the provider made for the answer and charges apart from tokens.
    pub(crate) web_searches: u64,
    pub(crate) finish_reasons: Vec<String>,
    pub(crate) output: Vec<String>,
    pub(crate) reasoning: Vec<String>,
    pub(crate) tool_calls: Vec<ToolCall>,
    /// Text sent, where the answer repeats what no request body holds.
    pub(crate) input: Vec<String>,
}

/// A stream folded into the answer it stands for.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// The body an unstreamed call would have had, as far as the stream came.
    pub(crate) body: Value,
    /// The final event was there.
    pub(crate) complete: bool,
}

impl Answer {
    /// Fields that most forms share at the top of the body.
    pub(crate) fn read_head(&mut self, body: &Value) {
        self.model = string(body, "model");
        self.id = string(body, "id");
        self.fingerprint = string(body, "system_fingerprint");
        self.service_tier = string(body, "service_tier");
    }

    /// Takes the service tier as something that changes the price, unless it is the one prices are listed for.
    pub(crate) fn price_tier(&mut self) {
        let ordinary = ["default", "standard", "auto", "on_demand"];
        let special = self
            .service_tier
            .iter()
            .find(|tier| !ordinary.contains(&tier.as_str()));
        let named = special.map(|tier| match tier.as_str() {
            "batch" => ("processing", tier.clone()),
            _ => ("service_tier", tier.clone()),
        });
        self.circumstances.extend(named);
    }

    pub(crate) fn finish(&mut self, body: &Value, key: &str) {
        self.finish_reasons.extend(string(body, key));
    }

    pub(crate) fn text(&mut self, content: Option<&Value>) {
        if let Some(content) = content {
            push_text(content, &mut self.output);
        }
    }

    pub(crate) fn reason(&mut self, content: Option<&Value>) {
        if let Some(content) = content {
            push_text(content, &mut self.reasoning);
        }
    }

    pub(crate) fn tool(&mut self, id: Option<String>, name: Option<String>, args: Option<&Value>) {
        let arguments = args.map(arguments).unwrap_or_default();
        self.tool_calls.push(ToolCall {
            id,
            name: name.unwrap_or_default(),
            arguments,
        });
    }
}

/// Appends text to a string field of an object, making it where absent.
pub(crate) fn append(object: &mut serde_json::Map<String, Value>, key: &str, text: &str) {
    match object.get_mut(key) {
        Some(Value::String(present)) => present.push_str(text),
        _ => {
            object.insert(key.to_owned(), Value::String(text.to_owned()));
        }
    }
}

/// Copies the fields of `from` that are neither null nor listed into `to`, replacing what is there. An empty string
/// replaces nothing (Azure's first chunk has an empty model).
pub(crate) fn merge_except(to: &mut serde_json::Map<String, Value>, from: &Value, except: &[&str]) {
    let Some(fields) = from.as_object() else { return };
    for (key, value) in fields {
        let empty = value.as_str() == Some("") && to.contains_key(key);
        if !value.is_null() && !empty && !except.contains(&key.as_str()) {
            to.insert(key.clone(), value.clone());
        }
    }
}
