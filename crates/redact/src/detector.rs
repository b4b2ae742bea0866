//! The detector: one pass for words, one for keywords and prefixes, matchers for what they found, and a verdict.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::entity::Entity;
use crate::folded::Folded;
use crate::ids::{self, IdMatcher};
use crate::network::{email, ip, mac, url};
use crate::numbers::{announced, iban, phone};
use crate::personal::names::GIVEN_NAMES;
use crate::personal::{address, birth, person, wallet};
use crate::placeholder_token::token_ranges;
use crate::resolve::{resolve, words_outside};
use crate::secrets::{keyed, prefixes, structured};
use crate::span::Span;
use crate::vocabulary::{LISTS, Vocabulary};
use crate::words::{link_regions, meets_region, vetoed_regions, words_with_digits};

/// Raised whenever a matcher's behaviour changes in a way the tables do not show, so that [`Detector::version`]
/// changes with it.
const MATCHER_REVISION: u32 = 1;

/// Finds personal data and secrets in text. Built once; clones share everything.
#[derive(Debug, Clone)]
pub struct Detector {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    vocabulary: Vocabulary,
    ids: IdMatcher,
    version: [u8; 32],
}

impl Detector {
    /// The detector with the built-in rules and lists. Takes some milliseconds: build it once.
    pub fn builtin() -> Detector {
        let inner = Inner {
            vocabulary: Vocabulary::builtin(),
            ids: IdMatcher::new(),
            version: version(),
        };
        Detector {
            inner: Arc::new(inner),
        }
    }

    /// Digest of the rules and lists: two detectors with the same version find the same spans.
    pub fn version(&self) -> [u8; 32] {
        self.inner.version
    }

    /// Finds values in `text`. `context_key` is the name or dotted path of the field that holds the text (`""` for
    /// none), which speaks for a value like a word right before it.
    ///
    /// Spans are sorted and disjoint, in UTF-8 bytes, on character boundaries. Time is linear in `text`. A text of
    /// 4 GiB or more is not scanned; the redacting functions refuse texts long before that.
    pub fn scan(&self, text: &str, context_key: &str) -> Vec<Span> {
        // Offsets are kept in 32 bits; the caller's limits are far below.
        if text.len() > u32::MAX as usize {
            return Vec::new();
        }
        let folded = Folded::new(text);
        let bytes = folded.bytes();
        if bytes.is_empty() {
            return Vec::new();
        }
        let mut findings = self.inner.vocabulary.find(bytes);
        let mut words = words_with_digits(bytes);

        // Placeholders neither are values nor speak for any.
        let mut vetoed = vetoed_regions(bytes, &words);
        let tokens = token_ranges(bytes);
        if !tokens.is_empty() {
            findings
                .context
                .retain(|hit| !meets_region(&tokens, hit.start, hit.end));
            vetoed.extend(&tokens);
            vetoed.sort_unstable();
        }
        words = words_outside(words, &vetoed);
        // The words of a link's path speak for nothing; a key of its query does.
        let links = link_regions(bytes);
        findings
            .context
            .retain(|hit| bytes.get(hit.end) == Some(&b'=') || !meets_region(&links, hit.start, hit.end));

        let field = self.inner.vocabulary.topics_of(context_key);
        let context = Context {
            bytes,
            field,
            hits: &findings.context,
        };
        let mut candidates = Vec::new();
        email::propose(&context, &mut candidates);
        url::propose(&context, &mut candidates);
        structured::propose(&context, &mut candidates);
        prefixes::propose(&context, &findings.prefixes, &mut candidates);
        prefixes::propose_aws_secrets(&context, &mut candidates);
        keyed::propose(&context, &mut candidates);
        keyed::propose_signatures(&context, &mut candidates);
        if !context_key.is_empty() {
            let last_key = context_key.rsplit('.').next().unwrap_or(context_key);
            keyed::propose_field(
                &context,
                self.inner.vocabulary.topics_at_end(last_key),
                &mut candidates,
            );
        }
        mac::propose(&context, &mut candidates);
        birth::propose(&context, &mut candidates);
        person::propose(&context, &mut candidates);
        if !words.is_empty() {
            self.inner.ids.propose(&context, &words, &mut candidates);
            iban::propose(&context, &words, &mut candidates);
            phone::propose(&context, &words, &mut candidates);
            announced::propose(&context, &words, &mut candidates);
            ip::propose(&context, &words, &mut candidates);
            address::propose(&context, &words, &mut candidates);
            wallet::propose(&context, &words, &mut candidates);
        }
        resolve(&folded, candidates)
    }
}

/// SHA-256 over the revision, every list, every shape and every prefix.
fn version() -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    part("aal/detector/v1");
    part(&MATCHER_REVISION.to_string());
    part(env!("CARGO_PKG_VERSION"));
    LISTS.iter().for_each(|list| part(list));
    part(GIVEN_NAMES);
    for entity in Entity::ALL {
        part(entity.name());
    }
    for rule in ids::rules() {
        part(rule.id);
        part(rule.entity.name());
        part(&format!("{:?}", rule.topics));
        for shape in rule.shapes {
            part(shape.pattern);
            part(&shape.alone.to_string());
        }
    }
    for rule in prefixes::PREFIX_RULES {
        part(&format!("{rule:?}"));
    }
    hasher.finalize().into()
}
