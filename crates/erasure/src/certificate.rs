//! The certificate of an erasure: what was destroyed, the state of every store, and what nobody can certify. Pure.
//!
//! A JSON document in RFC 8785 form, and beside it a C2SP signed note that names its SHA-256.

use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::{Note, NoteSigner, VerifierKey, jcs};
use aal_service::times::rfc3339_us;
use serde_json::{Value, json};

use crate::request::{Erasure, Target};

/// The document's `format`.
pub const CERTIFICATE_FORMAT: &str = "aal/erasure-certificate/v1";
/// First line of the note.
pub const NOTE_HEADING: &str = "aal/erasure-certificate/v1";

/// What a certificate says beside the request.
pub(crate) struct Facts<'e> {
    pub(crate) erasure: &'e Erasure,
    pub(crate) issued_us: i64,
    pub(crate) topic_retention_ms: i64,
    pub(crate) settle_ms: i64,
}

/// A certificate.
pub(crate) struct Made {
    pub(crate) json: Vec<u8>,
    pub(crate) note: Vec<u8>,
    /// Of the JSON, lower-case hex.
    pub(crate) sha256: String,
}

pub(crate) fn make(facts: &Facts<'_>, signer: &NoteSigner) -> Result<Made, String> {
    let json = jcs::to_vec(&document(facts)).map_err(|error| error.to_string())?;
    let digest = to_hex(&sha256(&json));
    let text = format!("{NOTE_HEADING}\n{}\n{digest}\n", facts.erasure.id);
    let note = Note::sign(&text, &[signer]).map_err(|error| error.to_string())?;
    Ok(Made {
        json,
        note: note.to_bytes(),
        sha256: digest,
    })
}

/// Whether `note` is a signature by one of `keys` over exactly this certificate.
///
/// # Errors
/// What is wrong, in words.
pub fn check_certificate(json: &[u8], note: &[u8], keys: &[VerifierKey]) -> Result<(), String> {
    let note = Note::parse(note).map_err(|error| error.to_string())?;
    note.verify(keys).map_err(|error| error.to_string())?;
    let document: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let id = document["erasure"].as_str().unwrap_or_default();
    let expected = format!("{NOTE_HEADING}\n{id}\n{}\n", to_hex(&sha256(json)));
    if note.text == expected {
        return Ok(());
    }
    Err("the signed note is about another certificate".to_owned())
}

fn document(facts: &Facts<'_>) -> Value {
    let erasure = facts.erasure;
    let moment = |at_us: i64| Value::from(rfc3339_us(at_us));
    let decisions: Vec<Value> = erasure
        .decisions
        .iter()
        .map(|decision| {
            json!({"at": moment(decision.at_us), "outcome": decision.outcome, "legal_holds": decision.holds,
                   "by": decision.by})
        })
        .collect();
    let consents: Vec<Value> = erasure
        .consents
        .iter()
        .map(|consent| json!({"by": consent.by, "at": moment(consent.at_us)}))
        .collect();
    let leaves: Vec<Value> = erasure
        .leaves
        .iter()
        .map(|leaf| json!({"event_id": leaf.event_id, "kind": leaf.kind, "action": leaf.action}))
        .collect();
    json!({
        "format": CERTIFICATE_FORMAT,
        "erasure": erasure.id,
        "tenant": erasure.tenant,
        "target": match erasure.target { Target::Person => "person", Target::Event => "event" },
        "requested_at": moment(erasure.requested_us),
        "requested_by": erasure.requested_by,
        "identity_check": "recorded with the request's ledger record",
        "not_before": moment(erasure.not_before_us),
        "waiting_time_overridden_by": consents,
        "decisions": decisions,
        "keys_destroyed_at": moment(erasure.destroyed_us),
        "subject_key_ids": erasure.keys,
        "records": {"emptied": erasure.found.rows, "about_others_with_this_user": erasure.found.shared_rows,
                    "applications": erasure.found.applications},
        "stores": stores(facts),
        "checks": checks(erasure),
        "ledger_records": leaves,
        "limits": limits(erasure),
        "issued_at": moment(facts.issued_us),
        "software": concat!("ai-audit-layer ", env!("CARGO_PKG_VERSION")),
    })
}

