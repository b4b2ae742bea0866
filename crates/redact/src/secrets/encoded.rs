//! Texts in base 64: what stands in them is looked for too. A run that holds something is taken out whole, because
//! a placeholder inside would no longer decode.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// Shortest run that is decoded: shorter ones are words, and hold no more than a few characters.
const SHORTEST: usize = 24;
/// Longest run that is decoded; the rest of a longer one is not looked into.
const LONGEST: usize = 256 * 1024;
/// Characters that tell a text from other data.
const PROBE: usize = 16;

/// A decoded run.
pub(crate) struct Decoded {
    pub start: usize,
    pub end: usize,
    pub text: String,
}

/// Decodes the runs of base 64 in `bytes` around the long mixed words that start at `words`, as far as they hold
/// text.
pub(crate) fn texts_in(bytes: &[u8], words: &[usize]) -> Vec<Decoded> {
    let mut found = Vec::new();
    let mut done_until = 0;
    for &word in words {
        if word < done_until {
            continue;
        }
        let left = bytes[done_until..word]
            .iter()
            .rev()
            .take_while(|byte| is_base64(**byte))
            .count();
        let body = bytes[word..].iter().take_while(|byte| is_base64(**byte)).count();
        let padding = bytes[word + body..]
            .iter()
            .take(2)
            .take_while(|byte| **byte == b'=')
            .count();
        let right = body + padding;
        done_until = word + right;
        // What stands before the word may be a path or a name; the data then begins at the word.
        let text = [word - left, word].into_iter().find_map(|start| {
            let text = decoded(&bytes[start..word + right])?;
            Some(Decoded {
                start,
                end: word + right,
                text,
            })
        });
        found.extend(text);
    }
    found
}

/// The text that `run` encodes, or `None` when it is none.
fn decoded(run: &[u8]) -> Option<String> {
    if run.len() < SHORTEST {
        return None;
    }
    let run = &run[..run.len().min(LONGEST)];
    let url_safe = run.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if url_safe { &URL_SAFE } else { &STANDARD };
    let head = engine.decode(&run[..PROBE]).ok()?;
    if !head.iter().all(|byte| is_text(*byte)) {
        return None;
    }
    let padding = run.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = &run[..run.len() - padding];
    // One character too many encodes nothing.
    let body = &body[..body.len() - usize::from(body.len() % 4 == 1)];
    let decoded = engine.decode(body).ok()?;
    let valid = match std::str::from_utf8(&decoded) {
        Ok(_) => decoded.len(),
        // Cut within a character.
        Err(error) if decoded.len() - error.valid_up_to() < 4 => error.valid_up_to(),
        Err(_) => return None,
    };
    let mut decoded = decoded;
    decoded.truncate(valid);
    String::from_utf8(decoded)
        .ok()
        .filter(|text| text.bytes().all(is_text))
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x80..)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_decoded_and_other_data_is_not() {
        let text = "the answer is in here, sir";
        let run = STANDARD.encode(text);
        let bytes = format!("see data/{run} there");
        let found = texts_in(bytes.as_bytes(), &[9]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, text);
        assert_eq!((found[0].start, found[0].end), (9, 9 + run.len()));
        let noise: Vec<u8> = (0..60_u8).map(|byte| byte.wrapping_mul(77)).collect();
        let noise = STANDARD.encode(noise);
        assert!(texts_in(noise.as_bytes(), &[0]).is_empty());
    }
}
