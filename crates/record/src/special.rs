//! Records that are no event of their own: what could not be read, what is gone, what came twice.

use aal_event::Event;
use aal_ledger::{Kind, leaf::NO_TIME};
use uuid::Uuid;

use crate::{Draft, Header, Templates};

/// Whether an event id that is known already came again with the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The same content: recorded once, this delivery is only accounted for.
    Duplicate,
    /// Other content under the same id.
    Conflict,
}

fn empty(kind: Kind, tenant: Uuid, event_id: Uuid, at_us: i64) -> Draft {
    Draft {
        kind,
        tenant,
        event_id,
        header: Header {
            kind: kind.name().to_owned(),
            event_id: (!event_id.is_nil()).then_some(event_id),
            occurred_at_us: at_us,
            edge_at_us: at_us,
            ..Header::default()
        },
        templates: Templates::default(),
        ciphertexts: Vec::new(),
        slots: Vec::new(),
        source: (Uuid::nil(), 0, 0),
        t_source_us: NO_TIME,
        t_edge_us: at_us,
        avro_schema_hash: [0; 32],
        pipeline_hash: [0; 32],
        receipt_hash: [0; 32],
    }
}

/// The record that accounts for a delivery of an event id that is recorded already. A conflict keeps all that
/// the event's draft holds, so that both contents can be compared; a duplicate keeps the fact only.
pub fn conflict_or_duplicate(seen: Seen, mut draft: Draft) -> Draft {
    match seen {
        Seen::Conflict => {
            draft.kind = Kind::Conflict;
            draft.header.kind = Kind::Conflict.name().to_owned();
            draft.header.target_event_id = Some(draft.event_id);
            draft
        }
        Seen::Duplicate => {
            let mut duplicate = empty(Kind::Duplicate, draft.tenant, draft.event_id, draft.t_edge_us);
            duplicate.header.target_event_id = Some(draft.event_id);
            duplicate.header.application = draft.header.application;
            duplicate.header.content_mac = draft.header.content_mac;
            duplicate.source = draft.source;
            duplicate.receipt_hash = draft.receipt_hash;
            duplicate
        }
    }
}

/// The record of a message that is no valid event. `mac` is a keyed digest of its bytes, which are in the
/// dead-letter topic at `dead_letter_offset`.
pub fn rejected(
    event: Option<&Event>,
    reason: &str,
    mac: [u8; 32],
    dead_letter_offset: Option<u64>,
    message_at_us: i64,
) -> Draft {
    let (tenant, event_id) = event.map_or((Uuid::nil(), Uuid::nil()), |event| (event.tenant, event.event_id));
    let mut draft = empty(Kind::Rejected, tenant, event_id, message_at_us);
    draft.header.reason = reason.to_owned();
    draft.header.content_mac = hex::encode(mac);
    draft.header.dead_letter_offset = dead_letter_offset;
    draft
}

/// The record that says which offsets Kafka lost before anyone consumed them. `at_us` is the time of the first
/// message after them, so that every processor writes the same record.
pub fn gap(first_offset: u64, at_us: i64) -> Draft {
    let mut draft = empty(Kind::Gap, Uuid::nil(), Uuid::nil(), at_us);
    draft.header.first_offset = Some(first_offset);
    draft.header.reason = "kafka no longer holds these offsets".to_owned();
    draft
}
