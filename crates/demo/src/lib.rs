//! A believable month of decisions, deterministic by seed.
