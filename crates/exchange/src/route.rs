//! Which provider, wire form and operation an exchange is, by URL first, then by what the source says.

use serde_json::Value;

use crate::model::ExchangeInput;

/// The form of request and answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// OpenAI chat completions and the many that imitate it; also its older text completions.
    OpenAiChat,
    OpenAiResponses,
    /// Assistants, threads, messages and runs.
    OpenAiThreads,
    /// Anthropic messages, and the older completions.
    Anthropic,
    BedrockConverse,
    /// The model vendor's own form inside Bedrock.
    BedrockInvoke,
    Gemini,
    Cohere,
    Ollama,
    /// The results of a batch job, one answer a line.
    BatchResults,
    /// Vectors, images, verdicts: an answer without text, usage under `usage` where there is any.
    Plain,
    /// No known form.
    Unknown,
}

/// Where an exchange belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) provider: String,
    pub(crate) wire: Wire,
    pub(crate) operation: String,
    /// The model that the URL names.
    pub(crate) model: Option<String>,
    /// Successful calls of this operation are charged by usage.
    pub(crate) counted: bool,
}

/// Hosts that tell the provider, by suffix or part.
const HOSTS: [(&str, &str); 23] = [
    ("openai.azure.com", "azure"),
    ("cognitiveservices.azure.com", "azure"),
    ("services.ai.azure.com", "azure"),
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("bedrock-runtime", "aws.bedrock"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("mistral.ai", "mistral"),
    ("api.cohere.", "cohere"),
    ("api.groq.com", "groq"),
    ("api.together.", "together"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "x_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("openrouter.ai", "openrouter"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cerebras.ai", "cerebras"),
    ("api.moonshot.", "moonshotai"),
    ("api.z.ai", "zai"),
    ("open.bigmodel.cn", "zhipuai"),
    ("api.voyageai.com", "voyageai"),
    // The port that Ollama listens on unless told otherwise.
    (":11434", "ollama"),
];

/// The OpenTelemetry name of a provider, where one exists, for a name that sources use.
fn provider_name(said: &str) -> String {
    let said = said.trim().to_lowercase();
    let name = match said.as_str() {
        "openai-agents" | "openai_agents" => "openai",
        "azure_openai" | "azure-openai" | "azure.openai" | "azure.ai.openai" | "az.ai.openai" => "azure",
        "aws" | "bedrock" | "aws_bedrock" | "aws-bedrock" | "amazon_bedrock" => "aws.bedrock",
        "google" | "gemini" | "google-generativeai" | "google_generativeai" | "google_genai" => "gcp.gemini",
        "vertex" | "vertexai" | "vertex_ai" | "google_vertexai" => "gcp.vertex_ai",
        "mistralai" | "mistral_ai" => "mistral",
        "xai" | "x-ai" => "x_ai",
        "together_ai" | "togetherai" | "together-ai" => "together",
        _ => return said,
    };
    name.to_owned()
}

/// The provider's id in the price table.
pub(crate) fn pricing_provider(provider: &str) -> &str {
    match provider {
        "aws.bedrock" => "aws",
        "gcp.gemini" | "gcp.vertex_ai" | "gcp.gen_ai" => "google",
        "x_ai" => "x-ai",
        other => other,
    }
}

/// Host and path of a URL, lower-case host, path without query, percent signs resolved.
fn host_and_path(url: &str) -> (String, String) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    (host.to_lowercase(), percent_decoded(path))
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (byte == b'%').then(|| ahead.next().zip(ahead.next())).flatten();
        let hex = |digit: u8| char::from(digit).to_digit(16);
        match digits.and_then(|(high, low)| hex(high).zip(hex(low))) {
            Some((high, low)) => {
                // Two hexadecimal digits fit one byte.
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                bytes = ahead;
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What follows `start` up to `end` in a path.
fn between<'a>(path: &'a str, start: &str, end: &[&str]) -> Option<&'a str> {
    let (_, rest) = path.split_once(start)?;
    let stop = end
        .iter()
        .filter_map(|mark| rest.rfind(mark))
        .max()
        .unwrap_or(rest.len());
    Some(&rest[..stop]).filter(|part| !part.is_empty())
}

/// Finds the route of an exchange; `request` and `response` are its bodies where they are JSON.
pub(crate) fn route(input: &ExchangeInput<'_>, request: Option<&Value>, response: Option<&Value>) -> Route {
    let url = input.request.map_or("", |request| request.url);
    let (host, path) = host_and_path(url);
    let by_host = HOSTS
        .iter()
        .find(|(part, _)| host.contains(part))
        .map(|(_, name)| (*name).to_owned());
    let provider = by_host.unwrap_or_else(|| provider_name(input.provider));
    let by_path = by_path(&provider, &path);
    let said = input.operation.map(str::trim).filter(|said| !said.is_empty());
    let (wire, operation, counted) = match by_path {
        Some(found) => found,
        None => {
            let shape = by_shape(&provider, said.unwrap_or_default(), request, response);
            shape.unwrap_or((Wire::Unknown, "generic", false))
        }
    };
    let operation = if wire == Wire::Unknown {
        said.unwrap_or("generic")
    } else {
        operation
    };
    let model = between(&path, "/deployments/", &["/"])
        .map(|rest| rest.split('/').next().unwrap_or(rest))
        .or_else(|| between(&path, "/model/", &["/converse", "/invoke"]))
        .or_else(|| between(&path, "/models/", &[":"]).filter(|_| path.contains(':')));
    Route {
        provider,
        wire,
        operation: operation.to_owned(),
        model: model.map(str::to_owned),
        counted,
    }
}

type Kind = (Wire, &'static str, bool);

fn by_path(provider: &str, path: &str) -> Option<Kind> {
    let path = path.trim_end_matches('/');
    let ends = |tail: &str| path.ends_with(tail);
    let kind = match provider {
        "ollama" if ends("/api/chat") => (Wire::Ollama, "chat", true),
        "ollama" if ends("/api/generate") => (Wire::Ollama, "generate", true),
        _ if ends("/api/embed") || ends("/api/embeddings") => (Wire::Ollama, "embeddings", true),
        "cohere" if ends("/chat") => (Wire::Cohere, "chat", true),
        "cohere" if ends("/generate") => (Wire::Cohere, "completions", true),
        "cohere" if ends("/embed") => (Wire::Cohere, "embeddings", true),
        "cohere" if ends("/rerank") => (Wire::Cohere, "rerank", true),
        _ if ends("/converse") || ends("/converse-stream") => (Wire::BedrockConverse, "converse", true),
        _ if path.contains("/model/") && (ends("/invoke") || ends("/invoke-with-response-stream")) => {
            (Wire::BedrockInvoke, "invoke", true)
        }
        _ if ends(":generateContent") || ends(":streamGenerateContent") => {
            (Wire::Gemini, "generate_content", true)
        }
        _ if ends(":embedContent") || ends(":batchEmbedContents") => (Wire::Gemini, "embeddings", true),
        _ if ends(":rawPredict") || ends(":streamRawPredict") => (Wire::Anthropic, "messages", true),
        // What a call would cost, and jobs of many calls: nothing is used yet.
        _ if ends("/count_tokens") || ends("/responses/input_tokens") || ends(":countTokens") => {
            (Wire::Plain, "count_tokens", false)
        }
        _ if (path.contains("/batches/") && ends("/results"))
            || (path.contains("/files/") && (ends("/content") || ends(":download"))) =>
        {
            (Wire::BatchResults, "batch_results", false)
        }
        _ if path.contains("/batches") || ends(":batchGenerateContent") => (Wire::Plain, "batches", false),
        _ if ends("/chat/completions") => (Wire::OpenAiChat, "chat", true),
        // Mistral's agents answer like chats.
        _ if ends("/agents/completions") => (Wire::OpenAiChat, "chat", true),
        _ if ends("/completions") => (Wire::OpenAiChat, "completions", true),
        _ if ends("/responses") => (Wire::OpenAiResponses, "responses", true),
        _ if path.contains("/responses/") => (Wire::OpenAiResponses, "responses", false),
        _ if ends("/embeddings") => (Wire::Plain, "embeddings", true),
        _ if path.contains("/images/") => (Wire::Plain, "images", false),
        _ if ends("/ocr") => (Wire::Plain, "ocr", true),
        _ if ends("/moderations") => (Wire::Plain, "moderations", false),
        _ if ends("/audio/transcriptions") => (Wire::Plain, "transcriptions", false),
        _ if ends("/audio/translations") => (Wire::Plain, "translations", false),
        _ if ends("/audio/speech") => (Wire::Plain, "speech", false),
        _ if ends("/rerank") => (Wire::Plain, "rerank", false),
        _ if path.contains("/threads") => {
            let operation = if path.contains("/runs") {
                "runs"
            } else if path.contains("/messages") {
                "thread_messages"
            } else {
                "threads"
            };
            (Wire::OpenAiThreads, operation, false)
        }
        _ if path.contains("/assistants") => (Wire::OpenAiThreads, "assistants", false),
        _ if ends("/messages") => (Wire::Anthropic, "messages", true),
        _ if ends("/complete") => (Wire::Anthropic, "completions", true),
        _ => return None,
    };
    Some(kind)
}

/// The form by what the source says and what the bodies hold; for exchanges without a telling URL.
fn by_shape(provider: &str, said: &str, request: Option<&Value>, response: Option<&Value>) -> Option<Kind> {
    let has = |body: Option<&Value>, key: &str| body.is_some_and(|body| body.get(key).is_some());
    let object = response
        .and_then(|body| body.get("object"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let chat_like = match provider {
        "anthropic" => (Wire::Anthropic, "messages", true),
        "aws.bedrock" => (Wire::BedrockConverse, "converse", true),
        "gcp.gemini" | "gcp.vertex_ai" => (Wire::Gemini, "generate_content", true),
        "cohere" => (Wire::Cohere, "chat", true),
        "ollama" if !has(response, "choices") => (Wire::Ollama, "chat", true),
        _ => (Wire::OpenAiChat, "chat", true),
    };
    let kind = match said.to_lowercase().as_str() {
        "responses" => (Wire::OpenAiResponses, "responses", true),
        "messages" => (Wire::Anthropic, "messages", true),
        "converse" => (Wire::BedrockConverse, "converse", true),
        "invoke" | "invoke_model" => (Wire::BedrockInvoke, "invoke", true),
        "generate_content" => (Wire::Gemini, "generate_content", true),
        "embeddings" if provider == "cohere" => (Wire::Cohere, "embeddings", true),
        "embeddings" => (Wire::Plain, "embeddings", true),
        "images" | "image_generation" => (Wire::Plain, "images", false),
        "moderations" | "moderation" => (Wire::Plain, "moderations", false),
        "completions" | "text_completion" if chat_like.0 == Wire::OpenAiChat => {
            (Wire::OpenAiChat, "completions", true)
        }
        "chat" => chat_like,
        _ if object.starts_with("chat.completion") => (Wire::OpenAiChat, "chat", true),
        _ if object == "text_completion" => (Wire::OpenAiChat, "completions", true),
        _ if object == "response" => (Wire::OpenAiResponses, "responses", true),
        _ if has(response, "candidates") => (Wire::Gemini, "generate_content", true),
        _ if has(response, "stop_reason") && has(response, "content") => (Wire::Anthropic, "messages", true),
        _ if has(request, "messages") => chat_like,
        _ => return None,
    };
    Some(kind)
}
