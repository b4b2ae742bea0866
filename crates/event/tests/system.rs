//! What only the layer's own services may tell, and what it must look like.

use aal_event::{
    Access, Event, Kind, Limits, ProviderRequest, ProviderResponse, SystemEvent, decode, encode, intent_id,
    intent_of, parse_json, system_id, validate,
};
use serde_json::{Value, json};
use uuid::Uuid;

fn told(kind: Kind, detail: Value) -> Event {
    SystemEvent {
        kind,
        event_id: Uuid::from_u128(7),
        tenant: Uuid::nil(),
        actor: "processor",
        action: "start",
        target: Some(Uuid::from_u128(9)),
        reason: Some("because".to_owned()),
        detail: detail.as_object().cloned().unwrap_or_default(),
        occurred_at_us: Some(1),
    }
    .into_event()
}

fn pointers(event: &Event) -> Vec<String> {
    let faults = validate(event, &Limits::DEFAULT);
    faults.into_iter().map(|fault| fault.pointer).collect()
}

fn good_detail(kind: Kind) -> Value {
    let digest = "ab".repeat(32);
    match kind {
        Kind::ErasureDone => json!({"subject_key_ids": [Uuid::from_u128(1), Uuid::from_u128(2)]}),
        Kind::Prune => json!({"pruned_shard": 3, "pruned_ranges": [[0, 4], [6, 6]]}),
        Kind::Reprice => json!({"input_cost": "0.1", "output_cost": "0", "cost": "0.100000000000000000",
            "currency": "USD", "price_version": "2026-01", "price_rule": "gpt-4o"}),
        Kind::ConfigChange | Kind::PriceTableChange | Kind::PolicyChange => {
            json!({"component": "processor", "old_digest": "00".repeat(32), "new_digest": digest})
        }
        _ => json!({"component": "processor"}),
    }
}

#[test]
fn every_system_kind_is_told_in_avro_and_needs_access() {
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_system()) {
        let event = told(kind, good_detail(kind));
        assert_eq!(pointers(&event), Vec::<String>::new(), "{kind:?}");
        assert_eq!(decode(&encode(&event).unwrap()).unwrap(), event);
        let bare = Event {
            access: None,
            ..event
        };
        assert!(pointers(&bare).contains(&"/access".to_owned()), "{kind:?}");
    }
}

#[test]
fn an_application_cannot_tell_a_system_kind() {
    for kind in Kind::ALL {
        let sent = json!({"kind": kind.as_str(), "application": "a", "provider": "openai", "request": {"body": "{}"}});
        match parse_json(sent) {
            Ok(event) => assert_eq!((kind, event.kind), (Kind::Event, Kind::Event)),
            Err(faults) => {
                assert_ne!(kind, Kind::Event);
                assert_eq!(faults[0].pointer, "/kind", "{faults:?}");
                assert!(faults[0].message.contains("own services"), "{faults:?}");
            }
        }
    }
    let sent = json!({"application": "a", "provider": "openai", "request": {"body": "{}"}, "access": {"actor": "x"}});
    assert_eq!(parse_json(sent).unwrap_err()[0].pointer, "/access");
}

