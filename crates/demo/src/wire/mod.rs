//! What goes over the wire to a provider and comes back, byte for byte in the shape the provider uses.
//!
//! The text is written with `format!`, not with a JSON value, because key order and spacing belong to the shape and
//! must not depend on how another crate configures `serde_json`.

mod anthropic;
mod chat;
mod embeddings;
mod errors;
mod responses;

use crate::{
    catalogue::{Api, Route},
    rng::Rng,
};

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A whole answer.
    Answered,
    /// A stream that stops in the middle, without the usage that comes last.
    BrokenOff,
    /// HTTP 429.
    RateLimited,
    /// HTTP 500 (OpenAI, Azure) or 529 (Anthropic).
    ServerError,
    /// Refused by the provider's content filter.
    Filtered,
    /// No answer within the client's limit.
    TimedOut,
}

/// One call, before it is written down.
#[derive(Debug)]
pub struct Call<'a> {
    pub route: &'a Route,
    pub system: &'a str,
    /// Earlier turns of the session: what was asked and what was answered.
    pub history: &'a [(String, String)],
    pub question: &'a str,
    pub answer: &'a str,
    /// Tokens of the prompt that the provider had in its cache.
    pub cached_tokens: u64,
    /// Tokens of the prompt that were put into the cache (Anthropic says so, OpenAI does not).
    pub cache_written_tokens: u64,
    pub reasoning_tokens: u64,
    pub stream: bool,
    pub created_s: i64,
}

/// Both halves of the exchange.
#[derive(Debug)]
pub struct Wire {
    pub request_body: String,
    pub answer: Option<Answer>,
    pub interrupted: bool,
    /// Type and message, when the call failed.
    pub error: Option<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

impl Call<'_> {
    /// Tokens of everything sent. Four bytes a token is what English text comes to.
    #[must_use]
    pub fn input_tokens(&self) -> u64 {
        let history: u64 = self
            .history
            .iter()
            .map(|(asked, answered)| tokens(asked) + tokens(answered) + 8)
            .sum();
        tokens(self.system) + history + tokens(self.question) + 11
    }

    /// Tokens of the answer that are shown, without reasoning.
    #[must_use]
    pub fn answer_tokens(&self) -> u64 {
        tokens(self.answer)
    }
}

/// Writes the exchange down.
pub fn render(call: &Call<'_>, fate: Fate, rng: &mut Rng) -> Wire {
    let request_body = match call.route.api {
        Api::Chat | Api::AzureChat => chat::request(call),
        Api::Responses => responses::request(call),
        Api::Embeddings => embeddings::request(call),
        Api::Messages => anthropic::request(call),
    };
    if let Some((answer, error)) = errors::failure(call, fate, rng) {
        return Wire {
            request_body,
            answer,
            interrupted: false,
            error: Some(error),
        };
    }
    let (mut body, content_type) = match (call.route.api, call.stream) {
        (Api::Chat | Api::AzureChat, false) => (chat::response(call, rng), "application/json"),
        (Api::Chat | Api::AzureChat, true) => (chat::stream(call, rng), "text/event-stream; charset=utf-8"),
        (Api::Responses, false) => (responses::response(call, rng), "application/json"),
        (Api::Responses, true) => (responses::stream(call, rng), "text/event-stream; charset=utf-8"),
        (Api::Embeddings, _) => (embeddings::response(call, rng), "application/json"),
        (Api::Messages, false) => (anthropic::response(call, rng), "application/json"),
        (Api::Messages, true) => (anthropic::stream(call, rng), "text/event-stream; charset=utf-8"),
    };
    let interrupted = fate == Fate::BrokenOff && call.stream;
    if interrupted {
        break_off(&mut body, rng);
    }
    let error = interrupted.then(|| {
        let message =
            "peer closed connection without sending complete message body (incomplete chunked read)";
        ("connection_closed".to_owned(), message.to_owned())
    });
    Wire {
        request_body,
        answer: Some(Answer {
            status: 200,
            content_type,
            body,
        }),
        interrupted,
        error,
    }
}

/// Cuts a stream somewhere in its middle half, within a frame as often as not.
fn break_off(body: &mut String, rng: &mut Rng) {
    let length = body.len() as u64;
    let mut cut = usize::try_from(rng.between(length / 4, length * 3 / 4)).unwrap_or(0);
    while !body.is_char_boundary(cut) {
        cut -= 1;
    }
    if rng.chance(500) {
        cut = body[..cut].rfind("\n\n").map_or(cut, |frame_end| frame_end + 2);
    }
    body.truncate(cut);
}

fn tokens(text: &str) -> u64 {
    text.len() as u64 / 4 + 1
}

/// A JSON string literal.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The pieces in which a model streams its answer: two to four words each, joined again they are the answer.
fn pieces(text: &str, rng: &mut Rng) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut words_left = rng.between(2, 4);
    for word in text.split_inclusive(' ') {
        piece.push_str(word);
        words_left -= 1;
        if words_left == 0 {
            pieces.push(std::mem::take(&mut piece));
            words_left = rng.between(2, 4);
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text() {
        let text = "The applicant's debt ratio is 31 %, within policy.\n\nDecision: approve.";
        let pieces = pieces(text, &mut Rng::new(3));
        assert!(pieces.len() > 3);
        assert_eq!(pieces.concat(), text);
    }
}
