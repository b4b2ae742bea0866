//! E-mail addresses (RFC 5321 lengths, RFC 5322 dot-atoms, internationalised domains).

use crate::context::Context;
use crate::entity::Entity;
use crate::ids::CERTAIN;
use crate::span::Candidate;
use crate::words::before;

const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 253;
const MAX_LABEL: usize = 63;

pub(crate) fn propose(context: &Context<'_>, out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    for at in memchr::memchr_iter(b'@', bytes) {
        push(bytes, at, at + 1, out);
    }
    // In a URL's query the sign is written %40.
    for at in memchr::memmem::find_iter(bytes, b"%40") {
        push(bytes, at, at + 3, out);
    }
}

fn push(bytes: &[u8], at: usize, after: usize, out: &mut Vec<Candidate>) {
    let Some(start) = local_start(bytes, at) else {
        return;
    };
    let Some(end) = domain_end(bytes, after) else {
        return;
    };
    if is_something_else(bytes, start, at, after, end) {
        return;
    }
    out.push(Candidate {
        start,
        end,
        entity: Entity::EmailAddress,
        log_odds: CERTAIN + 200,
        rule: "email",
    });
}

/// Start of the local part that ends at `at`.
fn local_start(bytes: &[u8], at: usize) -> Option<usize> {
    let is_local =
        |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"._%+-'&~!#$*{}|^`/".contains(&byte);
    let floor = at.saturating_sub(MAX_LOCAL + 1);
    let mut start = at;
    while start > floor && is_local(bytes[start - 1]) {
        start -= 1;
    }
    if at - start > MAX_LOCAL {
        return None;
    }
    // Text without spaces before an address in ASCII: `連絡先はjane@example.org`.
    let unspaced = bytes[start..at].iter().rposition(|byte| *byte >= 0x80);
    if let Some(index) = unspaced
        && start + index + 1 < at
        && is_unspaced(bytes, start + index)
    {
        start += index + 1;
    }
    // Leading punctuation belongs to the text around: quotes, brackets, paths, list marks.
    let core = bytes[start..at]
        .iter()
        .rposition(|byte| b"'`{}|/!#$*&~^".contains(byte));
    start = core.map_or(start, |index| start + index + 1);
    while start < at && b".-%+".contains(&bytes[start]) {
        start += 1;
    }
    let local = &bytes[start..at];
    let dots_fit = local.last() != Some(&b'.') && !local.windows(2).any(|pair| pair == b"..");
    (!local.is_empty() && dots_fit).then_some(start)
}

/// End of the domain that starts at `after`: the longest run of labels with a plausible last one.
fn domain_end(bytes: &[u8], after: usize) -> Option<usize> {
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'-');
    let run = bytes[after..]
        .iter()
        .take(MAX_DOMAIN)
        .take_while(|byte| is_domain(**byte))
        .count();
    let domain = &bytes[after..after + run];

    let mut best = None;
    let mut label_start = 0;
    let mut labels = 0;
    while label_start < domain.len() {
        let label_length = domain[label_start..]
            .iter()
            .take_while(|byte| **byte != b'.')
            .count();
        let label = &domain[label_start..label_start + label_length];
        let label_fits = (1..=MAX_LABEL).contains(&label_length) && label[0] != b'-';
        // A sentence that goes on without a space: `jane@example.org.Please`.
        let next_sentence = best.is_some()
            && label.first().is_some_and(u8::is_ascii_uppercase)
            && domain[..label_start]
                .iter()
                .all(|byte| !byte.is_ascii_uppercase());
        if !label_fits || next_sentence {
            break;
        }
        labels += 1;
        if labels >= 2
            && let Some(length) = top_level_length(label)
        {
            best = Some(after + label_start + length);
        }
        label_start += label_length + 1;
    }
    best
}

/// Whether the byte at `at` ends a character of a script that is written without spaces (three bytes in UTF-8).
fn is_unspaced(bytes: &[u8], at: usize) -> bool {
    at >= 2 && matches!(bytes[at - 2], 0xE0..=0xEF)
}

/// Length of the top-level domain at the start of `label`: letters (two or more), `xn--...`, or another script.
fn top_level_length(label: &[u8]) -> Option<usize> {
    if label.len() > 4 && label[..4].eq_ignore_ascii_case(b"xn--") {
        return Some(label.len());
    }
    let ascii = label.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if (2..=24).contains(&ascii) && label.get(ascii).is_some_and(|next| matches!(next, 0xE3..=0xEF)) {
        return Some(ascii);
    }
    let letters = label
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
        .count();
    let bounded = label.get(letters).is_none_or(|next| *next == b'-');
    ((2..=24).contains(&letters) && bounded).then_some(letters)
}

/// Things with an `@` that are no address: `git@host:path`, images `logo@2x.png`, URL user-info (see `url`).
fn is_something_else(bytes: &[u8], start: usize, at: usize, after: usize, end: usize) -> bool {
    let local = &bytes[start..at];
    let scp_like = local == b"git" && bytes.get(end) == Some(&b':');
    let image = bytes[after].is_ascii_digit()
        && [&b".png"[..], b".jpg", b".jpeg", b".gif", b".webp", b".svg"]
            .iter()
            .any(|suffix| bytes[after..end].ends_with(suffix));
    let user_info = bytes[..start].ends_with(b"://")
        || (before(bytes, start) == Some(b':') && is_url_password(bytes, start));
    scp_like || image || user_info
}

/// Whether the text before `start` is `scheme://user:`, so that what looks like a local part is a password.
fn is_url_password(bytes: &[u8], start: usize) -> bool {
    let floor = start.saturating_sub(128);
    let head = &bytes[floor..start];
    memchr::memmem::rfind(head, b"://").is_some_and(|scheme| {
        !head[scheme + 3..]
            .iter()
            .any(|byte| byte.is_ascii_whitespace() || *byte == b'/')
    })
}
