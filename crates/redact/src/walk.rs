//! Pass 1: one walk over a text that yields everything the matchers start from. A text without anything to start
//! from allocates nothing and is done with.

use crate::secrets::prefixes::PREFIX_RULES;
use crate::topics::Topics;
use crate::vocabulary::{HEAD, Mark, Pattern, Vocabulary, right_boundary, starts_letter};
use crate::words::{Word, before};

/// Longer words are encoded data, which the matchers for secrets read by themselves.
const MAX_WORD_LEN: usize = 64;
/// Shortest word that is taken for base 64: signs of its alphabet that end a word are rare in encoded text.
const MIN_ENCODED: usize = 20;
/// Longest name in mixed case that is taken apart.
const MAX_CAMEL: usize = 64;

/// A context word found in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub start: usize,
    pub end: usize,
    pub topics: Topics,
}

/// A secret's prefix found in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrefixHit {
    pub start: usize,
    /// Index into [`PREFIX_RULES`].
    pub rule: usize,
}

/// What was seen anywhere, so that matchers with nothing to start from are not asked.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    /// `@` or `%40`.
    pub at_sign: bool,
    /// `://`.
    pub link: bool,
    /// Colons as in an IPv6 address.
    pub colons: bool,
    /// Hexadecimal pairs or groups as in a MAC address.
    pub pairs: bool,
    /// `[[`.
    pub brackets: bool,
    /// `;base64,`.
    pub data: bool,
    /// `-----BEGIN `.
    pub armour: bool,
    pub jwt: bool,
    pub authorization: bool,
    pub signature: bool,
    pub putty_key: bool,
    /// A command that takes a password.
    pub command: bool,
}

/// Everything that the walk over a text found, by start.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub context: Vec<Hit>,
    pub prefixes: Vec<PrefixHit>,
    /// Words that hold a digit.
    pub words: Vec<Word>,
    /// Starts of listed given names that are written like names and followed by a space or hyphen.
    pub given: Vec<usize>,
    /// Starts of long words in mixed case: what may be base 64.
    pub encoded: Vec<usize>,
    pub seen: Seen,
    /// All topics of `context`.
    pub topics: Topics,
}

impl Findings {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.context.clear();
        self.prefixes.clear();
        self.words.clear();
        self.given.clear();
        self.encoded.clear();
        self.seen = Seen::default();
        self.topics = Topics::NONE;
    }
}

const DIGIT: u8 = 1;
const LOWER: u8 = 2;
const UPPER: u8 = 4;
const WORD: u8 = DIGIT | LOWER | UPPER;
/// Not ASCII.
const HIGH: u8 = 8;
/// Punctuation that may begin or join something.
const MARK: u8 = 16;

const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'@' | b'%' | b':' | b'-' | b'.' | b'[' | b';' => MARK,
            0x80.. => HIGH,
            _ => 0,
        };
        byte += 1;
    }
    table
};

/// Walks over `bytes` (UTF-8) and adds what it finds to `findings`.
pub(crate) fn walk(vocabulary: &Vocabulary, bytes: &[u8], findings: &mut Findings) {
    let mut at = 0;
    // Whether a letter beyond ASCII ends right before `at`: then no word begins there.
    let mut after_letter = false;
    while let Some(byte) = bytes.get(at) {
        let class = CLASS[usize::from(*byte)];
        if class & WORD != 0 {
            at = word(vocabulary, bytes, at, after_letter, findings);
            after_letter = false;
        } else if class == HIGH {
            let letter = starts_letter(*byte);
            let inside = after_letter
                || (letter && before(bytes, at).is_some_and(|byte| byte.is_ascii_alphanumeric()));
            if !(letter && inside) {
                look_up(vocabulary, bytes, at, true, findings);
            }
            after_letter = letter;
            at += 1;
            while bytes.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
                at += 1;
            }
        } else {
            if class == MARK {
                punctuation(vocabulary, bytes, at, findings);
            }
            after_letter = false;
            at += 1;
        }
    }
}

