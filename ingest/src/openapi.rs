//! `GET /openapi.json`.

/// The edge's OpenAPI 3.1 document.
pub const DOCUMENT: &str = include_str!("../openapi.json");
