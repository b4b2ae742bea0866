//! Secrets known by their structure: JSON web tokens, private keys in PEM, `Authorization` headers.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::context::Context;
use crate::entity::Entity;
use crate::ids::CERTAIN;
use crate::span::Candidate;
use crate::walk::Seen;
use crate::words::before;

const MAX_TOKEN: usize = 16 * 1024;

pub(crate) fn propose(context: &Context<'_>, seen: &Seen, out: &mut Vec<Candidate>) {
    if seen.jwt {
        propose_jwts(context.bytes, out);
    }
    if seen.armour {
        propose_private_keys(context.bytes, out);
    }
    if seen.putty_key {
        propose_putty_keys(context.bytes, out);
    }
    if seen.authorization {
        propose_authorization(context.bytes, out);
    }
}

/// Three parts of base 64 URL; the first decodes to a JSON object that names an algorithm (RFC 7519).
fn propose_jwts(bytes: &[u8], out: &mut Vec<Candidate>) {
    let mut done_until = 0;
    for start in memchr::memmem::find_iter(bytes, b"eyJ") {
        let inside = before(bytes, start).is_some_and(|byte| is_base64_url(byte) || byte == b'.');
        if start < done_until || inside {
            continue;
        }
        let is_part = |byte: &u8| is_base64_url(*byte) || *byte == b'.';
        let length = bytes[start..]
            .iter()
            .take(MAX_TOKEN)
            .take_while(|byte| is_part(byte))
            .count();
        let token = &bytes[start..start + length];
        let parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
        // Five parts are an encrypted token (RFC 7516).
        let used = match parts.len() {
            3 | 4 => 3,
            5.. => 5,
            _ => continue,
        };
        let Ok(header) = URL_SAFE_NO_PAD.decode(parts[0]) else {
            continue;
        };
        let names_algorithm = serde_json::from_slice::<serde_json::Value>(&header)
            .is_ok_and(|header| header.get("alg").is_some());
        if !names_algorithm || parts[1].is_empty() {
            continue;
        }
        let end = start + parts[..used].iter().map(|part| part.len() + 1).sum::<usize>() - 1;
        done_until = end;
        out.push(Candidate {
            start,
            end,
            entity: Entity::Jwt,
            log_odds: CERTAIN + 300,
            rule: "jwt",
        });
    }
}

/// From `-----BEGIN ... PRIVATE KEY-----` to its end line, or to the end of its lines when it is cut off.
fn propose_private_keys(bytes: &[u8], out: &mut Vec<Candidate>) {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const MAX_LABEL: usize = 64;
    const MAX_KEY: usize = 32 * 1024;
    let mut from = 0;
    while let Some(start) = memchr::memmem::find(&bytes[from..], BEGIN).map(|index| from + index) {
        from = start + BEGIN.len();
        let head = &bytes[from..bytes.len().min(from + MAX_LABEL)];
        let Some(label_length) = memchr::memmem::find(head, b"-----") else {
            continue;
        };
        let label = &head[..label_length];
        if memchr::memmem::find(label, b"PRIVATE KEY").is_none() {
            continue;
        }
        let body = from + label_length + b"-----".len();
        let end_line = [b"-----END ", label, b"-----"].concat();
        let window = &bytes[body..bytes.len().min(body + MAX_KEY)];
        let closed =
            memchr::memmem::find(window, &end_line).filter(|index| holds_key_material(&window[..*index]));
        let Some(end) = closed
            .map(|index| body + index + end_line.len())
            .or_else(|| cut_key_end(bytes, body))
        else {
            continue;
        };
        from = end;
        out.push(Candidate {
            start,
            end,
            entity: Entity::PrivateKey,
            log_odds: CERTAIN + 300,
            rule: "private_key",
        });
    }
}

/// From the first line of a PuTTY key to its last.
fn propose_putty_keys(bytes: &[u8], out: &mut Vec<Candidate>) {
    let mut done_until = 0;
    for start in memchr::memmem::find_iter(bytes, b"PuTTY-User-Key-File-") {
        if start < done_until {
            continue;
        }
        let end = memchr::memmem::find(&bytes[start..], b"Private-MAC:").map_or(bytes.len(), |index| {
            let line = start + index;
            memchr::memchr(b'\n', &bytes[line..]).map_or(bytes.len(), |length| line + length)
        });
        done_until = end;
        out.push(Candidate {
            start,
            end,
            entity: Entity::PrivateKey,
            log_odds: CERTAIN + 300,
            rule: "putty_key",
        });
    }
}

/// A run of base 64 that prose does not have.
const KEY_LINE: usize = 16;

/// Whether `body` holds a run of base 64, in whatever quotes and line breaks: documentation that names the two
/// lines does not.
fn holds_key_material(body: &[u8]) -> bool {
    body.split(|byte| !is_base64(*byte))
        .any(|run| run.len() >= KEY_LINE)
}

/// End of a key that is cut off: the last of the base 64 lines after its first line, or `None` when there is none.
fn cut_key_end(bytes: &[u8], body: usize) -> Option<usize> {
    let mut at = body;
    let mut end = None;
    loop {
        // Line breaks may be written as escapes.
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' if matches!(bytes.get(at + 1), Some(b'n' | b'r')) => at += 2,
                byte if byte.is_ascii_whitespace() => at += 1,
                _ => break,
            }
        }
        let length = bytes[at..].iter().take_while(|byte| is_base64(**byte)).count();
        let continues = length >= KEY_LINE || (end.is_some() && length > 0);
        if !continues {
            return end;
        }
        at += length;
        end = Some(at);
        if length < KEY_LINE {
            return end;
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// `Bearer <token>` and `Basic <base 64 of user:password>` (RFC 6750, RFC 7617).
fn propose_authorization(bytes: &[u8], out: &mut Vec<Candidate>) {
    for (scheme, rule) in [(&b"earer "[..], "bearer_token"), (b"asic ", "basic_credentials")] {
        for found in memchr::memmem::find_iter(bytes, scheme) {
            let start = found + scheme.len();
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
            let mut length = bytes[start..]
                .iter()
                .take(MAX_TOKEN)
                .take_while(|byte| is_part(byte))
                .count();
            while length > 0 && bytes[start + length - 1] == b'.' {
                length -= 1;
            }
            let token = &bytes[start..start + length];
            let credible = if rule == "bearer_token" {
                length >= 16
                    && token.iter().any(u8::is_ascii_digit)
                    && token.iter().any(u8::is_ascii_alphabetic)
            } else {
                length >= 8
                    && STANDARD
                        .decode(token)
                        .is_ok_and(|decoded| decoded.contains(&b':'))
            };
            if credible {
                let log_odds = CERTAIN;
                out.push(Candidate {
                    start,
                    end: start + length,
                    entity: Entity::GenericSecret,
                    log_odds,
                    rule,
                });
            }
        }
    }
}

fn is_base64_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
