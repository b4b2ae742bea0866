//! Provider exchanges parsed into one normalised form.
//!
//! [`parse`] takes request and response as they crossed the wire and says what happened: provider, operation, models,
//! texts, tool calls, finish reasons, usage and whether that usage can be relied on. It never fails and never panics;
//! an exchange of no known form comes out with `understood: false` and nothing made up.
//!
//! A stream is first folded into the body that an unstreamed call would have had, so each form has one reader; that
//! body is also what redaction must look at ([`reassembled_response`]). Usage is read by the rules of
//! [`aal_pricing::PriceTable`].
//!
//! No I/O, no clock: costs are asked for with a time.

mod answer;
mod anthropic;
mod aws_frames;
mod batch;
mod bedrock;
mod coalesce;
mod content;
mod details;
mod frames;
mod line;
mod media;
mod model;
mod money;
mod multipart;
mod openai_chat;
mod openai_more;
mod otel;
mod parse;
mod route;
mod usage;
mod vendors;

pub use details::{Details, Embeddings, Media, Safety, Side, ToolDefinition};
pub use line::{BadLine, RecordedRequest, RecordedResponse, Recording, normalise_line, normalise_line_with};
pub use model::{Exchange, ExchangeInput, HeaderCounts, RequestPart, ResponsePart, ToolCall, UsageState};
pub use money::PricedCall;
pub use parse::{parse, reassembled_response, texts};
