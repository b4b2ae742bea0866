//! Addresses of crypto-currencies in a text.

use crate::checks::crypto::{Ethereum, base58check, bech32, ethereum};
use crate::context::Context;
use crate::entity::Entity;
use crate::ids::{CERTAIN, LIKELY, NEEDS_CONTEXT, POSSIBLE};
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::Word;

/// Proposes Monero addresses (95 characters of base 58, 106 with a payment id) among the long words that start at
/// `words`, and Solana addresses (32 bytes in base 58) where a word announces a wallet.
pub(crate) fn propose_long(context: &Context<'_>, words: &[usize], out: &mut Vec<Candidate>) {
    const TOPICS: Topics = Topics::of(&[Topic::Crypto]);
    for &start in words {
        let rest = context.bytes[start..].iter().take(107);
        let length = rest.take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let text = &context.bytes[start..start + length];
        if text.iter().any(|byte| b"0OIl".contains(byte)) {
            continue;
        }
        let (alone, rule) = match (length, text) {
            (95 | 106, [b'4' | b'8', b'0'..=b'9' | b'A' | b'B', ..]) => (LIKELY, "monero"),
            (43 | 44, _) if text.iter().any(u8::is_ascii_digit) => (NEEDS_CONTEXT, "solana"),
            _ => continue,
        };
        if context.is_silent(alone, TOPICS) {
            continue;
        }
        out.push(Candidate {
            start,
            end: start + length,
            entity: Entity::Crypto,
            log_odds: context.weigh(alone, start, start + length, TOPICS),
            rule,
        });
    }
}

pub(crate) fn propose(context: &Context<'_>, words: &[Word], out: &mut Vec<Candidate>) {
    for word in words.iter().filter(|word| word.len() >= 25) {
        let text = &context.bytes[word.start..word.end];
        let known = match text {
            [b'0', b'x' | b'X', hex @ ..] if hex.len() == 40 && hex.iter().all(u8::is_ascii_hexdigit) => {
                match ethereum(hex) {
                    Ethereum::Checksummed => Some((CERTAIN + 100, "ethereum_checksummed")),
                    // Contracts and examples look the same; the words around it decide between likely and certain.
                    Ethereum::Plain => Some((LIKELY, "ethereum")),
                    Ethereum::Wrong => Some((POSSIBLE, "ethereum_wrong_checksum")),
                }
            }
            _ if bech32(text) => Some((CERTAIN + 200, "bech32")),
            _ if base58check(text) => Some((CERTAIN + 200, "base58check")),
            _ => None,
        };
        if let Some((alone, rule)) = known {
            let evidence = context.evidence(word.start, word.end, Topics::of(&[Topic::Crypto]));
            let log_odds = alone + evidence.max(0);
            out.push(Candidate {
                start: word.start,
                end: word.end,
                entity: Entity::Crypto,
                log_odds,
                rule,
            });
        }
    }
}