#[test]
fn details_that_the_ledger_rests_on_are_checked() {
    let wrong = [
        (Kind::ErasureDone, json!({}), "subject_key_ids"),
        (
            Kind::ErasureDone,
            json!({"subject_key_ids": []}),
            "subject_key_ids",
        ),
        (
            Kind::ErasureDone,
            json!({"subject_key_ids": [Uuid::from_u128(2), Uuid::from_u128(1)]}),
            "subject_key_ids",
        ),
        (
            Kind::ErasureDone,
            json!({"subject_key_ids": ["me"]}),
            "subject_key_ids",
        ),
        (Kind::Prune, json!({"pruned_shard": 3}), "pruned_ranges"),
        (Kind::Prune, json!({"pruned_ranges": [[0, 1]]}), "pruned_ranges"),
        (
            Kind::Prune,
            json!({"pruned_shard": 1_u64 << 32, "pruned_ranges": [[0, 1]]}),
            "pruned_shard",
        ),
        (
            Kind::Prune,
            json!({"pruned_shard": 3, "pruned_ranges": [[0, 1], [2, 3]]}),
            "pruned_ranges",
        ),
        (
            Kind::Prune,
            json!({"pruned_shard": 3, "pruned_ranges": [[1, 0]]}),
            "pruned_ranges",
        ),
        (Kind::Reprice, json!({"input_cost": "1e3"}), "input_cost"),
        (Kind::Reprice, json!({"cost": 3}), "cost"),
        (Kind::Reprice, json!({"cost": "12345678901"}), "cost"),
        (Kind::Reprice, json!({"cost": "0.1234567890123456789"}), "cost"),
        (Kind::ConfigChange, json!({"old_digest": "x"}), "old_digest"),
    ];
    for (kind, detail, member) in wrong {
        let expected = format!("/access/detail/{member}");
        let found = pointers(&told(kind, detail.clone()));
        assert!(found.contains(&expected), "{kind:?} {detail}: {found:?}");
    }
    let many: Vec<Uuid> = (0..1_001).map(Uuid::from_u128).collect();
    let found = pointers(&told(Kind::ErasureDone, json!({"subject_key_ids": many})));
    assert_eq!(found, ["/access/detail/subject_key_ids"]);
}

#[test]
fn access_is_bounded_and_its_detail_an_object() {
    let mut event = told(Kind::Heartbeat, json!({}));
    event.access = Some(Access {
        actor: String::new(),
        action: "x".repeat(129),
        detail: Some("[1]".to_owned()),
        ..Access::default()
    });
    assert_eq!(
        pointers(&event),
        ["/access/actor", "/access/action", "/access/detail"]
    );
    event.access.as_mut().unwrap().detail = Some(format!("{{\"a\":\"{}\"}}", "x".repeat(70_000)));
    assert!(pointers(&event).contains(&"/access/detail".to_owned()));
    event.access.as_mut().unwrap().detail = Some("{\"a\":1,\"a\":2}".to_owned());
    assert!(
        pointers(&event).contains(&"/access/detail".to_owned()),
        "a key twice"
    );
}

fn call() -> Event {
    Event {
        event_id: Uuid::from_u128(0x0192_f0c1_7a11_7000_8000_0000_0000_0001),
        application: "loans".to_owned(),
        provider: Some("openai".to_owned()),
        request: Some(ProviderRequest {
            body: b"{}".to_vec(),
            ..Default::default()
        }),
        ..Event::default()
    }
}

#[test]
fn an_intent_is_the_question_under_an_id_that_follows_from_the_events() {
    let mut event = call();
    event.response = Some(ProviderResponse::default());
    let intent = intent_of(&event, "gateway");
    assert_eq!(pointers(&intent), Vec::<String>::new());
    assert_eq!(intent.event_id, intent_id(event.event_id));
    assert_ne!(
        intent.event_id, event.event_id,
        "it must not be a conflict with its own completion"
    );
    assert_eq!((intent.response.as_ref(), intent.source.as_ref()), (None, None));
    assert_eq!(decode(&encode(&intent).unwrap()).unwrap(), intent);
    // The same for ever, in every language: it is in the format's document.
    assert_eq!(
        intent.event_id.to_string(),
        "4d3c1981-a988-5cbe-be36-7dd1ca57c1e8"
    );

    let answered = Event {
        response: Some(ProviderResponse::default()),
        ..intent.clone()
    };
    assert_eq!(pointers(&answered), ["/response"]);
    let renamed = Event {
        event_id: Uuid::from_u128(3),
        ..intent.clone()
    };
    assert_eq!(pointers(&renamed), ["/access/target_event_id"]);
    let empty = Event {
        request: None,
        response: None,
        ..intent
    };
    assert!(pointers(&empty).contains(&"/request".to_owned()));
}

#[test]
fn system_ids_follow_from_their_parts() {
    let id = |parts: &[&str]| system_id(Kind::Incident, parts);
    assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
    assert_ne!(id(&["a", "b"]), id(&["ab"]));
    assert_ne!(id(&["a|1:b"]), id(&["a", "b"]));
    assert_ne!(id(&["a"]), system_id(Kind::Clock, &["a"]));
}
