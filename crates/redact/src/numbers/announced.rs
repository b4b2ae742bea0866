//! Values that only the words before them make what they are: account, record, passport and licence numbers.

use crate::checks::americas::{record_number, us_driver_license, us_passport};
use crate::checks::finance::{bic, us_account};
use crate::context::Context;
use crate::entity::Entity;
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::Word;

/// Bytes between the announcing word and its value.
const REACH: usize = 44;
const MAX_VALUE: usize = 24;

struct Announced {
    topics: Topics,
    entity: Entity,
    rule: &'static str,
    check: fn(&[u8]) -> bool,
    log_odds: i32,
}

const RULES: [Announced; 8] = [
    Announced {
        topics: Topics::of(&[Topic::BankAccount]),
        entity: Entity::UsBankNumber,
        rule: "us_bank_number",
        check: us_account,
        log_odds: 200,
    },
    Announced {
        topics: Topics::of(&[Topic::Mrn]),
        entity: Entity::MedicalRecordNumber,
        rule: "medical_record_number",
        check: record_number,
        log_odds: 260,
    },
    Announced {
        topics: Topics::of(&[Topic::HealthPlan]),
        entity: Entity::HealthPlanId,
        rule: "health_plan_id",
        check: record_number,
        log_odds: 240,
    },
    Announced {
        topics: Topics::of(&[Topic::Passport]),
        entity: Entity::UsPassport,
        rule: "us_passport",
        check: us_passport,
        log_odds: 240,
    },
    Announced {
        topics: Topics::of(&[Topic::Passport]),
        entity: Entity::PassportNumber,
        rule: "passport_number",
        check: |compact| (7..=9).contains(&compact.len()) && !us_passport(compact) && record_number(compact),
        log_odds: 200,
    },
    Announced {
        topics: Topics::of(&[Topic::Driver]),
        entity: Entity::UsDriverLicense,
        rule: "us_driver_license",
        check: us_driver_license,
        log_odds: 230,
    },
    Announced {
        topics: Topics::of(&[Topic::CardCode]),
        entity: Entity::CreditCardCvv,
        rule: "card_security_code",
        check: |compact| matches!(compact.len(), 3 | 4) && compact.iter().all(u8::is_ascii_digit),
        log_odds: 240,
    },
    Announced {
        topics: Topics::of(&[Topic::Expiry]),
        entity: Entity::CreditCardExpiry,
        rule: "card_expiry",
        check: is_expiry,
        log_odds: 160,
    },
];

pub(crate) fn propose(context: &Context<'_>, words: &[Word], out: &mut Vec<Candidate>) {
    if words.is_empty() {
        return;
    }
    for rule in &RULES {
        if !context.topics.meets(rule.topics) {
            continue;
        }
        if context.field.meets(rule.topics) {
            if let Some((start, end)) = value_of(context.bytes, &words[0], rule)
                && context.bytes.len() <= 4 * MAX_VALUE
            {
                push(rule, start, end, 60, out);
            }
            continue;
        }
        for hit in context.hits.iter().filter(|hit| hit.topics.meets(rule.topics)) {
            let first = words.partition_point(|word| word.end <= hit.end);
            let Some(word) = words.get(first) else {
                continue;
            };
            let glued = word.start < hit.end;
            let between = if glued {
                &[]
            } else {
                &context.bytes[hit.end..word.start]
            };
            // `chart no. 123`: the stop belongs to the word.
            let abbreviated = matches!(
                context.bytes[hit.start..hit.end],
                [.., b'n' | b'N', b'o' | b'O' | b'r' | b'R']
            );
            let between = between
                .strip_prefix(b".")
                .filter(|_| abbreviated)
                .unwrap_or(between);
            if between.len() > REACH || ends_sentence(between) || is_negated(context, hit.end, word.start) {
                continue;
            }
            if let Some((start, end)) = value_of(context.bytes, word, rule) {
                push(rule, start, end, 0, out);
            }
        }
    }
}

