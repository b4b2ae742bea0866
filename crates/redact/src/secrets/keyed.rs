//! Passwords and other secrets that a word announces: `password: x`, `API_KEY="x"`, `the password is x`.

use super::placeholder::{is_code, is_placeholder};
use crate::context::Context;
use crate::entity::Entity;
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::before;

const PASSWORD: Topics = Topics::of(&[Topic::Password]);
const SECRET: Topics = Topics::of(&[Topic::Secret]);
const MAX_VALUE: usize = 512;
const SHORTEST_SECRET: usize = 8;
const SHORTEST_PASSWORD: usize = 6;

/// How a value is tied to its word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    /// `=` or `:`, as in code, configuration and forms.
    Operator,
    /// `is`, `was`, as in a sentence: only values that are no words count.
    Verb,
    /// Nothing but a space: only what can be no word at all counts.
    Nearness,
}

struct Value {
    start: usize,
    end: usize,
    quoted: bool,
    tie: Tie,
}

pub(crate) fn propose(context: &Context<'_>, out: &mut Vec<Candidate>) {
    if !context.topics.meets(PASSWORD.union(SECRET)) {
        return;
    }
    for hit in context.hits {
        let (entity, shortest, rule) = if hit.topics.meets(PASSWORD) {
            (Entity::Password, SHORTEST_PASSWORD, "password")
        } else if hit.topics.meets(SECRET) {
            (Entity::GenericSecret, SHORTEST_SECRET, "generic_secret")
        } else {
            continue;
        };
        let in_query = is_query_key(context.bytes, hit.start);
        let Some(value) = value_after(context.bytes, hit.end, in_query) else {
            continue;
        };
        let text = &context.bytes[value.start..value.end];
        if entity == Entity::GenericSecret && !text.iter().any(u8::is_ascii_alphabetic) {
            continue;
        }
        if let Some(log_odds) = judge(text, &value, shortest) {
            out.push(Candidate {
                start: value.start,
                end: value.end,
                entity,
                log_odds,
                rule,
            });
        }
    }
}

/// Whether the word at `start` is a key of a URL's query: `?token=`, `&token=`.
fn is_query_key(bytes: &[u8], start: usize) -> bool {
    matches!(before(bytes, start), Some(b'?' | b'&'))
}

/// Proposes signatures of signed links (`?sig=`, `&sig=` of Azure), a word too short for the lists.
pub(crate) fn propose_signatures(context: &Context<'_>, out: &mut Vec<Candidate>) {
    for found in memchr::memmem::find_iter(context.bytes, b"sig=") {
        if !is_query_key(context.bytes, found) {
            continue;
        }
        let Some(value) = value_after(context.bytes, found + 3, true) else {
            continue;
        };
        if value.end - value.start >= SHORTEST_SECRET {
            out.push(Candidate {
                start: value.start,
                end: value.end,
                entity: Entity::GenericSecret,
                log_odds: 320,
                rule: "link_signature",
            });
        }
    }
}

/// Proposes a whole text as a secret, because the field that holds it is named for one.
pub(crate) fn propose_field(context: &Context<'_>, last_key: Topics, out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    let (entity, rule) = if last_key.meets(PASSWORD) {
        (Entity::Password, "password_field")
    } else if last_key.meets(SECRET) {
        (Entity::GenericSecret, "secret_field")
    } else {
        return;
    };
    let one_value = bytes.len() <= MAX_VALUE && !bytes.iter().any(u8::is_ascii_whitespace);
    // Numbers of tokens are counted in every answer; a secret has a letter. A password may be all digits.
    let credible = match entity {
        Entity::Password => bytes.len() >= 4,
        _ => bytes.len() >= SHORTEST_SECRET && bytes.iter().any(u8::is_ascii_alphabetic),
    };
    if credible && one_value && !is_placeholder(bytes) && !is_code(bytes) {
        out.push(Candidate {
            start: 0,
            end: bytes.len(),
            entity,
            log_odds: 320,
            rule,
        });
    }
}

/// The value tied to a word that ends at `from`.
fn value_after(bytes: &[u8], from: usize, in_query: bool) -> Option<Value> {
    let mut at = from;
    // The word may be a quoted key, have a number, or be followed by a closing bracket: `"password"`, `pwd1`, `]`.
    at += bytes[at..]
        .iter()
        .take(2)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    at += bytes[at..]
        .iter()
        .take(3)
        .take_while(|byte| matches!(byte, b'"' | b'\'' | b'`' | b']' | b'*' | b'\\'))
        .count();
    at += spaces(&bytes[at..]);
    let next_word = bytes.get(from) == Some(&b' ') && at == from + 1;
    let tie = tie_at(&bytes[at..]).or_else(|| next_word.then_some((Tie::Nearness, 0)))?;
    at += tie.1;
    at += spaces(&bytes[at..]);
    // Markdown emphasis and JSON inside a string.
    at += bytes[at..]
        .iter()
        .take(2)
        .take_while(|byte| matches!(byte, b'\\'))
        .count();
    if bytes[at..].starts_with(b"**") {
        at += 2;
    }

    let quote = bytes
        .get(at)
        .copied()
        .filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let start = at + usize::from(quote.is_some());
    let length = match quote {
        Some(quote) => bytes[start..]
            .iter()
            .take(MAX_VALUE)
            .position(|byte| *byte == quote || *byte == b'\n')?,
        None => {
            let stops = |byte: &u8| {
                byte.is_ascii_whitespace()
                    || b"\"'`<>".contains(byte)
                    || (in_query && b"&#()[]{}|;,".contains(byte))
            };
            bytes[start..]
                .iter()
                .take(MAX_VALUE)
                .take_while(|byte| !stops(byte))
                .count()
        }
    };
    let mut end = start + length;
    if quote.is_none() {
        end = trim_sentence(bytes, start, end);
    } else if bytes[..end].ends_with(b"\\") {
        end -= 1;
    }
    if tie.0 == Tie::Verb {
        // The exclamation is the sentence's.
        while end > start && matches!(bytes[end - 1], b'!' | b'?') {
            end -= 1;
        }
    }
    (end > start).then_some(Value {
        start,
        end,
        quoted: quote.is_some(),
        tie: tie.0,
    })
}

