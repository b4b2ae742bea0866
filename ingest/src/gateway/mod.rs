//! The gateway: a reverse proxy in front of the providers that records every call.
//!
//! Invariants: bytes go through as they come, in both directions, unbuffered and unchanged, trailers and compression
//! included; nothing is sent twice; a call is recorded exactly once, however it ends; credentials stay out of events.
//!
//! The way of a call: [`target`] (which provider) → whose key is it → [`attribution`] (its headers are taken off) →
//! [`policy`] (under `fail_closed` the intent is acknowledged first) → [`proxy`] (forwarded; [`tee`] looks on) → the
//! answer. Off the call's path: [`recorder`] → [`assemble`] (one event) → [`courier`] (Kafka, else [`spool`]).

mod assemble;
mod attribution;
mod capture;
mod client;
mod config;
mod courier;
mod decode;
mod draft;
mod headers;
mod intent;
mod policy;
mod program;
mod proxy;
mod recorder;
mod replay;
mod service;
mod spool;
mod stats;
mod target;
mod tee;

pub use config::{
    AnonymousConfig, CapturePolicy, Fsync, GatewayConfig, GatewayConfigError, GatewayLimits, SignConfig,
    SpoolConfig, TimeoutsConfig, UpstreamConfig,
};
pub use program::{GatewayProgramConfig, RunningGateway, run_gateway, start_gateway};
pub(crate) use proxy::GatewayBody;
pub use service::GatewayError;
pub(crate) use service::GatewayService;
pub(crate) use target::PREFIX;
