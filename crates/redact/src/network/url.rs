//! URLs with a user name and a password in them. The whole URL is taken out: with credentials in it, host and path
//! say where they open the door. Secrets in a query string (`?token=`) are found by [`crate::secrets::keyed`].

use crate::context::Context;
use crate::entity::Entity;
use crate::ids::CERTAIN;
use crate::secrets::placeholder::is_placeholder;
use crate::span::Candidate;

const MAX_SCHEME: usize = 24;
const MAX_AUTHORITY: usize = 512;
const MAX_URL: usize = 4096;

pub(crate) fn propose(context: &Context<'_>, out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    let mut done_until = 0;
    for colon in memchr::memmem::find_iter(bytes, b"://") {
        if colon < done_until {
            continue;
        }
        let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
        let scheme_length = bytes[..colon]
            .iter()
            .rev()
            .take(MAX_SCHEME)
            .take_while(|byte| is_scheme(byte))
            .count();
        if scheme_length == 0 {
            continue;
        }
        let start = colon - scheme_length;
        let authority_start = colon + 3;
        let ends_authority = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'<>`\\".contains(byte);
        let authority_length = bytes[authority_start..]
            .iter()
            .take(MAX_AUTHORITY)
            .take_while(|byte| !ends_authority(byte))
            .count();
        let authority = &bytes[authority_start..authority_start + authority_length];
        let Some(at) = memchr::memrchr(b'@', authority) else {
            continue;
        };
        let Some(password_start) = memchr::memchr(b':', &authority[..at]).map(|index| index + 1) else {
            continue;
        };
        let password = &authority[password_start..at];
        let host_present = authority.len() > at + 1;
        if password.is_empty() || !host_present || is_placeholder(password) {
            continue;
        }
        let end = url_end(bytes, authority_start + authority_length);
        done_until = end;
        out.push(Candidate {
            start,
            end,
            entity: Entity::UrlWithCredentials,
            log_odds: CERTAIN + 300,
            rule: "url_with_credentials",
        });
    }
}

/// End of a URL whose authority ends at `from`, less the punctuation of the sentence around it.
fn url_end(bytes: &[u8], from: usize) -> usize {
    let stops = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>`\\".contains(byte);
    let length = bytes[from..]
        .iter()
        .take(MAX_URL)
        .take_while(|byte| !stops(byte))
        .count();
    let mut end = from + length;
    while end > from && b".,;:!?)]}".contains(&bytes[end - 1]) {
        end -= 1;
    }
    end
}
