//! Reads, metrics, live feed, sign-in.
