//! Small text and packed parts: head lines of one tenant, frontiers, tip proof, packed manifests
//! (docs/evidence-bundle.md sections 3.3 to 3.6 and 5).

use aal_ledger::hash::{parse_hex, to_hex};
use aal_ledger::merkle::{CompactRange, MAX_PROOF_LEN};
use aal_ledger::{ChainHead, ChainId, Hash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::entry::Cursor;
use crate::error::FormError;

/// One line of a part of the heads, with its inclusion proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadLine {
    /// Position among all lines of the heads.
    pub index: u64,
    /// Nearest hash first.
    pub path: Vec<Hash>,
    pub head: ChainHead,
    /// The line itself, without its `\n`.
    pub line: String,
}

impl HeadLine {
    /// The line of the member, with its `\n`.
    pub fn to_text(&self) -> String {
        let path: Vec<String> = self.path.iter().map(to_hex).collect();
        let path = if path.is_empty() {
            "-".to_owned()
        } else {
            path.join(",")
        };
        format!("{} {path} {}\n", self.index, self.line)
    }

    fn parse(text: &str) -> Option<HeadLine> {
        let mut parts = text.splitn(3, ' ');
        let (index, path, line) = (parts.next()?, parts.next()?, parts.next()?);
        let path: Vec<Hash> = match path {
            "-" => Vec::new(),
            path => path.split(',').map(parse_hex).collect::<Option<_>>()?,
        };
        let parsed = HeadLine {
            index: index.parse().ok()?,
            path,
            head: ChainHead::parse_line(line)?,
            line: line.to_owned(),
        };
        (parsed.path.len() <= MAX_PROOF_LEN && parsed.index.to_string() == index).then_some(parsed)
    }
}

/// Lines of a text whose every line ends in `\n`.
fn lines<'a>(name: &str, bytes: &'a [u8]) -> Result<Vec<&'a str>, FormError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FormError::content(name, "it is not UTF-8"))?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let body = text
        .strip_suffix('\n')
        .ok_or_else(|| FormError::content(name, "its last line does not end in a newline"))?;
    Ok(body.split('\n').collect())
}

fn parse_lines<T>(name: &str, bytes: &[u8], parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, FormError> {
    let mut parsed = Vec::new();
    for (position, line) in lines(name, bytes)?.into_iter().enumerate() {
        let item = parse(line);
        let number = position + 1;
        parsed.push(item.ok_or_else(|| FormError::content(name, format!("line {number} is malformed")))?);
    }
    Ok(parsed)
}

/// Lines of `heads/base` or `heads/last` of one tenant.
///
/// # Errors
/// On a malformed line.
pub fn parse_head_lines(name: &str, bytes: &[u8]) -> Result<Vec<HeadLine>, FormError> {
    parse_lines(name, bytes, HeadLine::parse)
}

/// Chains and their compact ranges at the base.
///
/// # Errors
/// On a malformed line.
pub fn parse_frontiers(bytes: &[u8]) -> Result<Vec<(ChainId, CompactRange)>, FormError> {
    parse_lines("frontiers", bytes, |line| {
        let (chain, range) = line.split_once(' ')?;
        let range = CompactRange::from_bytes(&STANDARD.decode(range).ok()?).ok()?;
        Some((chain.parse().ok()?, range))
    })
}

/// One line of `frontiers`.
pub fn frontier_line(chain: &ChainId, range: &CompactRange) -> String {
    format!("{chain} {}\n", STANDARD.encode(range.to_bytes()))
}

/// The hashes of `log/tip.proof`.
///
/// # Errors
/// On a malformed line.
pub fn parse_tip_proof(bytes: &[u8]) -> Result<Vec<Hash>, FormError> {
    parse_lines("log/tip.proof", bytes, |line| {
        STANDARD.decode(line).ok()?.try_into().ok()
    })
}

/// The bytes of `log/tip.proof`.
pub fn tip_proof_text(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| STANDARD.encode(hash) + "\n").collect()
}

/// Items behind their 16-bit lengths, at least one.
///
/// # Errors
/// When the bytes do not end with an item.
pub fn split_packed<'a>(name: &str, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, FormError> {
    let mut items = Vec::new();
    let mut cursor = Cursor(bytes);
    while !cursor.0.is_empty() {
        let item = cursor.u16().and_then(|len| cursor.take(usize::from(len)));
        items.push(item.ok_or_else(|| FormError::content(name, "its last item is cut off"))?);
    }
    if items.is_empty() {
        return Err(FormError::content(name, "it holds nothing"));
    }
    Ok(items)
}

/// Header and proof of one entry of `erasures`.
pub type ErasureEntry<'a> = (&'a [u8], &'a [u8]);

/// The entries of `erasures`, at least one.
///
/// # Errors
/// When the bytes do not end with an entry.
pub fn split_erasures(bytes: &[u8]) -> Result<Vec<ErasureEntry<'_>>, FormError> {
    let mut entries = Vec::new();
    let mut cursor = Cursor(bytes);
    while !cursor.0.is_empty() {
        let entry = cursor.long().and_then(|header| Some((header, cursor.long()?)));
        entries.push(entry.ok_or_else(|| FormError::content("erasures", "its last entry is cut off"))?);
    }
    if entries.is_empty() {
        return Err(FormError::content("erasures", "it holds nothing"));
    }
    Ok(entries)
}
