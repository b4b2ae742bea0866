//! Request bodies with a limit that also holds for chunked bodies (warp's own limit answers 411 to
//! them), and JSON whose errors say where.

use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use warp::{Filter, Rejection};

use crate::problem::Problem;

/// How much of a refused body is still read so that the client gets to see the answer, in bytes.
const DRAIN_MAX_BYTES: u64 = 32 * 1024 * 1024;
/// For how long a refused body is still read.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// What is accepted of one body.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    /// Longest body, in bytes; a longer one is answered 413 with this number in the detail.
    pub max_bytes: u64,
    /// From the first read to the last byte; a slower body is answered 408.
    pub timeout: Duration,
}

impl Default for BodyLimit {
    fn default() -> Self {
        Self {
            max_bytes: 1024 * 1024,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Extracts the whole body, or the problem to answer with.
///
/// It never rejects, so put it behind the path and the method.
pub fn bytes(
    limit: BodyLimit,
) -> impl Filter<Extract = (Result<Bytes, Problem>,), Error = Rejection> + Clone {
    warp::header::headers_cloned()
        .and(warp::body::stream())
        .then(move |headers: HeaderMap, stream| async move { read_capped(&headers, stream, limit).await })
}

/// Reads `stream` to its end within `limit`.
///
/// # Errors
/// 413 naming the limit, 408 when it is too slow, 400 when it breaks off.
pub async fn read_capped<S, B, E>(headers: &HeaderMap, stream: S, limit: BodyLimit) -> Result<Bytes, Problem>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
    E: std::fmt::Display,
{
    let mut stream = std::pin::pin!(stream);
    let deadline = Instant::now() + limit.timeout;
    let announced: u64 = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0);
    if announced > limit.max_bytes {
        // A client that waits for "100 Continue" has sent nothing yet, and must not be told to go on.
        if !headers.contains_key(EXPECT) {
            drain(stream).await;
        }
        return Err(too_large(limit));
    }
    // `announced` is within the limit, so it cannot be used to reserve much memory.
    let mut collected = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0));
    loop {
        let next = tokio::time::timeout_at(deadline, stream.next()).await;
        let chunk = match next {
            Err(_) => {
                let detail = format!("the body did not arrive within {} ms", limit.timeout.as_millis());
                return Err(Problem::timeout(detail));
            }
            Ok(None) => return Ok(collected.freeze()),
            Ok(Some(Err(error))) => {
                return Err(Problem::bad_request(format!("the body broke off: {error}")));
            }
            Ok(Some(Ok(chunk))) => chunk,
        };
        if collected.len() as u64 + chunk.remaining() as u64 > limit.max_bytes {
            drop(chunk);
            drain(stream).await;
            return Err(too_large(limit));
        }
        append(&mut collected, chunk);
    }
}

fn append(collected: &mut BytesMut, mut chunk: impl Buf) {
    while chunk.has_remaining() {
        let part = chunk.chunk();
        collected.extend_from_slice(part);
        let part_len = part.len();
        chunk.advance(part_len);
    }
}

fn too_large(limit: BodyLimit) -> Problem {
    Problem::too_large(format!(
        "the body is longer than the limit of {} bytes",
        limit.max_bytes
    ))
}

/// Reads on without keeping anything: a connection closed with unread bytes is reset by the kernel,
/// and the client would see "broken pipe" instead of the 413.
async fn drain<S, B, E>(mut stream: std::pin::Pin<&mut S>)
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
{
    let mut drained: u64 = 0;
    let reading = async {
        while let Some(Ok(chunk)) = stream.next().await {
            drained += chunk.remaining() as u64;
            if drained > DRAIN_MAX_BYTES {
                break;
            }
        }
    };
    // Running out of time is as good as reaching the end: the answer goes out now either way.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, reading).await;
}

/// Refuses a body that is announced as something other than one of `accepted` (415).
///
/// A missing `Content-Type` is accepted: small scripts leave it out.
///
/// # Errors
/// 415 naming what is accepted.
pub fn expect_content_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Problem> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let value = value.to_str().unwrap_or("");
    let essence = value.split(';').next().unwrap_or("").trim();
    if accepted.iter().any(|accept| essence.eq_ignore_ascii_case(accept)) {
        return Ok(());
    }
    let detail = format!(
        "this content type is not accepted here; send {}",
        accepted.join(" or ")
    );
    Err(Problem::unsupported_media_type(detail))
}

/// Reads JSON into `T`; the problem names the member, or the line and column when it is no JSON at all.
///
/// # Errors
/// 400 with a pointer.
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if let Err(error) = std::str::from_utf8(body) {
        let detail = format!(
            "the body is not UTF-8: bad byte at offset {}",
            error.valid_up_to()
        );
        return Err(Problem::bad_request(detail));
    }
    let mut unknown: Vec<String> = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_slice(body);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let parsed = serde_ignored::deserialize(tracked, |path| unknown.push(path.to_string()));
    let value: T =
        parsed.map_err(|error: serde_json::Error| json_problem(&error, &track.path().to_string()))?;
    json.end().map_err(|error| json_problem(&error, "."))?;
    if unknown.is_empty() {
        return Ok(value);
    }
    let mut problem = Problem::validation("the body has members that are not known here");
    for path in unknown {
        problem = problem.with_error(
            shown_pointer(&path),
            "is not known here; remove it or check its spelling",
        );
    }
    Err(problem)
}