/// Punctuation of the sentence or of the format around an unquoted value: a separator ends it.
fn trim_sentence(bytes: &[u8], start: usize, end: usize) -> usize {
    let mut end = end;
    for at in start + 1..end {
        if matches!(bytes[at], b',' | b';' | b'&' | b'|') && starts_pair(&bytes[at + 1..end]) {
            end = at;
            break;
        }
    }
    // A bracket that closes nothing in the value closes something around it.
    let is_unbalanced = |value: &[u8]| match value.last() {
        Some(b')') => !value.contains(&b'('),
        Some(b']') => !value.contains(&b'['),
        Some(b'}') => !value.contains(&b'{'),
        Some(byte) => b".,;:".contains(byte),
        None => false,
    };
    while is_unbalanced(&bytes[start..end]) {
        end -= 1;
    }
    end
}

/// Whether `bytes` begin with a name and an operator, as the next pair of a query or a configuration line does.
fn starts_pair(bytes: &[u8]) -> bool {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let name = bytes.iter().take(40).take_while(is_name).count();
    name > 0 && matches!(bytes.get(name), Some(b'=' | b':'))
}

fn spaces(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take(3)
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// The tie at the start of `bytes` and its length.
fn tie_at(bytes: &[u8]) -> Option<(Tie, usize)> {
    // `SecretKey::new` is a path, not a pair.
    if bytes.starts_with(b"::") {
        return None;
    }
    let operators: [&[u8]; 6] = [b":=", b"=>", b"->", b"==", b"=", b":"];
    if let Some(operator) = operators.into_iter().find(|operator| bytes.starts_with(operator)) {
        return Some((Tie::Operator, operator.len()));
    }
    let verbs: [&[u8]; 17] = [
        b"lautet: ",
        b"lautet ",
        b"est : ",
        b"est: ",
        b"es: ",
        b"is: ",
        b"is ",
        b"was ",
        b"ist ",
        b"est ",
        b"es ",
        b"will be ",
        b"has been set to ",
        b"set to ",
        b"\xC3\xA9 ",
        b"\xC3\xA8 ",
        b"\xC3\xA4r ",
    ];
    let found = verbs
        .into_iter()
        .find(|verb| bytes.len() > verb.len() && bytes[..verb.len()].eq_ignore_ascii_case(verb));
    found.map(|verb| (Tie::Verb, verb.len()))
}

/// The evidence for a value, or `None` when it is no secret.
fn judge(value: &[u8], tied: &Value, shortest: usize) -> Option<i32> {
    let classes = [
        value.iter().any(u8::is_ascii_lowercase),
        value.iter().any(u8::is_ascii_uppercase),
        value.iter().any(u8::is_ascii_digit),
        value.iter().any(|byte| !byte.is_ascii_alphanumeric()),
    ];
    let class_count = classes.iter().filter(|present| **present).count();
    let has_spaces = value.iter().any(u8::is_ascii_whitespace);
    // What follows the padding of base 64.
    let is_separator = matches!(value.first(), Some(b';' | b'&' | b','));
    if value.len() < shortest
        || is_separator
        || is_placeholder(value)
        || is_code(value)
        || (has_spaces && !tied.quoted)
    {
        return None;
    }
    let capitalised_word = value[0].is_ascii_uppercase() && value[1..].iter().all(u8::is_ascii_lowercase);
    let is_word = value.iter().all(u8::is_ascii_alphabetic) && (class_count == 1 || capitalised_word);
    let has_digit = classes[2];
    let hyphenated_words = !has_digit
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b'/'));
    match tied.tie {
        Tie::Nearness if tied.quoted || !has_digit || class_count < 3 || value.len() < 8 => None,
        // Arguments, links and file names: `pass -march=x86-64`, `passwd ([#4222](https://...`.
        Tie::Nearness
            if value.contains(&b'/') || matches!(value[0], b'-' | b'[') || value.starts_with(b"([") =>
        {
            None
        }
        Tie::Nearness => Some(100),
        Tie::Verb if is_word || hyphenated_words || class_count < 2 => None,
        Tie::Verb if has_spaces => None,
        Tie::Verb if has_digit || class_count >= 3 => Some(250),
        Tie::Verb => Some(60),
        Tie::Operator if has_spaces => (class_count >= 3).then_some(60),
        Tie::Operator if is_word || hyphenated_words => {
            (tied.quoted && value.len() >= 8 && shortest == SHORTEST_PASSWORD).then_some(60)
        }
        Tie::Operator if class_count >= 2 => Some(320),
        Tie::Operator => Some(150),
    }
}
