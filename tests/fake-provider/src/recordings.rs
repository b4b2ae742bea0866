//! Recorded exchanges as answers: a request that was recorded gets the recorded response, byte for byte.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::Value;

/// Why recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}, line {line}: {message}")]
    Line {
        path: PathBuf,
        line: usize,
        message: String,
    },
}

/// What was recorded of a response.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

/// Responses by method, path and the JSON of the request.
#[derive(Clone, Debug, Default)]
pub struct Recordings {
    responses: HashMap<(String, String, String), Recorded>,
}

impl Recordings {
    /// Reads every `*.jsonl` of a folder, or one file.
    ///
    /// # Errors
    /// [`RecordingError`] names the file and the line.
    pub fn read(path: &Path) -> Result<Recordings, RecordingError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            |source| RecordingError::Io { path, source }
        };
        let mut files = vec![path.to_owned()];
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(at(path))?;
            files = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
            // Where a request was recorded twice, the last one of the last file counts, in this order everywhere.
            files.sort();
        }
        let mut recordings = Recordings::default();
        for file in files {
            let text = std::fs::read_to_string(&file).map_err(at(&file))?;
            for (index, line) in text.lines().enumerate() {
                recordings.add(line).map_err(|message| RecordingError::Line {
                    path: file.clone(),
                    line: index + 1,
                    message,
                })?;
            }
        }
        Ok(recordings)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let exchange: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let (request, response) = (&exchange["request"], &exchange["response"]);
        let method = request["method"].as_str().unwrap_or("POST").to_owned();
        let url = request["url"].as_str().ok_or("request.url is missing")?;
        let after_host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let path = after_host.find('/').map_or("/", |at| &after_host[at..]);
        let path = path.split(['?', '#']).next().unwrap_or("/").to_owned();
        let body = match response["body_base64"].as_str() {
            Some(text) => STANDARD.decode(text).map_err(|error| error.to_string())?.into(),
            None => Bytes::from(response["body"].as_str().unwrap_or_default().to_owned()),
        };
        let recorded = Recorded {
            status: response["status"]
                .as_u64()
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(200),
            content_type: response["content_type"].as_str().map(str::to_owned),
            body,
        };
        let asked = request["body"].as_str().unwrap_or_default();
        self.responses
            .insert((method, path, canonical(asked.as_bytes())), recorded);
        Ok(())
    }

    pub(crate) fn find(&self, method: &str, path: &str, body: &[u8]) -> Option<&Recorded> {
        if self.responses.is_empty() {
            return None;
        }
        self.responses
            .get(&(method.to_owned(), path.to_owned(), canonical(body)))
    }
}

/// JSON with sorted keys, so that another client's spelling of the same request is found, too.
fn canonical(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => value.to_string(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_spelling_of_a_recorded_request_is_found() {
        let mut recordings = Recordings::default();
        recordings
            .add(r#"{"request":{"method":"POST","url":"https://x.example/v1/a?b=1","body":"{\"b\": 1, \"a\": 2}"},"response":{"status":201,"content_type":"text/plain","body":"yes"}}"#)
            .unwrap();
        let found = recordings.find("POST", "/v1/a", br#"{"a":2,"b":1}"#).unwrap();
        assert_eq!((found.status, &found.body[..]), (201, &b"yes"[..]));
        assert!(recordings.find("POST", "/v1/a", br#"{"a":3,"b":1}"#).is_none());
        assert!(recordings.add("{}").is_err());
    }
}
