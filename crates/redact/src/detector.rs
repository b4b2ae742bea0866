//! The detector: one walk that finds words, keywords and beginnings of values, matchers for what it found, and a
//! verdict.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::entity::Entity;
use crate::folded::Folded;
use crate::ids::{self, CERTAIN, IdMatcher};
use crate::network::{email, ip, mac, url};
use crate::numbers::{announced, iban, phone};
use crate::personal::names::GIVEN_NAMES;
use crate::personal::{address, birth, person, wallet};
use crate::placeholder_token::token_ranges;
use crate::resolve::resolve;
use crate::secrets::{aws, command_line, encoded, keyed, prefixes, structured};
use crate::span::{Candidate, Span};
use crate::tenant::{CompiledRules, RuleError, TenantRules};
use crate::topics::Topics;
use crate::vocabulary::{LISTS, Vocabulary};
use crate::walk::{Findings, walk};
use crate::words::{link_regions, meets_region, vetoed_regions};

/// Raised whenever a matcher's behaviour changes in a way the tables do not show, so that [`Detector::version`]
/// changes with it.
const MATCHER_REVISION: u32 = 3;
/// Base 64 inside base 64 that is looked into.
const MAX_ENCODINGS: usize = 2;

/// Finds personal data and secrets in text. Built once; clones share everything.
#[derive(Debug, Clone)]
pub struct Detector {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    builtin: Arc<Builtin>,
    tenant: Option<Arc<CompiledRules>>,
    /// Kinds that are left in the text.
    kept: BTreeSet<Entity>,
    version: [u8; 32],
}

/// What every tenant's detector shares.
#[derive(Debug)]
struct Builtin {
    vocabulary: Vocabulary,
    ids: IdMatcher,
}

impl Detector {
    /// The detector with the built-in rules and lists. Takes some milliseconds: build it once.
    pub fn builtin() -> Detector {
        let builtin = Builtin {
            vocabulary: Vocabulary::builtin(),
            ids: IdMatcher::new(),
        };
        let inner = Inner {
            builtin: Arc::new(builtin),
            tenant: None,
            kept: BTreeSet::new(),
            version: version(),
        };
        Detector {
            inner: Arc::new(inner),
        }
    }

    /// This detector with a tenant's rules and lists instead of those it had; the built-in ones are shared.
    pub fn with_rules(&self, rules: &TenantRules) -> Result<Detector, RuleError> {
        let tenant = CompiledRules::new(rules)?;
        let mut hasher = Sha256::new();
        hasher.update(version());
        hasher.update(tenant.digest());
        let inner = Inner {
            builtin: Arc::clone(&self.inner.builtin),
            tenant: (*rules != TenantRules::default()).then(|| Arc::new(tenant)),
            kept: BTreeSet::new(),
            version: if *rules == TenantRules::default() {
                version()
            } else {
                hasher.finalize().into()
            },
        };
        Ok(Detector {
            inner: Arc::new(inner),
        })
    }