/// The word of ASCII letters and digits at `start`; its end.
#[inline(always)]
fn word(
    vocabulary: &Vocabulary,
    bytes: &[u8],
    start: usize,
    after_letter: bool,
    findings: &mut Findings,
) -> usize {
    let first = CLASS[usize::from(bytes[start])];
    let mut rest = 0;
    let mut digits = usize::from(first & DIGIT);
    let mut end = start + 1;
    while let Some(byte) = bytes.get(end) {
        let class = CLASS[usize::from(*byte)];
        if class & WORD == 0 {
            break;
        }
        rest |= class;
        digits += usize::from(class & DIGIT);
        end += 1;
    }
    if digits > 0 && end - start <= MAX_WORD_LEN {
        findings.words.push(Word { start, end, digits });
        short_prefixes(vocabulary, bytes, start, end, findings);
    }
    if !after_letter {
        // In a word of lower case, an entry of up to three letters ends with the word or before its plural's `s`.
        let has_short = end - start <= HEAD || rest != LOWER;
        look_up(vocabulary, bytes, start, has_short, findings);
    }
    if rest & UPPER != 0 && (first | rest) & LOWER != 0 {
        findings.seen.jwt |= bytes[start..].starts_with(b"eyJ");
        if end - start >= MIN_ENCODED {
            findings.encoded.push(start);
        }
        if end - start <= MAX_CAMEL {
            mixed_case(vocabulary, bytes, start, end, findings);
        }
    }
    end
}

/// The entries that begin at `at`, where a word begins.
#[inline(always)]
fn look_up(vocabulary: &Vocabulary, bytes: &[u8], at: usize, has_short: bool, findings: &mut Findings) {
    vocabulary.entries_at(bytes, at, has_short, |end, pattern| {
        take(bytes, at, end, pattern, findings)
    });
}

fn take(bytes: &[u8], start: usize, end: usize, pattern: Pattern, findings: &mut Findings) {
    match pattern {
        Pattern::Word(topics) if right_boundary(bytes, end) => {
            findings.topics = findings.topics.union(topics);
            findings.context.push(Hit { start, end, topics });
        }
        // Prefixes are exact; the tree folds case for the words' sake.
        Pattern::Prefix(rule) if bytes[start..end] == *PREFIX_RULES[rule].prefix.as_bytes() => {
            findings.prefixes.push(PrefixHit { start, rule });
        }
        Pattern::Given if is_written_like_a_name(bytes, start, end) => findings.given.push(start),
        Pattern::Mark(mark) => {
            let seen = &mut findings.seen;
            match mark {
                Mark::Authorization => seen.authorization = true,
                Mark::Signature => seen.signature = true,
                Mark::PuttyKey => seen.putty_key = true,
                Mark::Command => seen.command = true,
            }
        }
        _ => {}
    }
}

/// `Tara Mitchell`, `Anne-Marie Dupont`: capitalised, not part of a path, an address or a longer name.
fn is_written_like_a_name(bytes: &[u8], start: usize, end: usize) -> bool {
    let capitalised = bytes[start].is_ascii_uppercase() || bytes[start] >= 0x80;
    let inside = matches!(before(bytes, start), Some(b'_' | b'/' | b'.' | b'@' | b'-'));
    let goes_on = match bytes.get(end) {
        Some(b' ') => true,
        Some(b'-') => bytes.get(end + 1).is_some_and(u8::is_ascii_uppercase),
        _ => false,
    };
    capitalised && !inside && goes_on
}

fn short_prefixes(vocabulary: &Vocabulary, bytes: &[u8], start: usize, end: usize, findings: &mut Findings) {
    for &rule in &vocabulary.short_prefixes {
        let PrefixRuleShape { prefix, shortest } = shape_of(rule);
        if end - start >= prefix.len() + shortest && bytes[start..].starts_with(prefix) {
            findings.prefixes.push(PrefixHit { start, rule });
        }
    }
}

struct PrefixRuleShape {
    prefix: &'static [u8],
    shortest: usize,
}

fn shape_of(rule: usize) -> PrefixRuleShape {
    let rule = &PREFIX_RULES[rule];
    PrefixRuleShape {
        prefix: rule.prefix.as_bytes(),
        shortest: rule.length.0,
    }
}

