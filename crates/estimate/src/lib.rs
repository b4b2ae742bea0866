//! Counts tokens where a provider did not: an estimate, marked as one.
//!
//! Only models of OpenAI are estimated, since only their tokenisers are published: the tables of tiktoken, inside the
//! crate `bpe-openai`, whose time is linear in the text whatever the text is. No I/O; a table is unpacked when it is
//! first needed. Everything else stays `usage_missing`: other vendors' models, calls with media, and models that
//! reason out of sight, where the visible text says little of what was charged.

mod models;

use aal_exchange::{Exchange, UsageState};
use aal_pricing::{Unit, Usage};

pub use models::Encoding;

/// Version of the rules below and of the crate that counts; part of every estimate, for a leaf must say how a number
/// came about. Raise it when either changes.
const VERSION: &str = "bpe-openai 0.3.2, rule 1";

/// Tokens that frame one message of a chat, and those that open the answer (OpenAI cookbook, "How to count tokens").
const PER_MESSAGE: u64 = 4;
const PER_CHAT: u64 = 3;

/// Gives an exchange whose usage is missing an estimated one, where that is possible.
///
/// Input is the text sent, with four tokens a message and three a chat; output is the text answered with names and
/// arguments of tool calls. Definitions of tools are not counted, so a call that offers tools is not estimated.
pub fn complete(exchange: &mut Exchange) {
    if exchange.usage_state != UsageState::Missing {
        return;
    }
    let Some(encoding) = estimable(exchange) else {
        return;
    };
    let chat_like = exchange.operation != "embeddings" && exchange.operation != "completions";
    let frame = if chat_like {
        exchange.details.messages.max(1) * PER_MESSAGE + PER_CHAT
    } else {
        0
    };
    let mut output = encoding.count(&exchange.output_text);
    for call in &exchange.tool_calls {
        output += encoding.count(&call.name) + encoding.count(&call.arguments);
    }
    let mut usage = Usage::new();
    usage.set_count(Unit::InputTokens, encoding.count(&exchange.input_text) + frame);
    if exchange.operation != "embeddings" {
        usage.set_count(Unit::OutputTokens, output);
    }
    exchange.usage = Some(usage);
    exchange.usage_state = UsageState::Estimated;
    exchange.usage_method = Some(format!("tiktoken {}, {VERSION}", encoding.name()));
}

/// The tokeniser of an exchange whose texts are all that was charged.
fn estimable(exchange: &Exchange) -> Option<Encoding> {
    let known_operation = matches!(
        exchange.operation.as_str(),
        "chat" | "responses" | "completions" | "embeddings"
    );
    let is_openai = matches!(exchange.provider.as_str(), "openai" | "azure");
    let details = &exchange.details;
    let plain = details.media.is_empty() && details.tools.is_empty() && details.documents == 0;
    let has_input = !exchange.input_text.is_empty();
    let visible = exchange.reasoning_text.is_empty();
    if !(known_operation && is_openai && plain && has_input && visible && exchange.understood) {
        return None;
    }
    // A deployment of Azure is named by its owner: only the model that the answer names is one.
    let model = exchange.model.as_deref()?;
    if exchange.provider == "azure" && exchange.model == exchange.model_requested {
        return None;
    }
    Encoding::of_model(model)
}