    /// This detector, blind for the kinds `kept`: their values stay in the text. What another kind claims of the same
    /// characters is still found.
    pub fn keeping(&self, kept: &BTreeSet<Entity>) -> Detector {
        if kept.is_empty() {
            return self.clone();
        }
        let mut hasher = Sha256::new();
        hasher.update(self.inner.version);
        for entity in kept {
            hasher.update(b"\nkeep ");
            hasher.update(entity.name());
        }
        let inner = Inner {
            builtin: Arc::clone(&self.inner.builtin),
            tenant: self.inner.tenant.clone(),
            kept: kept.clone(),
            version: hasher.finalize().into(),
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
        let field = self.field(context_key);
        self.scan_unit(text, field, &mut Scratch::default())
    }

    /// Whether values of that kind are looked for; a policy may keep them.
    pub(crate) fn finds(&self, entity: Entity) -> bool {
        !self.inner.kept.contains(&entity)
    }

    /// Whether the tenant's rules leave this value in place.
    pub(crate) fn allows(&self, value: &str) -> bool {
        let tenant = self.inner.tenant.as_ref();
        tenant.is_some_and(|tenant| tenant.allows(value))
    }

    /// What the name or dotted path of a field says about its value.
    pub(crate) fn field(&self, context_key: &str) -> Field {
        if context_key.is_empty() {
            return Field::default();
        }
        let last_key = context_key.rsplit('.').next().unwrap_or(context_key);
        Field {
            topics: self.inner.builtin.vocabulary.topics_of(context_key),
            at_end: self.inner.builtin.vocabulary.topics_at_end(last_key),
        }
    }

    /// As [`Detector::scan`], in memory that is used again for the next text.
    pub(crate) fn scan_unit(&self, text: &str, field: Field, scratch: &mut Scratch) -> Vec<Span> {
        self.scan_at(text, field, scratch, 0)
    }

    /// Scans a text inside `depth` encodings.
    fn scan_at(&self, text: &str, field: Field, scratch: &mut Scratch, depth: usize) -> Vec<Span> {
        // Offsets are kept in 32 bits; the caller's limits are far below.
        if text.is_empty() || text.len() > u32::MAX as usize {
            return Vec::new();
        }
        let folded = Folded::new(text);
        let bytes = folded.bytes();
        scratch.clear();
        walk(&self.inner.builtin.vocabulary, bytes, &mut scratch.findings);
        scratch.clear_what_says_nothing(bytes);
        let Scratch {
            findings,
            candidates,
            tokens,
            ..
        } = scratch;
        let context = Context {
            bytes,
            field: field.topics,
            hits: &findings.context,
            topics: findings.topics.union(field.topics),
        };
        self.propose(&context, findings, field, candidates);
        if !findings.encoded.is_empty() && depth < MAX_ENCODINGS {
            self.propose_encoded(bytes, &findings.encoded, depth, candidates);
        }
        if let Some(tenant) = &self.inner.tenant {
            tenant.apply(bytes, &findings.words, candidates);
        }
        if !self.inner.kept.is_empty() {
            candidates.retain(|found| !self.inner.kept.contains(&found.entity));
        }
        if candidates.is_empty() {
            return Vec::new();
        }
        resolve(&folded, candidates, tokens)
    }

    /// Proposes the runs of base 64 whose text holds a value, as what the best of its values is.
    fn propose_encoded(&self, bytes: &[u8], words: &[usize], depth: usize, out: &mut Vec<Candidate>) {
        for run in encoded::texts_in(bytes, words) {
            let spans = self.scan_at(&run.text, Field::default(), &mut Scratch::default(), depth + 1);
            let redacted = spans.iter().filter(|span| span.band.is_redacted());
            if let Some(best) = redacted.max_by_key(|span| span.score_permille) {
                out.push(Candidate {
                    start: run.start,
                    end: run.end,
                    entity: best.entity,
                    log_odds: CERTAIN,
                    rule: "encoded",
                });
            }
        }
    }

    /// Every matcher that has something to start from.
    fn propose(&self, context: &Context<'_>, findings: &Findings, field: Field, out: &mut Vec<Candidate>) {
        let seen = &findings.seen;
        if seen.at_sign {
            email::propose(context, out);
        }
        if seen.link {
            url::propose(context, out);
        }
        structured::propose(context, seen, out);
        if !findings.prefixes.is_empty() {
            prefixes::propose(context, &findings.prefixes, out);
        }
        aws::propose(context, out);
        keyed::propose(context, out);
        if seen.signature {
            keyed::propose_signatures(context, out);
        }
        keyed::propose_field(context, field.at_end, out);
        if seen.command {
            command_line::propose(context, out);
        }
        if seen.pairs {
            mac::propose(context, out);
        }
        birth::propose(context, out);
        person::propose(context, &findings.given, out);
        if seen.colons {
            ip::propose_v6(context, out);
        }
        announced::propose_bics(context, out);
        wallet::propose_long(context, &findings.encoded, out);
        let words = &findings.words;
        if !words.is_empty() {
            self.inner.builtin.ids.propose(context, words, out);
            iban::propose(context, words, out);
            phone::propose(context, words, out);
            announced::propose(context, words, out);
            ip::propose_v4(context, words, out);
            address::propose(context, words, out);
            wallet::propose(context, words, out);
        }
    }
}

/// What a field's name says about its value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Field {
    /// Topics of the whole path.
    topics: Topics,
    /// Topics that the last name ends in.
    at_end: Topics,
}

/// Memory that scans use, kept from one text to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    findings: Findings,
    candidates: Vec<Candidate>,
    tokens: Vec<(usize, usize)>,
    regions: Vec<(usize, usize)>,
}

impl Scratch {
    fn clear(&mut self) {
        self.findings.clear();
        self.candidates.clear();
        self.tokens.clear();
        self.regions.clear();
    }

    /// Takes back what neither is a value nor speaks for one: placeholders, UUIDs, the payloads of `data:` URIs,
    /// and the words of a link's path.
    fn clear_what_says_nothing(&mut self, bytes: &[u8]) {
        let Scratch {
            findings,
            tokens,
            regions,
            ..
        } = self;
        vetoed_regions(bytes, &findings.words, findings.seen.data, regions);
        if findings.seen.brackets {
            token_ranges(bytes, tokens);
        }
        if !tokens.is_empty() {
            findings
                .context
                .retain(|hit| !meets_region(tokens, hit.start, hit.end));
            findings.given.retain(|at| !meets_region(tokens, *at, at + 1));
            regions.extend_from_slice(tokens);
            regions.sort_unstable();
        }
        if !regions.is_empty() {
            findings
                .words
                .retain(|word| !meets_region(regions, word.start, word.end));
        }
        if findings.seen.link && !findings.context.is_empty() {
            regions.clear();
            link_regions(bytes, regions);
            // A key of a link's query does speak.
            findings.context.retain(|hit| {
                bytes.get(hit.end) == Some(&b'=') || !meets_region(regions, hit.start, hit.end)
            });
        }
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
