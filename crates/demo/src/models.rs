//! The models that the companies call, with their addresses and speeds.

use crate::catalogue::{Api, Route};

const OPENAI_CHAT_URL: &str = "https://api.openai.com/v1/chat/completions";
const OPENAI_RESPONSES_URL: &str = "https://api.openai.com/v1/responses";
const OPENAI_EMBEDDINGS_URL: &str = "https://api.openai.com/v1/embeddings";
const ANTHROPIC_URL: &str = "https://api.anthropic.com/v1/messages";

pub const GPT_4O: Route = Route {
    api: Api::Chat,
    model: "gpt-4o",
    snapshot: "gpt-4o-2024-08-06",
    url: OPENAI_CHAT_URL,
    weight: 10,
    streams_per_mille: 150,
    reasons: false,
    first_token_ms: 420,
    token_us: 11_000,
};
pub const GPT_4O_MINI: Route = Route {
    model: "gpt-4o-mini",
    snapshot: "gpt-4o-mini-2024-07-18",
    streams_per_mille: 800,
    first_token_ms: 310,
    token_us: 8_000,
    ..GPT_4O
};
pub const GPT_4_1: Route = Route {
    model: "gpt-4.1",
    snapshot: "gpt-4.1-2025-04-14",
    first_token_ms: 450,
    ..GPT_4O
};
pub const O4_MINI: Route = Route {
    model: "o4-mini",
    snapshot: "o4-mini-2025-04-16",
    streams_per_mille: 0,
    reasons: true,
    first_token_ms: 900,
    token_us: 7_000,
    ..GPT_4O
};
pub const GPT_5: Route = Route {
    api: Api::Responses,
    model: "gpt-5",
    snapshot: "gpt-5-2025-08-07",
    url: OPENAI_RESPONSES_URL,
    streams_per_mille: 500,
    reasons: true,
    first_token_ms: 2_300,
    token_us: 13_000,
    weight: 10,
};
pub const GPT_4_1_MINI_RESPONSES: Route = Route {
    model: "gpt-4.1-mini",
    snapshot: "gpt-4.1-mini-2025-04-14",
    streams_per_mille: 700,
    reasons: false,
    first_token_ms: 380,
    token_us: 7_500,
    ..GPT_5
};
pub const EMBEDDING_SMALL: Route = Route {
    api: Api::Embeddings,
    model: "text-embedding-3-small",
    snapshot: "text-embedding-3-small",
    url: OPENAI_EMBEDDINGS_URL,
    weight: 10,
    streams_per_mille: 0,
    reasons: false,
    first_token_ms: 120,
    token_us: 0,
};
pub const EMBEDDING_LARGE: Route = Route {
    model: "text-embedding-3-large",
    snapshot: "text-embedding-3-large",
    ..EMBEDDING_SMALL
};
pub const SONNET: Route = Route {
    api: Api::Messages,
    model: "claude-sonnet-4-5",
    snapshot: "claude-sonnet-4-5-20250929",
    url: ANTHROPIC_URL,
    weight: 10,
    streams_per_mille: 450,
    reasons: false,
    first_token_ms: 780,
    token_us: 14_000,
};
pub const HAIKU: Route = Route {
    model: "claude-haiku-4-5",
    snapshot: "claude-haiku-4-5-20251001",
    first_token_ms: 390,
    token_us: 7_000,
    ..SONNET
};
pub const AZURE_GPT_4O: Route = Route {
    api: Api::AzureChat,
    url: "https://stbrigid-clinical.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
    streams_per_mille: 250,
    ..GPT_4O
};
pub const AZURE_GPT_4O_MINI: Route = Route {
    api: Api::AzureChat,
    url: "https://stbrigid-clinical.openai.azure.com/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21",
    streams_per_mille: 250,
    ..GPT_4O_MINI
};
/// Trained in house, served behind OpenAI's interface; no price table knows it.
pub const IN_HOUSE_RISK: Route = Route {
    model: "meridian-risk-7b",
    snapshot: "meridian-risk-7b-r12",
    url: "https://llm.meridian.example/v1/chat/completions",
    streams_per_mille: 0,
    first_token_ms: 95,
    token_us: 5_000,
    ..GPT_4O
};
