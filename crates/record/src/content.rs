//! What of an event's texts is stored, by the policy: in the clear with placeholders, sealed as a whole, or as a
//! commitment only.

use aal_event::Event;
use aal_policy::{ContentMode, Field, Policy};
use aal_seal::SealError;
use serde_json::Value;

use crate::{
    SLOT_ATTRIBUTES, SLOT_DETAILS, SLOT_REQUEST, SLOT_RESPONSE, SLOT_SEALED_REQUEST, SLOT_SEALED_RESPONSE,
    SLOT_SEARCH, SubjectKey, draft::DraftError, sealing::Sealer, texts::Texts,
};

/// How each field of one event is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modes {
    pub(crate) request: ContentMode,
    pub(crate) response: ContentMode,
    pub(crate) details: ContentMode,
}

impl Modes {
    /// What services tell of themselves is always readable; the policy is about applications.
    pub(crate) fn of(event: &Event, policy: &Policy, is_phi: bool) -> Modes {
        if event.kind.is_system() {
            return Modes::default();
        }
        Modes {
            request: policy.mode(Field::RequestBody, is_phi),
            response: policy.mode(Field::ResponseBody, is_phi),
            details: policy.mode(Field::Details, is_phi),
        }
    }

    /// One word for all: the strictest.
    pub(crate) fn strictest(self) -> ContentMode {
        self.request.max(self.response).max(self.details)
    }
}

/// The texts that stay in the clear, and the template slots that are only committed to.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) request_body: String,
    pub(crate) response_body: String,
    pub(crate) search_text: String,
    pub(crate) committed_slots: Vec<u16>,
}

/// Stores texts slot by slot; slots ascend. `search_of` makes the searched text from the two bodies that stay in the
/// clear.
pub(crate) fn store(
    sealer: &mut Sealer,
    key: &SubjectKey,
    modes: Modes,
    texts: Texts,
    attributes: &str,
    search_of: impl FnOnce(&str, &str) -> String,
) -> Result<Stored, DraftError> {
    let mut stored = Stored::default();
    let details = if texts.details.is_empty() {
        None
    } else {
        Some(aal_ledger::jcs::to_string(&Value::Object(texts.details))?)
    };
    let mut clear = |sealer: &mut Sealer, slot, mode, text: &str| match mode {
        ContentMode::Redacted => {
            sealer.commit(slot, key, text);
            text.to_owned()
        }
        ContentMode::Sealed => String::new(),
        ContentMode::Digest => {
            sealer.commit_only(slot, key, text);
            stored.committed_slots.push(slot);
            String::new()
        }
    };
    stored.request_body = clear(sealer, SLOT_REQUEST, modes.request, &texts.request_body);
    stored.response_body = clear(sealer, SLOT_RESPONSE, modes.response, &texts.response_body);
    let is_searchable = modes.request == ContentMode::Redacted || modes.response == ContentMode::Redacted;
    if is_searchable {
        stored.search_text = search_of(&stored.request_body, &stored.response_body);
        sealer.commit(SLOT_SEARCH, key, &stored.search_text);
    }
    sealer.commit(SLOT_ATTRIBUTES, key, attributes);
    for (slot, mode, text) in [
        (SLOT_SEALED_REQUEST, modes.request, &texts.request_body),
        (SLOT_SEALED_RESPONSE, modes.response, &texts.response_body),
    ] {
        seal_whole(sealer, slot, key, mode, text)?;
    }
    if let Some(details) = details {
        if modes.details == ContentMode::Digest {
            sealer.commit_only(SLOT_DETAILS, key, &details);
            stored.committed_slots.push(SLOT_DETAILS);
        } else {
            seal_whole(sealer, SLOT_DETAILS, key, modes.details, &details)?;
        }
    }
    Ok(stored)
}

/// An empty text needs no seal: that it is empty says nothing that its length would not say.
fn seal_whole(
    sealer: &mut Sealer,
    slot: u16,
    key: &SubjectKey,
    mode: ContentMode,
    text: &str,
) -> Result<(), SealError> {
    if mode == ContentMode::Sealed && !text.is_empty() {
        sealer.seal(slot, key, text.as_bytes())?;
    }
    Ok(())
}
