//! Everything of a record but its place in the chain.

use aal_event::{Event, Kind as EventKind};
use aal_ledger::{Kind, Slot, jcs::JcsError, leaf::NO_TIME};
use aal_redact::{Entity, RedactError};
use aal_seal::{IndexKey, SealError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    Header, Pipeline, SLOT_IP_ADDRESS, SLOT_SUBJECT_EMAIL, SLOT_USER_EMAIL, SubjectKey,
    content::{self, Modes},
    details, exchange,
    failure::fail_closed,
    sealing::{Collected, Sealer, Tokens},
    system,
    texts::{self, Redactor, Texts},
};

/// Clear texts with placeholders, erasable together with their salts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Templates {
    pub user_id: String,
    pub session_id: String,
    pub request_body: String,
    pub response_body: String,
    pub search_text: String,
    /// RFC 8785 JSON.
    pub attributes: String,
    /// Slot and salt of each template that is committed to, ascending.
    pub salts: Vec<(u16, [u8; 32])>,
}

/// A record without its place.
#[derive(Clone, Debug)]
pub struct Draft {
    pub kind: Kind,
    pub tenant: Uuid,
    pub event_id: Uuid,
    pub header: Header,
    pub templates: Templates,
    pub ciphertexts: Vec<(u16, Vec<u8>)>,
    pub(crate) slots: Vec<Slot>,
    /// Source id, epoch and sequence; nil when the source does not number its events.
    pub(crate) source: (Uuid, u64, u64),
    pub(crate) t_source_us: i64,
    pub(crate) t_edge_us: i64,
    pub(crate) avro_schema_hash: [u8; 32],
    pub(crate) pipeline_hash: [u8; 32],
    pub(crate) receipt_hash: [u8; 32],
}

impl Draft {
    /// The leaf names this schema (SHA-256 of its canonical form) as the one the event was written with; without this
    /// it names the present one.
    #[must_use]
    pub fn written_with(self, avro_schema_sha256: [u8; 32]) -> Draft {
        Draft {
            avro_schema_hash: avro_schema_sha256,
            ..self
        }
    }
}

