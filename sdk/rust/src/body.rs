//! Bodies: kept up to a limit while they pass, cut so that the event fits.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// The first `limit` bytes of a body, its whole length, and its running digest once it is longer than the limit.
#[derive(Debug)]
pub(crate) struct BodyBuffer {
    limit: usize,
    kept: Vec<u8>,
    total: usize,
    digest: Option<Sha256>,
}

/// A body as the event holds it: text when it is UTF-8, base64 otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Encoded {
    Text(String),
    Base64(String),
}

impl BodyBuffer {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: Vec::new(),
            total: 0,
            digest: None,
        }
    }

    pub(crate) fn add(&mut self, chunk: &[u8]) {
        let room = self.limit - self.kept.len();
        if self.digest.is_none() && chunk.len() > room {
            self.digest = Some(Sha256::new_with_prefix(&self.kept));
        }
        if let Some(digest) = &mut self.digest {
            digest.update(chunk);
        }
        self.total += chunk.len();
        self.kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }

    pub(crate) fn kept(&self) -> &[u8] {
        &self.kept
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.digest.is_none()
    }

    /// SHA-256 of the whole body, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        let digest = self
            .digest
            .clone()
            .unwrap_or_else(|| Sha256::new_with_prefix(&self.kept));
        hex::encode(digest.finalize())
    }

    pub(crate) fn encoded(&self) -> Option<Encoded> {
        (self.total > 0).then(|| encode(&self.kept, !self.is_whole()))
    }

    /// Without its `gzip` or `deflate`; what came before a fault is kept, and what does not decode at all is left.
    pub(crate) fn decoded(self, content_encoding: Option<&str>) -> Self {
        let mut result = Self::new(self.limit);
        let reader: Box<dyn Read + '_> = match content_encoding.map(str::trim) {
            Some("gzip" | "x-gzip") => Box::new(flate2::read::MultiGzDecoder::new(self.kept.as_slice())),
            Some("deflate") => Box::new(flate2::read::ZlibDecoder::new(self.kept.as_slice())),
            _ => return self,
        };
        // A small body may unfold to a very large one; what is beyond this is not looked at.
        let mut reader = reader.take(self.limit as u64 * 64);
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            result.add(&buffer[..count]);
        }
        drop(reader);
        if result.total == 0 { self } else { result }
    }
}

fn encode(data: &[u8], was_cut: bool) -> Encoded {
    match std::str::from_utf8(data) {
        Ok(text) => Encoded::Text(text.to_owned()),
        // Our own cut may go through a character; that does not make the body binary.
        Err(error) if was_cut && error.error_len().is_none() => {
            Encoded::Text(String::from_utf8_lossy(&data[..error.valid_up_to()]).into_owned())
        }
        Err(_) => Encoded::Base64(STANDARD.encode(data)),
    }
}

impl Encoded {
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Encoded::Text(_) => "body",
            Encoded::Base64(_) => "body_base64",
        }
    }

    pub(crate) fn value(&self) -> &str {
        match self {
            Encoded::Text(value) | Encoded::Base64(value) => value,
        }
    }

    /// Bytes inside JSON, without quotes.
    pub(crate) fn json_len(&self) -> usize {
        self.value().chars().map(json_len_of).sum()
    }

    /// The longest prefix whose JSON form has at most `budget` bytes; base64 is cut at whole groups of four.
    fn cut_to(&self, budget: usize) -> Self {
        let mut used = 0;
        let mut end = 0;
        for (at, character) in self.value().char_indices() {
            used += json_len_of(character);
            if used > budget {
                break;
            }
            end = at + character.len_utf8();
        }
        match self {
            Encoded::Text(value) => Encoded::Text(value[..end].to_owned()),
            Encoded::Base64(value) => Encoded::Base64(value[..end - end % 4].to_owned()),
        }
    }
}

/// As `serde_json` and its like escape: short forms for the common control characters, `\u00xx` for the others.
fn json_len_of(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\u{0}'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

/// Cuts request and response so that both together take at most `budget` bytes of JSON. The smaller one stays whole when
/// it fits half the budget; otherwise each gets half.
pub(crate) fn fit(bodies: [Option<Encoded>; 2], budget: usize) -> [Option<Encoded>; 2] {
    let lengths = [0, 1].map(|at: usize| bodies[at].as_ref().map_or(0, Encoded::json_len));
    if lengths[0] + lengths[1] <= budget {
        return bodies;
    }
    let half = budget / 2;
    let shares = match &bodies {
        [Some(_), None] => [budget, 0],
        [None, _] => [0, budget],
        [Some(_), Some(_)] if lengths[0] <= half => [lengths[0], budget - lengths[0]],
        [Some(_), Some(_)] if lengths[1] <= half => [budget - lengths[1], lengths[1]],
        [Some(_), Some(_)] => [half, half],
    };
    let [request, response] = bodies;
    [
        request.map(|body| body.cut_to(shares[0])),
        response.map(|body| body.cut_to(shares[1])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_keeps_its_beginning_its_length_and_its_digest() {
        let mut buffer = BodyBuffer::new(4);
        for chunk in [b"ab".as_slice(), b"cde", b"f"] {
            buffer.add(chunk);
        }
        assert_eq!((buffer.kept(), buffer.total()), (b"abcd".as_slice(), 6));
        assert_eq!(buffer.sha256(), hex::encode(Sha256::digest(b"abcdef")));
    }

    #[test]
    fn the_length_in_json_is_what_serde_json_writes() {
        let text = "a\"\\\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}ä€😀";
        let written = serde_json::to_string(text).unwrap();
        assert_eq!(Encoded::Text(text.into()).json_len(), written.len() - 2);
    }

    #[test]
    fn the_smaller_body_stays_whole_when_it_fits_half() {
        let text = |value: &str| Some(Encoded::Text(value.into()));
        assert_eq!(
            fit([text("abc"), text("äääääääää")], 10),
            [text("abc"), text("äää")]
        );
        assert_eq!(
            fit([text("aaaaaaaa"), text("bbbbbbbb")], 10),
            [text("aaaaa"), text("bbbbb")]
        );
        assert_eq!(
            fit([None, Some(Encoded::Base64("AAAABBBBCCCC".into()))], 10),
            [None, Some(Encoded::Base64("AAAABBBB".into()))]
        );
    }

    #[test]
    fn compressed_bodies_are_decoded_as_far_as_they_go() {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"hello hello hello").unwrap();
        let compressed = encoder.finish().unwrap();
        let mut whole = BodyBuffer::new(100);
        whole.add(&compressed);
        assert_eq!(whole.decoded(Some("gzip")).kept(), b"hello hello hello");
        let mut garbage = BodyBuffer::new(100);
        garbage.add(b"\xff\xfe");
        assert_eq!(garbage.decoded(Some("gzip")).kept(), b"\xff\xfe");
    }
}
