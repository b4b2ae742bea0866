//! The gateway between real HTTP clients, the fake provider and a mock Kafka cluster.

mod campaign;
mod clients;
mod endings;
mod events;
mod outages;
mod program;
mod refusals;
mod rigging;
#[path = "../support/mod.rs"]
mod support;
mod tls;
