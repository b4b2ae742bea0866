//! Checks each record against its leaf while it is read, and turns its header into facts.
//!
//! The figures of a report come from headers that hash to what the leaves hold, not from the table's columns:
//! whoever changes a column changes no figure.

use aal_ledger::{Leaf, leaf};
use aal_record::Header;

use super::ReadError;
use super::rows::LeafRow;
use crate::build::{Fact, SourceNumber, fact_of};
use crate::model::{Verdict, VerdictState};

/// Findings that are printed; more are only counted.
const FINDINGS_MAX: usize = 5;

/// Running result over the records of one report.
#[derive(Debug, Default)]
pub struct ContentCheck {
    checked: u64,
    failed: u64,
    findings: Vec<String>,
    /// Place and hash of the record before, to follow links of neighbours.
    previous: Option<(uuid::Uuid, u32, u64, [u8; 32])>,
    links: u64,
}

impl ContentCheck {
    /// Checks one record; a failed check is counted and does not end the report.
    pub(super) fn check(&mut self, row: &LeafRow) {
        self.checked += 1;
        if let Some(what) = self.fault(row) {
            self.failed += 1;
            if self.findings.len() < FINDINGS_MAX {
                self.findings
                    .push(format!("shard {}, index {}: {what}", row.shard, row.chain_index));
            }
        }
        self.previous = Some((row.tenant, row.shard, row.chain_index, row.leaf_hash));
    }

    fn fault(&mut self, row: &LeafRow) -> Option<String> {
        if leaf::leaf_hash(&row.leaf) != row.leaf_hash {
            return Some("leaf does not hash to the stored leaf hash".to_owned());
        }
        let leaf = match Leaf::decode(&row.leaf) {
            Ok(leaf) => leaf,
            Err(error) => return Some(format!("leaf cannot be decoded: {error}")),
        };
        let place = (leaf.tenant, leaf.shard, leaf.index);
        if place != (row.tenant, row.shard, row.chain_index) || leaf.prev_leaf_hash != row.prev_leaf_hash {
            return Some("leaf is of another place".to_owned());
        }
        if leaf.event_id != row.event_id || leaf.kind.name() != row.kind {
            return Some("leaf is of another event".to_owned());
        }
        if aal_ledger::hash::sha256(row.header.as_bytes()) != leaf.header_hash {
            return Some("header does not hash to what the leaf holds".to_owned());
        }
        if let Some((tenant, shard, index, hash)) = self.previous
            && (tenant, shard, index + 1) == (row.tenant, row.shard, row.chain_index)
        {
            self.links += 1;
            if hash != row.prev_leaf_hash {
                return Some("link to the record before is broken".to_owned());
            }
        }
        None
    }

    /// The verdict on content.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let state = match (self.checked, self.failed) {
            (0, _) => VerdictState::Unproven,
            (_, 0) => VerdictState::Pass,
            _ => VerdictState::Fail,
        };
        let done = format!(
            "each record read for this report: leaf re-hashed, place and event compared, header compared with the hash \
             in the leaf; {} links between neighbours followed. The figures come from these headers.",
            self.links
        );
        let detail = if self.failed == 0 {
            done
        } else {
            format!(
                "{} of {} records failed: {}. {done}",
                self.failed,
                self.checked,
                self.findings.join("; ")
            )
        };
        Verdict {
            name: "content".to_owned(),
            state,
            checked: self.checked,
            detail,
        }
    }
}

/// The number that the leaf binds, with the names that the attributes give. A leaf that cannot be read is the content
/// check's to tell.
fn source_number(row: &LeafRow) -> Option<SourceNumber> {
    let leaf = Leaf::decode(&row.leaf)
        .ok()
        .filter(|leaf| !leaf.source_id.is_nil())?;
    let attributes: serde_json::Value = serde_json::from_str(&row.attributes).unwrap_or_default();
    let text = |path: &str| attributes.pointer(path).and_then(serde_json::Value::as_str);
    Some(SourceNumber {
        source_id: leaf.source_id,
        epoch: leaf.source_epoch,
        sequence: leaf.source_seq,
        instance: text("/source/instance").unwrap_or_default().to_owned(),
        sdk: text("/source/sdk").unwrap_or_default().to_owned(),
    })
}

/// The facts of a record, from its header.
pub(super) fn fact(row: &LeafRow) -> Result<(Header, Fact), ReadError> {
    let damaged = |what: String| ReadError::Damaged {
        shard: row.shard,
        index: row.chain_index,
        what,
    };
    let header: Header = serde_json::from_str(&row.header).map_err(|error| damaged(error.to_string()))?;
    let mut fact = fact_of(&header, &row.attributes).map_err(|error| damaged(error.to_string()))?;
    fact.tenant = row.tenant;
    fact.shard = row.shard;
    fact.index = row.chain_index;
    fact.leaf_hash = row.leaf_hash;
    fact.event_id = row.event_id;
    if fact.user_id.is_empty() {
        fact.user_id.clone_from(&row.user_id);
    }
    fact.session_id.clone_from(&row.session_id);
    fact.source = source_number(row);
    Ok((header, fact))
}
