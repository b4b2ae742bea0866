//! What can go wrong, and which ClickHouse error code and HTTP status it has.

use hyper::StatusCode;
use std::path::PathBuf;

/// ClickHouse error codes this crate raises itself (`src/Common/ErrorCodes.cpp` of ClickHouse).
pub mod code {
    /// `BAD_ARGUMENTS`.
    pub const BAD_ARGUMENTS: u32 = 36;
    /// `NOT_IMPLEMENTED`.
    pub const NOT_IMPLEMENTED: u32 = 48;
    /// `SYNTAX_ERROR`.
    pub const SYNTAX_ERROR: u32 = 62;
    /// `UNKNOWN_SETTING`.
    pub const UNKNOWN_SETTING: u32 = 115;
    /// `CANNOT_DECOMPRESS`, also for a broken frame around the data.
    pub const CANNOT_DECOMPRESS: u32 = 271;
    /// `TIMEOUT_EXCEEDED`.
    pub const TIMEOUT_EXCEEDED: u32 = 159;
    /// `TOO_MANY_SIMULTANEOUS_QUERIES`.
    pub const TOO_MANY_SIMULTANEOUS_QUERIES: u32 = 202;
    /// `SOCKET_TIMEOUT`.
    pub const SOCKET_TIMEOUT: u32 = 209;
    /// `NETWORK_ERROR`: the client went away while it sent.
    pub const NETWORK_ERROR: u32 = 210;
    /// `CHECKSUM_DOESNT_MATCH`.
    pub const CHECKSUM_DOESNT_MATCH: u32 = 40;
    /// `QUERY_WAS_CANCELLED`.
    pub const QUERY_WAS_CANCELLED: u32 = 394;
    /// `ACCESS_DENIED`.
    pub const ACCESS_DENIED: u32 = 497;
    /// `AUTHENTICATION_FAILED`.
    pub const AUTHENTICATION_FAILED: u32 = 516;
    /// `UNKNOWN_EXCEPTION`.
    pub const UNKNOWN_EXCEPTION: u32 = 1002;
}

/// Everything that can go wrong in the engine process.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No library was found by [`crate::default_library_path`].
    #[error(
        "no engine library: run scripts/fetch-engine.sh, or set AAL_CHDB_LIB to the path of a libchdb.so"
    )]
    LibraryMissing,
    /// The library cannot be loaded.
    #[error("cannot load the engine library {path}")]
    Library {
        /// The file that was tried.
        path: PathBuf,
        /// What the dynamic linker said.
        #[source]
        source: libloading::Error,
    },
    /// Another process uses the data directory.
    #[error("the data directory {path} is in use by another engine process")]
    DirectoryInUse {
        /// The directory.
        path: PathBuf,
    },
    /// The data directory cannot be made or locked, or the address cannot be listened on.
    #[error("cannot use {what}")]
    Io {
        /// A path or an address.
        what: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The engine refused to open the data directory; the reason is on standard error.
    #[error("the engine did not open its data directory (its reason is on standard error)")]
    Connect,
    /// A statement failed. The text starts with `Code: N. DB::Exception: ` as a ClickHouse server's does.
    #[error("{text}")]
    Query {
        /// ClickHouse's error code.
        code: u32,
        /// The whole text.
        text: String,
    },
}

impl EngineError {
    /// An error of this crate in the form the engine's own errors have.
    pub fn query(code: u32, name: &str, message: impl std::fmt::Display) -> Self {
        Self::Query {
            code,
            text: format!("Code: {code}. DB::Exception: {message}. ({name})"),
        }
    }

    /// The engine's text, with the code taken from it and its repetitions removed.
    pub(crate) fn from_text(text: String) -> Self {
        let text = text.trim();
        let code = parse_code(text).unwrap_or(code::UNKNOWN_EXCEPTION);
        // An error that crosses the library's layers gets the same prefix once more in each.
        let prefix = format!("Code: {code}. DB::Exception: ");
        let doubled = prefix.repeat(2);
        let mut rest = text.trim_start_matches("Error: ");
        while rest.starts_with(&doubled) {
            rest = &rest[prefix.len()..];
        }
        let text = if parse_code(rest).is_some() {
            rest.to_owned()
        } else {
            format!("{prefix}{rest}")
        };
        Self::Query { code, text }
    }

    pub(crate) fn no_result() -> Self {
        Self::query(
            code::UNKNOWN_EXCEPTION,
            "UNKNOWN_EXCEPTION",
            "the engine gave neither a result nor an error",
        )
    }

    /// ClickHouse's code; 1002 for errors that are not a statement's.
    pub fn code(&self) -> u32 {
        match self {
            Self::Query { code, .. } => *code,
            _ => code::UNKNOWN_EXCEPTION,
        }
    }

    /// The status a ClickHouse server answers with (`exceptionCodeToHTTPStatus`).
    pub fn status(&self) -> StatusCode {
        match self.code() {
            194 => StatusCode::UNAUTHORIZED,
            192 | 193 | 497 | 516 | 512 => StatusCode::FORBIDDEN,
            6 | 25..=27 | 36 | 38 | 40..=43 | 53 | 62 | 69 | 70 | 72 | 117 | 131 | 271 | 321 | 427 | 457 => {
                StatusCode::BAD_REQUEST
            }
            16 | 46 | 47 | 50 | 56 | 60 | 61 | 63 | 81 | 115 => StatusCode::NOT_FOUND,
            107 | 198 | 209 => StatusCode::SERVICE_UNAVAILABLE,
            // A server has no own status for a full query queue; a client should come back later.
            202 => StatusCode::SERVICE_UNAVAILABLE,
            159 => StatusCode::REQUEST_TIMEOUT,
            161 | 352 => StatusCode::PAYLOAD_TOO_LARGE,
            48 => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The number after the first `Code: `.
fn parse_code(text: &str) -> Option<u32> {
    let rest = &text[text.find("Code: ")? + "Code: ".len()..];
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (u32, String) {
        let error = EngineError::from_text(text.to_owned());
        (error.code(), error.to_string())
    }

    #[test]
    fn the_code_is_read_and_repeated_prefixes_go() {
        let text = "Code: 241. DB::Exception: Code: 241. DB::Exception: memory (MEMORY_LIMIT_EXCEEDED)\n";
        assert_eq!(
            of(text),
            (
                241,
                "Code: 241. DB::Exception: memory (MEMORY_LIMIT_EXCEEDED)".to_owned()
            )
        );
    }

    #[test]
    fn a_text_without_a_code_gets_one() {
        assert_eq!(
            of("Error: boom"),
            (1002, "Code: 1002. DB::Exception: boom".to_owned())
        );
    }

    #[test]
    fn a_nested_error_of_another_code_stays() {
        let text = "Code: 27. DB::Exception: row 3: Code: 6. DB::Exception: x";
        assert_eq!(of(text), (27, text.to_owned()));
    }
}
