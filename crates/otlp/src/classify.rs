//! Which spans tell of a decision, by which naming convention, and what they did.

use crate::attributes::Attributes;

/// What a span that becomes an event did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    /// An operation of OpenTelemetry's GenAI conventions, or what the span says of itself.
    pub(crate) operation: String,
    /// `gen_ai`, `openinference` or `openllmetry`.
    pub(crate) convention: &'static str,
}

impl Class {
    fn new(convention: &'static str, operation: &str) -> Option<Class> {
        Some(Class {
            operation: operation.to_owned(),
            convention,
        })
    }
}

/// The class of a span; none when it is ordinary (HTTP, databases, chains, workflows).
pub(crate) fn classify(attributes: &mut Attributes) -> Option<Class> {
    if let Some(operation) = attributes.text(&["gen_ai.operation.name"]) {
        return Class::new("gen_ai", &operation.to_lowercase());
    }
    if let Some(kind) = attributes.peek("openinference.span.kind") {
        let operation = match kind.to_uppercase().as_str() {
            "LLM" => "chat",
            "EMBEDDING" => "embeddings",
            "TOOL" => "execute_tool",
            "AGENT" => "invoke_agent",
            "GUARDRAIL" => "guardrail",
            "RERANKER" => "rerank",
            "RETRIEVER" => "retrieval",
            _ => return None,
        };
        attributes.text(&["openinference.span.kind"]);
        return Class::new("openinference", operation);
    }
    if let Some(kind) = attributes.text(&["llm.request.type"]) {
        let operation = match kind.to_lowercase().as_str() {
            "chat" => "chat",
            "completion" => "text_completion",
            "embedding" => "embeddings",
            "rerank" => "rerank",
            _ => "generic",
        };
        return Class::new("openllmetry", operation);
    }
    if let Some(kind) = attributes.peek("traceloop.span.kind") {
        let operation = match kind.to_lowercase().as_str() {
            "tool" => "execute_tool",
            "agent" => "invoke_agent",
            _ => return None,
        };
        attributes.text(&["traceloop.span.kind"]);
        return Class::new("openllmetry", operation);
    }
    if attributes.has("gen_ai.request.model")
        && (attributes.has("gen_ai.system") || attributes.has("gen_ai.provider.name"))
    {
        return Class::new("gen_ai", "chat");
    }
    if attributes.has("llm.model_name") {
        return Class::new("openinference", "chat");
    }
    None
}
