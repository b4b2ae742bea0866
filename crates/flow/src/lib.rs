//! Decides what a processor does next; no I/O.
