//! A believable month of decisions, deterministic by seed, and recorded exchanges as events.
//!
//! No I/O and no clock: [`Demo`] is an iterator, [`replay_event`] a function. People, numbers and keys are invented; see
//! `people` for how they are kept clear of real ones.

mod calendar;
mod catalogue;
mod demo;
mod event;
mod models;
mod people;
mod plan;
mod replay;
mod rng;
mod script;
mod wire;

pub use catalogue::{COMPANIES, Company, Scenario};
pub use demo::{Demo, DemoEntry, DemoItem};
pub use replay::{ReplayError, replay_event};