/// Proposes bank identifier codes after a word for them: most hold no digit.
pub(crate) fn propose_bics(context: &Context<'_>, out: &mut Vec<Candidate>) {
    const TOPICS: Topics = Topics::of(&[Topic::Bic]);
    const GAP: usize = 12;
    if !context.topics.meets(TOPICS) {
        return;
    }
    let bytes = context.bytes;
    let after_words = context
        .hits
        .iter()
        .filter(|hit| hit.topics.meets(TOPICS))
        .map(|hit| hit.end);
    for from in after_words.chain(context.field.meets(TOPICS).then_some(0)) {
        let gap = bytes[from..]
            .iter()
            .take(GAP)
            .take_while(|byte| !byte.is_ascii_uppercase() && !byte.is_ascii_digit() && **byte != b'\n')
            .count();
        let start = from + gap;
        // `swift DECISION`: the adjective; the code has a colon or the word `code` before it.
        if gap == 1 && bytes[from.saturating_sub(5)..from].eq_ignore_ascii_case(b"swift") {
            continue;
        }
        let length = bytes[start..]
            .iter()
            .take(12)
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        if bic(&bytes[start..start + length]) {
            out.push(Candidate {
                start,
                end: start + length,
                entity: Entity::Bic,
                log_odds: 330,
                rule: "bic_announced",
            });
        }
    }
}

fn push(rule: &Announced, start: usize, end: usize, bonus: i32, out: &mut Vec<Candidate>) {
    out.push(Candidate {
        start,
        end,
        entity: rule.entity,
        log_odds: rule.log_odds + bonus,
        rule: rule.rule,
    });
}

/// The value that starts at `word`, with groups joined by hyphens, spaces or (for dates) slashes, as long as the
/// check holds.
fn value_of(bytes: &[u8], word: &Word, rule: &Announced) -> Option<(usize, usize)> {
    let limit = bytes.len().min(word.start + MAX_VALUE);
    let mut best = None;
    let mut compact = [0; MAX_VALUE];
    let mut length = 0;
    let mut at = word.start;
    while at < limit {
        let byte = bytes[at];
        if byte.is_ascii_alphanumeric() {
            compact[length] = byte.to_ascii_uppercase();
            length += 1;
        } else if !joins(byte, bytes.get(at + 1)) {
            break;
        } else if byte == b'/' {
            compact[length] = byte;
            length += 1;
        }
        at += 1;
        let group_ends = !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        if byte.is_ascii_alphanumeric() && group_ends && (rule.check)(&compact[..length]) {
            best = Some((word.start, at));
        }
    }
    best
}

fn joins(byte: u8, next: Option<&u8>) -> bool {
    match byte {
        b'-' | b'/' => next.is_some_and(u8::is_ascii_alphanumeric),
        b' ' => next.is_some_and(u8::is_ascii_digit),
        _ => false,
    }
}

/// `12/27`, `12/2027`, `12-27` as month and year of a card.
fn is_expiry(compact: &[u8]) -> bool {
    let digits: Vec<u8> = compact.iter().copied().filter(|byte| *byte != b'/').collect();
    let month = digits.get(..2).map(|text| {
        (text[0].wrapping_sub(b'0'))
            .wrapping_mul(10)
            .wrapping_add(text[1].wrapping_sub(b'0'))
    });
    let numeric = digits.iter().all(u8::is_ascii_digit);
    let shaped = matches!(digits.len(), 4 | 6) && compact.len() <= 7;
    numeric && shaped && month.is_some_and(|month| (1..=12).contains(&month))
}

fn ends_sentence(between: &[u8]) -> bool {
    let full_stop = between
        .windows(2)
        .any(|pair| matches!(pair, [b'.' | b'!' | b'?' | b';', b' ' | b'\n']));
    // "MRN no. 123": an abbreviation's stop does not end the sentence.
    let abbreviation = between
        .windows(4)
        .any(|window| matches!(window, [b' ', b'n' | b'N', b'o' | b'r', b'.']));
    (full_stop && !abbreviation) || between.windows(2).any(|pair| pair == b"\n\n")
}

/// Whether a word that speaks against (order, invoice) stands between the announcing word and the value.
fn is_negated(context: &Context<'_>, from: usize, to: usize) -> bool {
    let against = Topics::of(&[Topic::Negative]);
    let mut between = context.hits_within(from, to);
    between.any(|hit| hit.topics.meets(against) && hit.end <= to)
}
