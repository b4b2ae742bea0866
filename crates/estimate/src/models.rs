//! Which table counts which model.

use bpe_openai::Tokenizer;

/// A published vocabulary of OpenAI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// GPT-4, GPT-3.5 and the embeddings.
    Cl100k,
    /// GPT-4o and later.
    O200k,
}

/// Beginnings of model names, as tiktoken lists them, without models that reason out of sight (`o1`, `o3`, `o4`,
/// `gpt-5`). The longest that fits counts, so an exception can follow its rule.
const MODELS: [(&str, Option<Encoding>); 13] = [
    ("gpt-4o", Some(Encoding::O200k)),
    ("chatgpt-4o-", Some(Encoding::O200k)),
    ("gpt-4.1", Some(Encoding::O200k)),
    ("gpt-4.5", Some(Encoding::O200k)),
    ("gpt-4-", Some(Encoding::Cl100k)),
    ("gpt-3.5-turbo", Some(Encoding::Cl100k)),
    ("gpt-35-turbo", Some(Encoding::Cl100k)),
    ("text-embedding-ada-002", Some(Encoding::Cl100k)),
    ("text-embedding-3-", Some(Encoding::Cl100k)),
    ("gpt-4o-audio", None),
    ("gpt-4o-realtime", None),
    ("gpt-4o-mini-audio", None),
    ("gpt-4o-search", None),
];

impl Encoding {
    /// The table of a model; None for a model whose tokeniser is not known.
    pub fn of_model(model: &str) -> Option<Encoding> {
        let model = model.to_lowercase();
        // A fine-tune counts as its base does.
        let base = model.strip_prefix("ft:").unwrap_or(&model);
        if base == "gpt-4" {
            return Some(Encoding::Cl100k);
        }
        let fits = MODELS.iter().filter(|(start, _)| base.starts_with(start));
        fits.max_by_key(|(start, _)| start.len())?.1
    }

    /// tiktoken's name of the table.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Cl100k => "cl100k_base",
            Encoding::O200k => "o200k_base",
        }
    }

    /// How many tokens a text is; linear in its length.
    pub fn count(self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        self.tokenizer().count(text) as u64
    }

    fn tokenizer(self) -> &'static Tokenizer {
        match self {
            Encoding::Cl100k => bpe_openai::cl100k_base(),
            Encoding::O200k => bpe_openai::o200k_base(),
        }
    }
}