fn stores(facts: &Facts<'_>) -> Value {
    let erasure = facts.erasure;
    let topic_until = if facts.topic_retention_ms < 0 {
        Value::Null
    } else {
        let until_us = erasure
            .destroyed_us
            .saturating_add(facts.topic_retention_ms.saturating_mul(1000));
        rfc3339_us(until_us).into()
    };
    let topic_state = if facts.topic_retention_ms < 0 {
        "kept without limit"
    } else {
        "expires"
    };
    let store = |name: &str, state: &str, until: Value, detail: &str| json!({"store": name, "state": state, "until": until, "detail": detail});
    let none = || Value::Null;
    json!([
        store(
            "control store: wrapped data keys",
            "erased",
            none(),
            "every version deleted in one transaction; deleted rows overwritten or vacuumed"
        ),
        store(
            "control store: subject directory",
            "erased",
            none(),
            "the entries that led from a person to these keys"
        ),
        store(
            "memory of services",
            "erased",
            rfc3339_us(
                erasure
                    .destroyed_us
                    .saturating_add(facts.settle_ms.saturating_mul(1000))
            )
            .into(),
            "unwrapped keys are dropped within this time; rows written meanwhile were emptied afterwards"
        ),
        store(
            "record store: texts, salts and ciphertexts",
            "erased",
            none(),
            "rewritten by mutation, read back as empty, and the replaced files deleted"
        ),
        store(
            "ledger: leaves, tiles, checkpoints",
            "kept",
            none(),
            "salted commitments and hashes only; without key and salt they say nothing, and every proof stays valid"
        ),
        store(
            "record store: headers",
            "kept",
            none(),
            "facts without personal data: times, models, counts, costs"
        ),
        store(
            "report files, evidence bundles, data-subject exports",
            "erased",
            none(),
            &format!(
                "files of {} jobs that could hold the content were deleted",
                erasure.withdrawn.len()
            )
        ),
        store(
            "log: audit.events and audit.dead-letter",
            topic_state,
            topic_until,
            "messages as they arrived; deleted by the topics' configured retention"
        ),
        store(
            "log: audit.feed",
            "not applicable",
            none(),
            "says that there are records, never what is in them"
        ),
        store(
            "gateway and SDK spools",
            "not applicable",
            none(),
            "emptied as soon as the log has acknowledged"
        ),
        store(
            "backups",
            "by the operator",
            none(),
            "a restored backup is compared with three lists of destroyed keys before anything is served; its own \
               retention is the operator's"
        ),
    ])
}

fn checks(erasure: &Erasure) -> Value {
    json!([
        {"check": "wrapped keys and directory entries that remain", "expected": 0, "found": 0,
         "of": erasure.keys.len()},
        {"check": "rows that hold a text, a salt or a ciphertext under these keys", "expected": 0, "found": 0,
         "of": erasure.found.rows},
        {"check": "replaced files of the record store that remain", "expected": 0, "found": 0, "of": null},
    ])
}

fn limits(erasure: &Erasure) -> Vec<&'static str> {
    let mut limits = vec![
        "Nobody can prove that no copy of a key exists outside of the listed stores, for example in a backup or a \
         memory image.",
        "Copies of reports, exports and evidence bundles that were downloaded before are out of reach.",
        "Database logs and backups of the control store that its operator keeps hold wrapped keys until they expire; \
         they open only with the key encryption keys.",
        "Texts of other people may name this person in words that the detector did not find.",
        "Providers of models and other recipients were not told by this software.",
    ];
    if erasure.found.shared_rows > 0 {
        limits.push(
            "In records about other people in which this person was the user, e-mail and address are erased; the user \
             id stays, as part of the other person's record.",
        );
    }
    limits
}
