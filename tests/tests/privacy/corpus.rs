//! The values that must not be found again.

use aal_redact::{Detector, Entity};
use serde_json::Value;

/// How many texts of the shared corpus are sent.
const SHARED_TEXTS: usize = 250;
/// Values shorter than this occur by chance.
const SHORTEST: usize = 9;

/// What is sent, and what of it is searched for.
pub struct Corpus {
    /// Values that are personal wherever they stand.
    pub own: Vec<String>,
    /// Texts of the shared corpus, where it is there.
    pub texts: Vec<String>,
    /// Everything that is searched for.
    pub values: Vec<String>,
}

impl Corpus {
    pub fn load() -> Corpus {
        let own = own();
        let texts = shared_texts();
        let detector = Detector::builtin();
        let mut values = own.clone();
        for text in &texts {
            values.extend(removed(&detector, text));
        }
        values.sort();
        values.dedup();
        Corpus { own, texts, values }
    }
}

/// Values of many kinds, recognised by their form alone. What looks like a credential is put together here, so that
/// none stands in the repository.
fn own() -> Vec<String> {
    let letters = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5";
    [
        "theodora.quillfeather@mail.example.net".to_owned(),
        "536-90-4399".to_owned(),
        "DE89370400440532013000".to_owned(),
        "4111 1111 1111 1111".to_owned(),
        "+49 30 901820 4711".to_owned(),
        format!("{}_{letters}", "ghp"),
        "barnaby_oxenstierna77@post.example.org".to_owned(),
        "GB82WEST12345698765432".to_owned(),
        "5555 5555 5555 4444".to_owned(),
    ]
    .to_vec()
}

fn shared_texts() -> Vec<String> {
    let path = audit_tests::repository::root().join("../shared/pii/dev_corpus.jsonl");
    let Ok(lines) = std::fs::read_to_string(path) else {
        return Vec::new();
    };
    let texts = lines.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        Some(line["text"].as_str()?.to_owned())
    });
    // Control characters are allowed in few fields, and these texts are sent in many.
    texts
        .filter(|text| text.len() < 4_000)
        .take(SHARED_TEXTS)
        .collect()
}

/// What the detector finds in a text. What it misses is a matter of its recall, measured elsewhere; here is asked
/// whether anything that was found gets out on another way.
fn removed(detector: &Detector, text: &str) -> Vec<String> {
    let token = |entity: Entity, _: &str| format!("[[{entity}:k1:0123456789ABCDEF]]");
    let redacted = detector
        .redact_text(text, "content", &token)
        .expect("it is redacted");
    let kept = redacted.template;
    let found = redacted.removed.into_iter().map(|removed| removed.original);
    // A value that also stands where nothing gives it away is no longer secret in this very text.
    found
        .filter(|value| value.len() >= SHORTEST && !kept.contains(value.as_str()))
        .filter(|value| value.contains(|character: char| character.is_ascii_digit() || character == '@'))
        .collect()
}
