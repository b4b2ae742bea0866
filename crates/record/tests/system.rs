//! From a told event to the record that is stored: kind, header members, and nothing lost on the way.

use aal_event::{Event, Kind, ProviderRequest, SystemEvent, intent_of};
use aal_ledger::Leaf;
use aal_record::{Owner, Pipeline, Place, Record, SubjectKey, draft_event, owners};
use aal_seal::{DATA_KEY_LEN, DataKey, IndexKey, KeyRef};
use serde_json::{Value, json};
use uuid::Uuid;

fn record(event: &Event) -> Record {
    let index = IndexKey::new("test", &[7; 32]);
    let key = SubjectKey {
        key: KeyRef {
            subject_key_id: Uuid::from_u128(5),
            version: 1,
        },
        data_key: DataKey::from_bytes([9; DATA_KEY_LEN]),
    };
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
    let draft = draft_event(
        &Pipeline::builtin(),
        event,
        &index,
        &key,
        &key,
        1_790_000_000_000_000,
    );
    draft.place([3; 32], place).unwrap()
}

fn told(kind: Kind, detail: Value) -> Event {
    SystemEvent {
        kind,
        event_id: Uuid::from_u128(7),
        tenant: Uuid::nil(),
        actor: "processor",
        action: "start",
        target: (kind == Kind::Reprice).then_some(Uuid::from_u128(9)),
        reason: None,
        detail: detail.as_object().cloned().unwrap_or_default(),
        occurred_at_us: None,
    }
    .into_event()
}

fn header(record: &Record) -> Value {
    serde_json::from_str(&record.header_text).unwrap()
}

#[test]
fn every_told_kind_becomes_a_leaf_of_its_kind_with_its_facts() {
    let digest = "ab".repeat(32);
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_system()) {
        if matches!(kind, Kind::Access | Kind::Admin | Kind::Reprice) {
            continue;
        }
        let mut detail = json!({"component": "processor", "shard": 3, "new_digest": digest, "tenant": Uuid::from_u128(4),
            "subject_key_ids": [Uuid::from_u128(1)], "nested": {"x": 1}, "Upper": 1});
        if kind == Kind::Prune {
            detail["pruned_shard"] = json!(3);
            detail["pruned_ranges"] = json!([[0, 4], [6, 6]]);
        }
        let record = record(&told(kind, detail));
        let leaf = Leaf::decode(&record.leaf).unwrap();
        assert_eq!(leaf.kind.name(), kind.as_str());
        let header = header(&record);
        assert_eq!(
            (&header["kind"], &header["action"]),
            (&json!(kind.as_str()), &json!("start"))
        );
        let facts =
            json!({"component": "processor", "shard": 3, "new_digest": digest, "tenant": Uuid::from_u128(4)});
        assert_eq!(header["facts"], facts, "{kind:?}");
        let keys = header.get("subject_key_ids").cloned();
        let expected = (kind == Kind::ErasureDone).then(|| json!([Uuid::from_u128(1)]));
        assert_eq!(keys, expected, "{kind:?}");
        let pruned = (header.get("pruned_shard"), header.get("pruned_ranges"));
        let named = (json!(3), json!([[0, 4], [6, 6]]));
        let expected = if kind == Kind::Prune {
            (Some(&named.0), Some(&named.1))
        } else {
            (None, None)
        };
        assert_eq!(pruned, expected, "{kind:?}");
    }
}

#[test]
fn a_text_among_the_facts_is_redacted() {
    let event = told(Kind::Incident, json!({"note": "ask jane.doe@example.com"}));
    let header = header(&record(&event));
    let note = header["facts"]["note"].as_str().unwrap();
    assert!(!note.contains("jane"), "{note}");
    assert_eq!(
        header["pii"]["EMAIL_ADDRESS"],
        json!(2),
        "once in the facts, once in the attributes"
    );
}

#[test]
fn who_read_what_stays_out_of_the_header() {
    let header = header(&record(&told(
        Kind::Access,
        json!({"filters": "x", "tenant": Uuid::from_u128(4)}),
    )));
    assert_eq!(header.get("facts"), None);
    assert_eq!(header.get("reason"), None);
}

#[test]
fn a_reprice_carries_the_new_cost_of_its_event() {
    let detail = json!({"input_cost": "0.1", "output_cost": "0.2", "cost": "0.3", "currency": "USD",
        "price_version": "2026-01", "price_rule": "gpt-4o"});
    let header = header(&record(&told(Kind::Reprice, detail)));
    assert_eq!(header["target_event_id"], json!(Uuid::from_u128(9)));
    assert_eq!(
        (&header["input_cost"], &header["output_cost"], &header["cost"]),
        (&json!("0.1"), &json!("0.2"), &json!("0.3"))
    );
    assert_eq!(
        (&header["currency"], &header["price_rule"]),
        (&json!("USD"), &json!("gpt-4o"))
    );
}

#[test]
fn an_intent_is_no_unpriced_call_and_is_erased_with_its_event() {
    let event = Event {
        event_id: Uuid::from_u128(21),
        application: "loans".to_owned(),
        provider: Some("openai".to_owned()),
        request: Some(ProviderRequest {
            body: br#"{"model":"gpt-4o","messages":[{"role":"user","content":"hello there"}]}"#.to_vec(),
            url: Some("https://api.openai.com/v1/chat/completions".to_owned()),
            ..Default::default()
        }),
        ..Event::default()
    };
    let intent = intent_of(&event, "gateway");
    assert_eq!(owners(&intent).content, Owner::Event(event.event_id));
    let header = header(&record(&intent));
    assert_eq!(header["kind"], "intent");
    assert_eq!(header["target_event_id"], json!(event.event_id));
    assert_eq!(header["model"], "gpt-4o");
    assert_eq!(
        (header.get("unpriced_reason"), header.get("usage_state")),
        (None, None)
    );
}

#[test]
fn the_header_binds_where_the_record_was_stored() {
    let record = record(&told(Kind::Heartbeat, json!({"component": "processor"})));
    let header = header(&record);
    assert_eq!(
        (&header["block"], &header["block_row"], &header["block_month"]),
        (&json!(11), &json!(3), &json!(202_611))
    );
    let leaf = Leaf::decode(&record.leaf).unwrap();
    assert_eq!((leaf.shard, leaf.partition, leaf.offset), (6, 2, 40));
    assert!(leaf.source_id.is_nil());
}
