//! Addresses of crypto-currencies in a text.

use crate::checks::crypto::{Ethereum, base58check, bech32, ethereum};
use crate::context::Context;
use crate::entity::Entity;
use crate::ids::{CERTAIN, LIKELY, POSSIBLE};
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::Word;

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
