//! A provider of language models that needs no network: it answers the calls of the well-known client libraries with
//! answers made from the request, streams chunk by chunk, and misbehaves when it is asked to.
//!
//! Same request, same answer: nothing in an answer depends on a clock, a counter or chance.
//! What it saw is listed at `GET /_fake/requests` (bounded, see [`seen`]).

mod answer;
mod anthropic;
mod bedrock;
pub mod behaviour;
mod call;
mod cohere;
mod frames;
mod google;
mod ollama;
mod openai;
mod openai_responses;
mod recordings;
mod script;
pub mod seen;
mod server;

pub use behaviour::Behaviour;
pub use recordings::{RecordingError, Recordings};
pub use server::{Options, Running, start};
