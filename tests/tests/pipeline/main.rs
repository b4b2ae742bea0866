//! The whole pipeline, as its users meet it.

mod console;
mod failures;
mod lifecycle;
mod outside_kafka;
mod replay;
mod reports;
mod tamper;
