//! One record by itself: do its stored bytes and columns agree with its leaf?

use std::fmt::Display;

use aal_ledger::hash::{ciphertext_hash, plaintext_commitment, sha256, to_hex};
use aal_ledger::leaf::AEAD_NONE;
use aal_ledger::{CommittedSlots, Hash, Kind, Leaf, PRUNED, PruneRanges, Slot, jcs, leaf_hash, pruned};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::projection::COLUMNS;
use crate::record::StoredRecord;
use crate::report::{Place, Tally, Verdict};

/// Template slot of the attributes, from which some columns are projected.
const SLOT_ATTRIBUTES: u16 = 3;
/// AES-SIV's synthetic IV, in front of the padded plaintext.
const SIV_LEN: usize = 16;

/// What the rest of the verification needs of one record.
pub(crate) struct Checked {
    /// Recomputed from the stored leaf bytes.
    pub(crate) leaf_hash: Hash,
    /// Absent when the stored bytes are no leaf.
    pub(crate) leaf: Option<Leaf>,
    /// Kind gap: the first offset it stands for.
    pub(crate) first_offset: Option<u64>,
    /// Data keys whose slots are committed to and not stored.
    pub(crate) absent_keys: Vec<Uuid>,
    /// Kind erasure_done: the data keys it says were destroyed.
    pub(crate) erased_keys: Vec<Uuid>,
    /// Nothing but place and leaf is stored: right only if a prune leaf names it.
    pub(crate) is_pruned: bool,
    /// Kind prune: what it names.
    pub(crate) prunes: Option<PruneRanges>,
}

/// Checks leaf bytes, place, header, slots and columns of one record; every failure is counted in the tally.
pub(crate) fn check(record: &StoredRecord, place: Place, tally: &mut Tally) -> Checked {
    let mut check = Check { record, place, tally };
    let computed_hash = leaf_hash(&record.leaf);
    check.content(record.leaf_hash == computed_hash, || {
        format!(
            "stored leaf hashes to {}, its leaf hash says {}",
            to_hex(&computed_hash),
            hex_of(&record.leaf_hash)
        )
    });
    let mut checked = Checked {
        leaf_hash: computed_hash,
        leaf: None,
        first_offset: None,
        absent_keys: Vec::new(),
        erased_keys: Vec::new(),
        is_pruned: record.kind == PRUNED,
        prunes: None,
    };
    let leaf = match Leaf::decode(&record.leaf) {
        Ok(leaf) => leaf,
        Err(error) => {
            check.content(false, || format!("stored bytes are no leaf: {error}"));
            return checked;
        }
    };
    check.stored_place(&leaf);
    if checked.is_pruned {
        check.pruned(&leaf);
        checked.leaf = Some(leaf);
        return checked;
    }
    let header = check.header(&leaf);
    let committed = CommittedSlots::read(header.get("content"), header.get("committed_slots"));
    checked.absent_keys = check.slots(&leaf, &committed);
    check.columns(&leaf, &header);
    match leaf.kind {
        Kind::Gap => checked.first_offset = header.get("first_offset").and_then(Value::as_u64),
        Kind::ErasureDone => checked.erased_keys = erased_keys(&header),
        Kind::Prune => checked.prunes = prunes(&header),
        _ => {}
    }
    checked.leaf = Some(leaf);
    checked
}

