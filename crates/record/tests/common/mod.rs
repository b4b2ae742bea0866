//! Keys and events that tests of records share.

// Not every test file needs all of it.
#![allow(dead_code)]

use std::sync::Arc;

use aal_event::{Event, Kind, ProviderRequest, ProviderResponse};
use aal_ledger::Leaf;
use aal_policy::{ContentMode, Policy};
use aal_record::{Draft, Pipeline, Place, Record, SubjectKey, draft_event};
use aal_redact::TenantRules;
use aal_seal::{Commitments, DATA_KEY_LEN, DataKey, IndexKey, KeyRef, SlotContext};
use serde_json::{Value, json};
use uuid::Uuid;

pub const NOW_US: i64 = 1_790_000_000_000_000;

pub fn key() -> SubjectKey {
    SubjectKey {
        key: KeyRef {
            subject_key_id: Uuid::from_u128(5),
            version: 1,
        },
        data_key: DataKey::from_bytes([9; DATA_KEY_LEN]),
    }
}

/// The builtin pipeline under a policy object.
pub fn under(phi: bool, mode: Option<ContentMode>, policy: Value) -> Pipeline {
    let policy = Arc::new(Policy::read(phi, mode, &policy, false).unwrap());
    Pipeline::builtin()
        .with_policy(Some(&policy), &TenantRules::default())
        .unwrap()
}

pub fn draft(pipeline: &Pipeline, event: &Event) -> Draft {
    draft_event(
        pipeline,
        event,
        &IndexKey::new("test", &[7; 32]),
        &key(),
        &key(),
        NOW_US,
    )
}

pub fn record(pipeline: &Pipeline, event: &Event) -> Record {
    let place = Place {
        shard: 6,
        partition: 2,
        block: 11,
        block_row: 3,
        block_month: 202_611,
        offset: 40,
        chain_index: 0,
        prev_leaf_hash: [0; 32],
    };
    draft(pipeline, event).place([3; 32], place).unwrap()
}

/// A chat call with one answer, a note in the metadata and an e-mail address beside it.
pub fn call(question: &str, answer: &str, metadata: Value) -> Event {
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": question}]});
    let response = json!({"model": "gpt-4o-2024-08-06", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": answer}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}});
    Event {
        kind: Kind::Event,
        event_id: Uuid::from_u128(77),
        tenant: Uuid::from_u128(1),
        application: "triage".to_owned(),
        provider: Some("openai".to_owned()),
        user_id: Some("u-17".to_owned()),
        user_email: Some("nurse@clinic.example".to_owned()),
        request: Some(ProviderRequest {
            method: Some("POST".to_owned()),
            url: Some("https://api.openai.com/v1/chat/completions".to_owned()),
            body: request.to_string().into_bytes(),
        }),
        response: Some(ProviderResponse {
            status: Some(200),
            content_type: Some("application/json".to_owned()),
            body: response.to_string().into_bytes(),
        }),
        metadata: Some(metadata.to_string()),
        ..Event::default()
    }
}

/// Opens the sealed slots of a record: slot and text.
pub fn opened(record: &Record) -> Vec<(u16, String)> {
    let leaf = Leaf::decode(&record.leaf).unwrap();
    let open = |(slot, ciphertext): &(u16, Vec<u8>)| {
        let entry = leaf.slots.iter().find(|entry| entry.slot == *slot).unwrap();
        let context = SlotContext {
            tenant: record.tenant,
            event_id: record.event_id,
            slot: *slot,
            key: key().key,
        };
        let expected = Commitments {
            pt_commit: entry.pt_commit,
            key_commit: entry.key_commit,
        };
        let text = key().data_key.open(&context, ciphertext, &expected).unwrap();
        (*slot, String::from_utf8(text.to_vec()).unwrap())
    };
    record.ciphertexts.iter().map(open).collect()
}

/// Everything of a record that is stored in the clear.
pub fn clear_texts(record: &Record) -> String {
    let texts = &record.templates;
    [
        &record.header_text,
        &texts.user_id,
        &texts.session_id,
        &texts.request_body,
        &texts.response_body,
        &texts.search_text,
        &texts.attributes,
    ]
    .map(String::as_str)
    .join("\n")
}