/// A name such as `dateOfBirth`: its parts are words, and the whole is read as if they stood apart.
#[cold]
fn mixed_case(vocabulary: &Vocabulary, bytes: &[u8], start: usize, end: usize, findings: &mut Findings) {
    let mut apart = [0_u8; 2 * MAX_CAMEL];
    // Where each byte of `apart` stands in `bytes`, relative to `start`.
    let mut places = [0_u8; 2 * MAX_CAMEL + 1];
    let mut length = 0;
    let mut parts = [0_u8; MAX_CAMEL];
    let mut part_count = 1;
    for at in start..end {
        let begins_part = at > start && bytes[at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase();
        if begins_part {
            apart[length] = b' ';
            places[length] = (at - start) as u8;
            length += 1;
            parts[part_count] = length as u8;
            part_count += 1;
        }
        apart[length] = bytes[at];
        places[length] = (at - start) as u8;
        length += 1;
    }
    places[length] = (end - start) as u8;
    for (index, part) in parts[..part_count].iter().enumerate() {
        let from = usize::from(*part);
        let part_start = start + usize::from(places[from]);
        if index > 0 {
            look_up(vocabulary, bytes, part_start, true, findings);
        }
        vocabulary.entries_at(&apart[..length], from, true, |to, pattern| {
            let joins = apart[from..to].contains(&b' ');
            if joins && matches!(pattern, Pattern::Word(_)) {
                take(
                    bytes,
                    part_start,
                    start + usize::from(places[to]),
                    pattern,
                    findings,
                );
            }
        });
    }
}

/// What punctuation at `at` may begin or join.
#[inline]
fn punctuation(vocabulary: &Vocabulary, bytes: &[u8], at: usize, findings: &mut Findings) {
    let Some(next) = bytes.get(at + 1).copied() else {
        findings.seen.at_sign |= bytes[at] == b'@';
        return;
    };
    // Mostly the end of a sentence or of a label.
    if matches!(next, b' ' | b'\n') {
        findings.seen.at_sign |= bytes[at] == b'@';
        return;
    }
    let rest = &bytes[at..];
    let seen = &mut findings.seen;
    match bytes[at] {
        b'@' => seen.at_sign = true,
        b'%' => seen.at_sign |= rest.starts_with(b"%40"),
        b'[' => seen.brackets |= next == b'[',
        b';' => seen.data |= rest.starts_with(b";base64,"),
        b'-' if next == b'-' => seen.armour |= rest.starts_with(b"-----BEGIN "),
        b':' if next == b'/' => seen.link |= rest.starts_with(b"://"),
        b':' if next == b':' => seen.colons = true,
        byte if next.is_ascii_alphanumeric() => {
            let left = before(bytes, at);
            if left.is_some_and(|left| left.is_ascii_hexdigit()) && next.is_ascii_hexdigit() {
                seen.colons |= byte == b':';
                let width = if byte == b'.' { 5 } else { 3 };
                seen.pairs |= rest.get(width) == Some(&byte);
            }
            for &rule in &vocabulary.punctuated_prefixes {
                if rest.starts_with(PREFIX_RULES[rule].prefix.as_bytes()) {
                    findings.prefixes.push(PrefixHit { start: at, rule });
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Findings {
        let mut findings = Findings::default();
        walk(&Vocabulary::builtin(), text.as_bytes(), &mut findings);
        findings
    }

    #[test]
    fn a_text_with_nothing_in_it_leaves_nothing() {
        let findings = found("This text is plain: it names nothing, in Zürich or elsewhere.");
        assert!(findings.context.is_empty() && findings.words.is_empty() && findings.prefixes.is_empty());
        assert_eq!(format!("{:?}", findings.seen), format!("{:?}", Seen::default()));
    }

    #[test]
    fn words_with_digits_are_kept() {
        let words: Vec<_> = found("dial 030-B25 now")
            .words
            .iter()
            .map(|word| (word.start, word.end, word.digits))
            .collect();
        assert_eq!(words, [(5, 8, 3), (9, 12, 2)]);
    }

    #[test]
    fn hits_are_sorted_and_cover_joined_names() {
        let text = "socialSecurityNumber, account_number";
        let hits = found(text).context;
        assert!(hits.is_sorted_by_key(|hit| hit.start));
        assert!(
            hits.iter()
                .any(|hit| &text[hit.start..hit.end] == "socialSecurityNumber")
        );
        assert!(
            hits.iter()
                .any(|hit| &text[hit.start..hit.end] == "account_number")
        );
    }

    #[test]
    fn what_begins_something_is_seen() {
        let seen = |text: &str| found(text).seen;
        assert!(seen("a@b").at_sign && seen("a%40b").at_sign && seen("@").at_sign);
        assert!(seen("http://x").link && seen("fe80::1").colons && seen("1:2:3").colons);
        assert!(seen("aa:bb:cc").pairs && seen("aa-bb-cc").pairs && seen("aabb.ccdd.eeff").pairs);
        assert!(seen("x[[A").brackets && seen("x;base64,QQ").data && seen("-----BEGIN X").armour);
        assert!(seen("Bearer x").authorization && seen("?sig=x").signature && seen("(eyJh").jwt);
    }
}
