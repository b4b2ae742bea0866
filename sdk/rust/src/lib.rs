//! Sends events to the edge.
