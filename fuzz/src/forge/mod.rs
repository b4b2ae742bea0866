//! Bundles as a forger would change them: with the archive and the maker's books put right again.

mod anew;
pub mod archive;
mod edits;

pub use anew::resigned;
pub use edits::{EDITS, Edit};

use crate::mutate::Mutator;
use archive::{Member, pack, rebook, split};

/// A changed bundle and what was done to it.
#[derive(Clone, Debug)]
pub struct Forged {
    pub bytes: Vec<u8>,
    pub what: String,
}

/// The bundle changed in one way that the mutator chooses; `other` is another bundle to take material from.
pub fn forge(mutator: &mut Mutator, original: &[u8], other: &[u8]) -> Forged {
    let choice = mutator.below(EDITS.len() + 4);
    let Some((name, edit)) = EDITS.get(choice) else {
        return raw(mutator, original, other);
    };
    let mut members = split(original);
    let detail = edit(mutator, &mut members, &split(other));
    rebook(&mut members);
    Forged {
        bytes: pack(&members),
        what: format!("{name}: {detail}"),
    }
}

/// A change that does not care what it hits; the books stay as they were.
fn raw(mutator: &mut Mutator, original: &[u8], other: &[u8]) -> Forged {
    let mut bytes = original.to_vec();
    let what = match mutator.below(4) {
        0 | 1 => {
            mutator.flip_bit(&mut bytes);
            "one bit flipped"
        }
        2 => {
            let at = mutator.below(bytes.len());
            bytes.truncate(at);
            "cut off"
        }
        _ => {
            mutator.mutate(&mut bytes, other);
            "bytes changed"
        }
    };
    Forged {
        bytes,
        what: what.to_owned(),
    }
}

/// What of a bundle is evidence: everything but the texts for people and the maker's books. A note's line that stands
/// twice says nothing more than once.
pub fn evidence(bytes: &[u8]) -> Vec<Member> {
    let is_evidence =
        |name: &str| !["scope.json", "manifest.json"].contains(&name) && !name.starts_with("report/");
    let mut members: Vec<Member> = split(bytes)
        .into_iter()
        .filter(|member| is_evidence(&member.name))
        .collect();
    for note in members
        .iter_mut()
        .filter(|member| member.name.starts_with("checkpoints/"))
    {
        let mut lines: Vec<&[u8]> = note.data.split_inclusive(|byte| *byte == b'\n').collect();
        lines.dedup();
        note.data = lines.concat();
    }
    members
}
