//! How an answer may go wrong on request.

use http::HeaderMap;

/// Header that asks for a behaviour.
pub const HEADER: &str = "x-fake-behaviour";
const MARKER: &[u8] = b"[[fake:";

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    #[default]
    Well,
    /// Status 429 with `Retry-After: 1`.
    RateLimited,
    /// Status 500.
    ServerError,
    /// Half the answer, then silence until the caller goes away.
    Stall,
    /// Half the answer, then the connection breaks.
    Cut,
    /// Status 200 with a body that is no JSON.
    BadJson,
    /// An answer text of ten megabytes.
    Big,
    /// Every chunk late.
    Slow,
    /// A tool call instead of a text, when the request offers tools.
    Tool,
}

impl Behaviour {
    fn named(name: &str) -> Option<Behaviour> {
        Some(match name {
            "429" => Behaviour::RateLimited,
            "500" => Behaviour::ServerError,
            "stall" => Behaviour::Stall,
            "cut" => Behaviour::Cut,
            "bad-json" => Behaviour::BadJson,
            "big" => Behaviour::Big,
            "slow" => Behaviour::Slow,
            "tool" => Behaviour::Tool,
            "well" => Behaviour::Well,
            _ => return None,
        })
    }

    /// The behaviour that a request asks for: by header, by `?behaviour=`, or by `[[fake:NAME]]` in its body.
    /// Unknown names are an error, so that a misspelt test does not pass by chance.
    pub fn asked(headers: &HeaderMap, query: &str, body: &[u8]) -> Result<Behaviour, String> {
        let by_header = headers
            .get(HEADER)
            .map(|value| value.to_str().unwrap_or("?").to_owned());
        let by_query = || {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(name, _)| *name == "behaviour")
                .map(|(_, value)| value.to_owned())
        };
        match by_header.or_else(by_query).or_else(|| marker(body)) {
            None => Ok(Behaviour::Well),
            Some(name) => Behaviour::named(&name).ok_or_else(|| format!("unknown behaviour {name:?}")),
        }
    }
}

fn marker(body: &[u8]) -> Option<String> {
    let start = body.windows(MARKER.len()).rposition(|window| window == MARKER)? + MARKER.len();
    let rest = &body[start..];
    let end = rest.iter().take(32).position(|byte| *byte == b']')?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

/// A prompt without its markers, so that answers do not echo them.
pub(crate) fn without_markers(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("[[fake:") {
        kept.push_str(&rest[..start]);
        match rest[start..].find("]]") {
            Some(end) => rest = &rest[start + end + 2..],
            None => return kept,
        }
    }
    kept.push_str(rest);
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_query_and_marker_ask_in_this_order() {
        let mut headers = HeaderMap::new();
        let body = br#"{"content":"hello [[fake:cut]]"}"#;
        assert_eq!(Behaviour::asked(&headers, "", b"{}"), Ok(Behaviour::Well));
        assert_eq!(Behaviour::asked(&headers, "", body), Ok(Behaviour::Cut));
        assert_eq!(
            Behaviour::asked(&headers, "a=1&behaviour=stall", body),
            Ok(Behaviour::Stall)
        );
        headers.insert(HEADER, "429".parse().unwrap());
        assert_eq!(
            Behaviour::asked(&headers, "behaviour=stall", body),
            Ok(Behaviour::RateLimited)
        );
        assert!(Behaviour::asked(&HeaderMap::new(), "", b"[[fake:cutt]]").is_err());
    }

    #[test]
    fn the_last_marker_counts_because_a_conversation_repeats_the_earlier_ones() {
        let body = b"[[fake:500]] and then [[fake:big]]";
        assert_eq!(Behaviour::asked(&HeaderMap::new(), "", body), Ok(Behaviour::Big));
        assert_eq!(without_markers("a [[fake:500]] b"), "a  b");
    }
}
