//! The edge: takes events over HTTP, checks them, and answers once Kafka has them.
//!
//! Invariant: a 201 is sent only after the brokers acknowledged the record (`acks=all`); everything else is a problem
//! document that says what to do. The edge keeps nothing: what is not acknowledged is the client's to send again, with
//! the same `event_id`.
//!
//! The way of an event: [`auth`] (whose key is it) → [`admission`] (is there room, before a byte of the body is read) →
//! [`accept`] (parse, check, strip credentials, sign a receipt, encode) → [`delivery`] (Kafka's acknowledgement) → 201.
//!
//! OpenTelemetry spans come by [`otlp`], mapped to events by `aal-otlp`, and go the same way.
//!
//! Beside it, [`gateway`]: a reverse proxy in front of the providers, on the same port or as a program of its own.

mod accept;
mod admission;
mod auth;
mod batch;
mod clean;
mod config;
mod delivery;
mod duplicate;
mod edge;
mod gateway;
mod life;
mod openapi;
mod otlp;
mod outcome;
mod rate;
mod routes;
mod run;
mod single;
mod stats;

pub use aal_keys::KeysConfig;
pub use accept::{Acceptor, Prepared, Refusal};
pub use auth::{Caller, DirectoryError, KeyDirectory};
pub use config::{AdmissionConfig, Config, KeyCacheConfig, LimitsConfig, RateConfig, ReceiptConfig};
pub use gateway::{
    AnonymousConfig, CapturePolicy, Fsync, GatewayConfig, GatewayConfigError, GatewayError, GatewayLimits,
    GatewayProgramConfig, RunningGateway, SignConfig, SpoolConfig, TimeoutsConfig, UpstreamConfig,
    run_gateway, start_gateway,
};
pub use openapi::DOCUMENT as OPENAPI_DOCUMENT;
pub use run::{RunError, Running, run, start};