fn json_problem(error: &serde_json::Error, path: &str) -> Problem {
    let position = format!("line {}, column {}", error.line(), error.column());
    if error.is_data() {
        let text = error.to_string();
        // serde_json appends the position, which is given apart.
        let message = text.split(" at line ").next().unwrap_or(&text);
        return Problem::validation(format!("the body breaks a rule at {position}"))
            .with_error(shown_pointer(path), without_values(message));
    }
    Problem::bad_request(format!("the body is not JSON: {error}")).with_error("", position)
}

/// The parser's words without what they quote of the body: `invalid type: string "x", expected u8` and the like.
fn without_values(message: &str) -> String {
    let quotes = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown field ",
        "unknown variant ",
    ];
    match quotes.iter().find(|quote| message.starts_with(**quote)) {
        Some(quote) => {
            let what = quote.trim_end().trim_end_matches(':');
            let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
            format!("{what}; expected {}", expected.unwrap_or("something else"))
        }
        // A rule of our own types, or a missing field, whose name is ours.
        None => message.to_owned(),
    }
}

/// The pointer with its last name only as it may be shown: the names above it are known ones.
fn shown_pointer(path: &str) -> String {
    let pointer = pointer_of(path);
    match pointer.rsplit_once('/') {
        Some((above, last)) if last.parse::<u32>().is_err() => {
            format!("{above}/{}", aal_event::shown_name(last))
        }
        _ => pointer,
    }
}

/// `a.b[0].c` of serde_path_to_error and serde_ignored as the JSON pointer `/a/b/0/c`.
fn pointer_of(path: &str) -> String {
    if path == "." || path.is_empty() {
        return String::new();
    }
    let mut pointer = String::with_capacity(path.len() + 1);
    for part in path.split(['.', '[']) {
        let part = part.trim_end_matches(']');
        if !part.is_empty() && part != "?" {
            pointer.push('/');
            pointer.push_str(part);
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[allow(dead_code)]
        n: u8,
    }
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[allow(dead_code)]
        items: Vec<Inner>,
    }

    fn chunks(parts: &[&'static str]) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
        futures_util::stream::iter(
            parts
                .iter()
                .map(|part| Ok(Bytes::from_static(part.as_bytes())))
                .collect::<Vec<_>>(),
        )
    }

    #[tokio::test]
    async fn a_chunked_body_is_limited_too() {
        let limit = BodyLimit {
            max_bytes: 5,
            timeout: Duration::from_secs(1),
        };
        let headers = HeaderMap::new();
        let body = read_capped(&headers, chunks(&["ab", "cde"]), limit)
            .await
            .unwrap();
        assert_eq!(&body[..], b"abcde");
        let problem = read_capped(&headers, chunks(&["abc", "def"]), limit)
            .await
            .unwrap_err();
        assert_eq!(problem.status, 413);
        assert!(problem.detail.contains("5 bytes"), "{problem}");
    }

    #[tokio::test]
    async fn a_body_that_stalls_is_given_up() {
        let limit = BodyLimit {
            max_bytes: 5,
            timeout: Duration::from_millis(1),
        };
        let stalled = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let problem = read_capped(&HeaderMap::new(), stalled, limit).await.unwrap_err();
        assert_eq!(problem.status, 408);
    }

    #[test]
    fn json_errors_say_where() {
        let wrong_type = parse_json::<Outer>(br#"{"items":[{"n":1},{"n":"x"}]}"#).unwrap_err();
        assert_eq!(wrong_type.errors[0].pointer, "/items/1/n");
        let unknown = parse_json::<Outer>(br#"{"items":[{"n":1,"m":2}],"z":1}"#).unwrap_err();
        let pointers: Vec<_> = unknown
            .errors
            .iter()
            .map(|error| error.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["/items/0/m", "/z"]);
        let no_json = parse_json::<Outer>(b"{\"items\":\n oops}").unwrap_err();
        assert_eq!(no_json.errors[0].message, "line 2, column 2");
        let not_utf8 = parse_json::<Outer>(b"{\"items\":\"\xff\"}").unwrap_err();
        assert!(not_utf8.detail.contains("offset 10"), "{not_utf8}");
        assert!(parse_json::<Outer>(br#"{"items":[]} trailing"#).is_err());
    }

    #[test]
    fn content_types_are_compared_without_parameters() {
        let mut headers = HeaderMap::new();
        assert!(expect_content_type(&headers, &["application/json"]).is_ok());
        headers.insert(CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap());
        assert!(expect_content_type(&headers, &["application/json"]).is_ok());
        headers.insert(CONTENT_TYPE, "text/xml".parse().unwrap());
        assert_eq!(
            expect_content_type(&headers, &["application/json"])
                .unwrap_err()
                .status,
            415
        );
    }
}