/// The keys an event is sealed with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys<'k> {
    pub(crate) index: &'k IndexKey,
    pub(crate) content: &'k SubjectKey,
    pub(crate) user: &'k SubjectKey,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    #[error(transparent)]
    Redact(#[from] RedactError),
    #[error(transparent)]
    Seal(#[from] SealError),
    // The parser's own words could quote the text.
    #[error("the attributes have no canonical form")]
    Canonical(#[from] JcsError),
}

/// Drafts the record of an event. Never fails: an event whose redaction or sealing fails becomes a record of
/// kind `withheld` that says why and holds none of its texts.
///
/// `message_at_us` is Kafka's time of the message, which stands in when the event did not pass the edge.
pub fn draft_event(
    pipeline: &Pipeline,
    event: &Event,
    index: &IndexKey,
    content: &SubjectKey,
    user: &SubjectKey,
    message_at_us: i64,
) -> Draft {
    let keys = Keys { index, content, user };
    fail_closed(|| try_draft(pipeline, event, keys, message_at_us))
        .unwrap_or_else(|reason| withheld(pipeline, event, keys, message_at_us, &reason))
}

fn try_draft(
    pipeline: &Pipeline,
    event: &Event,
    keys: Keys<'_>,
    message_at_us: i64,
) -> Result<Draft, DraftError> {
    let mut draft = bare(pipeline, event, keys, message_at_us);
    let mut redactor = Redactor {
        detector: &pipeline.detector,
        tokens: Tokens(keys.index),
        collected: Collected::new(&pipeline.policy),
        budget: (pipeline.budget)(texts::length_of(event)),
        modes: Modes::of(event, &pipeline.policy, draft.header.phi),
    };
    let texts = redactor.texts(event)?;
    names(&mut draft.header, event, &mut redactor)?;
    if event.kind.is_exchange() {
        let parsed = exchange::parse_original(event);
        exchange::fill(&mut draft.header, event, &parsed, pipeline.prices);
        draft.header.details = details::members(&parsed, keys.index, &mut redactor)?;
        clean_exchange_names(&mut draft.header, &mut redactor)?;
    }
    match event.kind {
        // Nothing was answered yet: that is no missing usage, and no cost.
        EventKind::Intent => {
            draft.header.usage_state.clear();
            draft.header.unpriced_reason.clear();
        }
        kind if kind.is_system() => system::fill(&mut draft.header, event, &mut redactor)?,
        _ => {}
    }
    seal(&mut draft, event, keys, texts, redactor.modes, redactor.collected)?;
    Ok(draft)
}

/// The edge's time where the edge was there, else Kafka's time of the message. A time far ahead of Kafka's is
/// no edge's: it would make the record look sealed before it was accepted.
fn edge_time(event: &Event, message_at_us: i64) -> i64 {
    const TOLERANCE_US: i64 = 60_000_000;
    match (event.edge_at_us, &event.receipt) {
        (Some(edge_at_us), Some(_)) if edge_at_us <= message_at_us + TOLERANCE_US => edge_at_us,
        _ => message_at_us,
    }
}

fn ledger_kind(kind: EventKind) -> Kind {
    match kind {
        EventKind::Event => Kind::Event,
        EventKind::Outcome => Kind::Outcome,
        EventKind::Access => Kind::Access,
        EventKind::Admin => Kind::Admin,
        EventKind::ErasureRequest => Kind::ErasureRequest,
        EventKind::ErasureDone => Kind::ErasureDone,
        EventKind::LegalHold => Kind::LegalHold,
        EventKind::KeyChange => Kind::KeyChange,
        EventKind::ShardOpen => Kind::ShardOpen,
        EventKind::ShardClose => Kind::ShardClose,
        EventKind::Heartbeat => Kind::Heartbeat,
        EventKind::Reprice => Kind::Reprice,
        EventKind::Incident => Kind::Incident,
        EventKind::ConfigChange => Kind::ConfigChange,
        EventKind::PriceTableChange => Kind::PriceTableChange,
        EventKind::PolicyChange => Kind::PolicyChange,
        EventKind::Prune => Kind::Prune,
        EventKind::Clock => Kind::Clock,
        EventKind::Intent => Kind::Intent,
    }
}

/// A draft with the facts that need no redaction.
fn bare(pipeline: &Pipeline, event: &Event, keys: Keys<'_>, message_at_us: i64) -> Draft {
    let edge_at_us = edge_time(event, message_at_us);
    let kind = ledger_kind(event.kind);
    let positive = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    let timing = event.timing.clone().unwrap_or_default();
    let content_mac =
        aal_event::content_bytes(event).map(|bytes| hex::encode(keys.index.content_mac(&bytes)));
    let header = Header {
        kind: kind.name().to_owned(),
        event_id: Some(event.event_id),
        target_event_id: target_of(event),
        subject_key: Some(keys.content.key.subject_key_id),
        occurred_at_us: event.occurred_at_us.unwrap_or(edge_at_us),
        edge_at_us,
        duration_us: positive(timing.duration_us),
        first_token_us: positive(timing.first_token_us),
        phi: event.phi.unwrap_or(false) || (pipeline.policy.phi && !event.kind.is_system()),
        content_mac: content_mac.unwrap_or_default(),
        detector_version: pipeline.versions.detector.clone(),
        policy_version: pipeline.versions.policy.clone(),
        program_version: pipeline.versions.program.to_owned(),
        outcome_override: event.outcome.as_ref().is_some_and(|outcome| outcome.r#override),
        outcome_flag: event.outcome.as_ref().is_some_and(|outcome| outcome.flag),
        ..Header::default()
    };
    let source = event.source.as_ref().map_or((Uuid::nil(), 0, 0), |source| {
        let id = aal_ledger::hash::source_id(&event.application, &source.instance);
        (id, source.epoch.max(0) as u64, source.sequence.max(0) as u64)
    });
    Draft {
        kind,
        tenant: event.tenant,
        event_id: event.event_id,
        header,
        templates: Templates::default(),
        ciphertexts: Vec::new(),
        slots: Vec::new(),
        source,
        t_source_us: event.occurred_at_us.unwrap_or(NO_TIME),
        t_edge_us: edge_at_us,
        avro_schema_hash: aal_event::schema_hash(),
        pipeline_hash: pipeline.hash(),
        receipt_hash: event
            .receipt
            .as_ref()
            .map_or([0; 32], |receipt| Sha256::digest(receipt.as_bytes()).into()),
    }
}

/// The event that this one belongs to.
pub(crate) fn target_of(event: &Event) -> Option<Uuid> {
    if let Some(outcome) = &event.outcome {
        return Some(outcome.target_event_id);
    }
    let target = event.access.as_ref()?.target_event_id.as_ref()?;
    Uuid::parse_str(target).ok()
}

/// Names are the application's own words, so they are redacted like every other text.
fn names(header: &mut Header, event: &Event, redactor: &mut Redactor<'_>) -> Result<(), RedactError> {
    header.application = redactor.text("application", &event.application)?;
    header.environment = redactor.text("environment", event.environment.as_deref().unwrap_or_default())?;
    header.decision_type = redactor.text(
        "decision_type",
        event.decision_type.as_deref().unwrap_or_default(),
    )?;
    if let Some(error) = &event.error {
        header.error_type = redactor.text("error_type", &error.r#type)?;
    }
    if let Some(outcome) = &event.outcome {
        header.outcome = redactor.text("outcome", &outcome.outcome)?;
    }
    if let Some(access) = &event.access {
        header.action = redactor.text("action", &access.action)?;
    }
    Ok(())
}

fn clean_exchange_names(header: &mut Header, redactor: &mut Redactor<'_>) -> Result<(), RedactError> {
    header.provider = redactor.text("provider", &header.provider)?;
    header.operation = redactor.text("operation", &header.operation)?;
    header.model = redactor.text("model", &header.model)?;
    header.model_requested = redactor.text("model", &header.model_requested)?;
    for reason in &mut header.finish_reasons {
        *reason = redactor.text("finish_reason", reason)?;
    }
    Ok(())
}

fn seal(
    draft: &mut Draft,
    event: &Event,
    keys: Keys<'_>,
    mut texts: Texts,
    modes: Modes,
    mut collected: Collected,
) -> Result<(), DraftError> {
    let mut attributes = std::mem::take(&mut texts.attributes);
    attributes.insert("redactions".to_owned(), Value::Array(collected.spans()));
    let attributes = aal_ledger::jcs::to_string(&Value::Object(attributes))?;
    let (user_id, session_id) = (texts.user_id.clone(), texts.session_id.clone());
    let subject_email = event
        .subject
        .as_ref()
        .and_then(|subject| subject.email.as_deref());
    let of_their_own = [
        (
            SLOT_USER_EMAIL,
            Entity::EmailAddress,
            keys.user,
            event.user_email.as_deref(),
        ),
        (
            SLOT_IP_ADDRESS,
            Entity::IpAddress,
            keys.user,
            event.ip_address.as_deref(),
        ),
        (
            SLOT_SUBJECT_EMAIL,
            Entity::EmailAddress,
            keys.content,
            subject_email,
        ),
    ];
    let mut sealer = Sealer::new(draft.tenant, draft.event_id);
    let stored = content::store(
        &mut sealer,
        keys.content,
        modes,
        texts,
        &attributes,
        |request, response| exchange::search_text(event, request, response),
    )?;
    for (slot, entity, key, value) in of_their_own {
        if let Some(value) = value {
            sealer.seal(slot, key, value.as_bytes())?;
            collected.count(entity);
        }
    }
    collected.seal(&mut sealer, keys.content)?;
    draft.header.content = modes.strictest().as_str().to_owned();
    draft.header.committed_slots = stored.committed_slots;
    draft.header.pii = collected.counts;
    if draft.header.phi {
        draft.header.phi_identifiers = collected.identifiers;
    }
    draft.slots = sealer.slots;
    draft.ciphertexts = sealer.ciphertexts;
    draft.templates = Templates {
        user_id,
        session_id,
        request_body: stored.request_body,
        response_body: stored.response_body,
        search_text: stored.search_text,
        attributes,
        salts: sealer.salts,
    };
    Ok(())
}

/// Fail closed: digests and plain facts only.
fn withheld(pipeline: &Pipeline, event: &Event, keys: Keys<'_>, message_at_us: i64, reason: &str) -> Draft {
    let mut draft = bare(pipeline, event, keys, message_at_us);
    draft.kind = Kind::Withheld;
    draft.header.kind = Kind::Withheld.name().to_owned();
    draft.header.reason = reason.to_owned();
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_is_recorded_under_its_own_name() {
        for kind in EventKind::ALL {
            assert_eq!(ledger_kind(kind).name(), kind.as_str());
            assert!(ledger_kind(kind).is_idempotent());
        }
    }
}