fn erased_keys(header: &Map<String, Value>) -> Vec<Uuid> {
    let keys = header
        .get("subject_key_ids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    keys.filter_map(Value::as_str)
        .filter_map(|text| Uuid::try_parse(text).ok())
        .collect()
}

fn prunes(header: &Map<String, Value>) -> Option<PruneRanges> {
    PruneRanges::read(
        header.get(pruned::SHARD_MEMBER),
        header.get(pruned::RANGES_MEMBER),
    )
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Check<'a> {
    record: &'a StoredRecord,
    place: Place,
    tally: &'a mut Tally,
}

impl Check<'_> {
    fn content(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.tally.checked(Verdict::Content, 1);
        if !holds {
            self.tally.refute(Verdict::Content, self.place, what());
        }
    }

    /// The table's own columns for where the record stands.
    fn stored_place(&mut self, leaf: &Leaf) {
        let record = self.record;
        self.place_column("tenant", &record.tenant, &leaf.tenant);
        self.place_column("shard", &record.shard, &leaf.shard);
        self.place_column("chain_index", &record.chain_index, &leaf.index);
        if record.kind != PRUNED {
            self.place_column("kind", &record.kind.as_str(), &leaf.kind.name());
            self.place_column("event_id", &record.event_id, &leaf.event_id);
        }
        self.place_column("kafka_offset", &record.offset, &leaf.offset);
        self.content(record.prev_leaf_hash == leaf.prev_leaf_hash, || {
            let (stored, sealed) = (hex_of(&record.prev_leaf_hash), to_hex(&leaf.prev_leaf_hash));
            format!("column prev_leaf_hash holds {stored}, the leaf {sealed}")
        });
    }

    /// Of a pruned record nothing is left that the leaf does not say.
    fn pruned(&mut self, leaf: &Leaf) {
        let record = self.record;
        self.content(leaf.kind.is_prunable(), || {
            format!("stored as pruned, which a record of kind {} never is", leaf.kind)
        });
        let is_bare = record.header.is_empty()
            && record.event_id.is_nil()
            && record.templates.is_empty()
            && record.ciphertexts.is_empty();
        self.content(is_bare, || {
            "stored as pruned, and header, event id or content are there".to_owned()
        });
        for column in &COLUMNS {
            let Some(found) = record.columns.get(column.name) else {
                let what = format!("column {} was not handed over", column.name);
                self.tally.unproven(Verdict::Content, self.place, what);
                continue;
            };
            self.content(column.is_pruned(leaf, found), || {
                format!("column {} of a pruned record holds {found}", column.name)
            });
        }
    }

    fn place_column<T: PartialEq + Display>(&mut self, name: &str, stored: &T, sealed: &T) {
        self.content(stored == sealed, || {
            format!("column {name} holds {stored}, the leaf {sealed}")
        });
    }

    /// The header's members; empty when its bytes are not usable.
    fn header(&mut self, leaf: &Leaf) -> Map<String, Value> {
        let computed = sha256(&self.record.header);
        self.content(computed == leaf.header_hash, || {
            format!(
                "stored header hashes to {}, the leaf says {}",
                to_hex(&computed),
                to_hex(&leaf.header_hash)
            )
        });
        let header = match jcs::parse_canonical(&self.record.header) {
            Ok(Value::Object(members)) => members,
            Ok(_) => {
                self.content(false, || "header is no object".to_owned());
                return Map::new();
            }
            Err(error) => {
                self.content(false, || format!("header is not canonical: {error}"));
                return Map::new();
            }
        };
        let kind = header.get("kind").and_then(Value::as_str).unwrap_or_default();
        self.content(kind == leaf.kind.name(), || {
            format!("header says kind {kind:?}, the leaf {:?}", leaf.kind.name())
        });
        let event_id = header
            .get("event_id")
            .cloned()
            .unwrap_or_else(|| Value::from(Uuid::nil().to_string()));
        self.content(event_id == leaf.event_id.to_string(), || {
            format!("header says event {event_id}, the leaf {}", leaf.event_id)
        });
        if let Some(edge_at_us) = header.get("edge_at_us") {
            self.content(edge_at_us.as_i64() == Some(leaf.t_edge_us), || {
                format!("header says edge time {edge_at_us}, the leaf {}", leaf.t_edge_us)
            });
        }
        header
    }

    /// Compares each slot of the leaf with what is stored, and returns the keys of those that are absent.
    fn slots(&mut self, leaf: &Leaf, committed: &CommittedSlots) -> Vec<Uuid> {
        let record = self.record;
        let mut absent_keys = Vec::new();
        for slot in &leaf.slots {
            let is_stored = if slot.aead == AEAD_NONE {
                self.template(slot)
            } else {
                self.ciphertext(slot)
            };
            let is_absent_by_policy = slot.aead == AEAD_NONE && committed.contains(slot.slot);
            if is_stored || is_absent_by_policy {
                continue;
            }
            if slot.subject_key_id.is_nil() {
                self.content(false, || {
                    format!(
                        "slot {} is absent and has no key that could have been erased",
                        slot.slot
                    )
                });
            } else if !absent_keys.contains(&slot.subject_key_id) {
                absent_keys.push(slot.subject_key_id);
            }
        }
        let templates = record.templates.iter().map(|template| (template.slot, true));
        let ciphertexts = record
            .ciphertexts
            .iter()
            .map(|ciphertext| (ciphertext.slot, false));
        let mut seen = Vec::new();
        for (number, is_template) in templates.chain(ciphertexts) {
            let is_named = leaf
                .slots
                .iter()
                .any(|slot| slot.slot == number && (slot.aead == AEAD_NONE) == is_template);
            if !is_named {
                let what = if is_template { "text" } else { "ciphertext" };
                self.content(false, || {
                    format!("{what} of slot {number} is stored, the leaf has none")
                });
            }
            if seen.contains(&number) {
                self.content(false, || format!("slot {number} is stored twice"));
            }
            seen.push(number);
        }
        absent_keys
    }

    fn template(&mut self, slot: &Slot) -> bool {
        let record = self.record;
        let Some(template) = record
            .templates
            .iter()
            .find(|template| template.slot == slot.slot)
        else {
            return false;
        };
        let salt: Option<&[u8; 32]> = template.salt.as_deref().and_then(|salt| salt.try_into().ok());
        let number = slot.slot;
        let Some(salt) = salt else {
            self.content(false, || {
                format!("text of slot {number} is stored without its salt")
            });
            return true;
        };
        let computed = plaintext_commitment(salt, &template.text);
        self.content(computed == slot.pt_commit, || {
            format!("stored text of slot {number} is not the one the leaf commits to")
        });
        true
    }

    fn ciphertext(&mut self, slot: &Slot) -> bool {
        let record = self.record;
        let Some(stored) = record.ciphertexts.iter().find(|stored| stored.slot == slot.slot) else {
            return false;
        };
        let number = slot.slot;
        let computed = ciphertext_hash(slot.aead, &stored.ciphertext);
        self.content(computed == slot.ct_hash, || {
            format!("stored ciphertext of slot {number} is not the one the leaf hashes")
        });
        let expected_len = slot.padded_len as usize + SIV_LEN;
        self.content(stored.ciphertext.len() == expected_len, || {
            format!(
                "stored ciphertext of slot {number} has {} bytes, the leaf says {expected_len}",
                stored.ciphertext.len()
            )
        });
        true
    }

    fn columns(&mut self, leaf: &Leaf, header: &Map<String, Value>) {
        let record = self.record;
        let attributes = record
            .templates
            .iter()
            .find(|template| template.slot == SLOT_ATTRIBUTES);
        let attributes = attributes.and_then(|template| jcs::parse_strict(&template.text).ok());
        let attributes = attributes.as_ref().and_then(Value::as_object);
        for column in &COLUMNS {
            // Records of the first programmes do not bind where they were stored.
            let Some(expected) = column.expected(leaf, header, attributes) else {
                continue;
            };
            let Some(found) = record.columns.get(column.name) else {
                let what = format!("column {} was not handed over", column.name);
                self.tally.unproven(Verdict::Content, self.place, what);
                continue;
            };
            self.content(column.holds(&expected, found), || {
                format!(
                    "column {} holds {found}, the sealed record says {expected}",
                    column.name
                )
            });
        }
        if record.columns.len() > COLUMNS.len() {
            for name in record.columns.keys() {
                if !COLUMNS.iter().any(|column| column.name == name.as_str()) {
                    let what = format!("column {name} is not known, so it was not checked");
                    self.tally.unproven(Verdict::Content, self.place, what);
                }
            }
        }
    }
}
