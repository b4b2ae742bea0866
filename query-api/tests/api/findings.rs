//! What the ledger shows of itself: gaps of sources, calls without an end, incidents.

use aal_event::{Event, Kind, SystemEvent, intent_of, parse_json};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{BANK, CLINIC, Rig, Writer, event};

const SHARD: u32 = 9;

fn numbered(number: u128, sequence: u64) -> Value {
    let mut event = event(number, "numbered", "s", "u", "hello");
    event["occurred_at"] = json!("2024-01-01T00:00:00Z");
    event["source"] = json!({"sdk": "python", "instance": "pod-1", "epoch": 1, "sequence": sequence});
    event
}

pub async fn sources(rig: &Rig, admin: &str, viewer: &str, writer: &mut Writer) {
    let sequences = [(7_000, 0), (7_001, 1), (7_002, 1), (7_003, 4)];
    let events = sequences.map(|(number, sequence)| numbered(number, sequence));
    writer.events(SHARD, BANK, events.to_vec()).await;
    writer.events(SHARD + 1, BANK, vec![numbered(7_004, 7)]).await;
    let answer = rig.get("/api/v1/sources?application=numbered", admin).await;
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "one source, whichever shard it went to: {answer}");
    let source = &items[0];
    assert_eq!(
        source["gaps"],
        json!([{"first": 2, "last": 3}, {"first": 5, "last": 6}]),
        "{source}"
    );
    assert_eq!(
        (&source["missing"], &source["repeated"], &source["records"]),
        (&json!(4), &json!(1), &json!(5))
    );
    assert_eq!(
        (&source["instance"], &source["epoch"], &source["last"]),
        (&json!("pod-1"), &json!(1), &json!(7))
    );
    let cut = rig
        .get(
            "/api/v1/sources?application=numbered&from=2020-01-01T00:00:00Z",
            admin,
        )
        .await;
    assert_eq!(cut["items"][0]["missing"], json!(4), "{cut}");
    assert_eq!(
        rig.get("/api/v1/sources?application=loans", admin).await["items"],
        json!([])
    );
    rig.refused("/api/v1/sources", viewer, 403).await;
    rig.refused("/api/v1/sources?limit=0", admin, 400).await;
}

pub async fn intents(rig: &Rig, admin: &str, officer: &str, writer: &mut Writer) {
    let call = |number: u128| -> Event {
        let mut event = parse_json(numbered(number, 0)).unwrap();
        event.tenant = CLINIC;
        event.source = None;
        event
    };
    let (lost, done) = (call(7_100), call(7_101));
    writer
        .store(
            SHARD,
            vec![
                intent_of(&lost, "gateway"),
                intent_of(&done, "gateway"),
                done.clone(),
            ],
        )
        .await;
    let open = rig.get("/api/v1/intents?older_than_s=0", admin).await;
    let items = open["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{open}");
    assert_eq!(items[0]["intended_event_id"], json!(lost.event_id), "{open}");
    assert_eq!(items[0]["model"], "gpt-4o", "{open}");
    assert_eq!(
        rig.get("/api/v1/intents?older_than_s=0", officer).await["items"],
        json!([]),
        "another tenant's"
    );
    // The intent is a record of its own and no conflict with the event.
    let conflicts = rig
        .get("/api/v1/audit/logs?kind=conflict&application=numbered", admin)
        .await;
    assert_eq!(conflicts["items"], json!([]));
}

fn incident(number: u128, action: &str, subject: &str, tenant: Option<Uuid>) -> Event {
    let mut detail =
        json!({"component": "readback", "code": "record_mismatch", "subject": subject, "index": 4});
    if let Some(tenant) = tenant {
        detail["tenant"] = json!(tenant);
    }
    SystemEvent {
        kind: Kind::Incident,
        event_id: Uuid::from_u128(number),
        tenant: Uuid::nil(),
        actor: "readback",
        action,
        target: None,
        reason: Some("column model differs".to_owned()),
        detail: detail.as_object().cloned().unwrap_or_default(),
        occurred_at_us: None,
    }
    .into_event()
}

pub async fn incidents(rig: &Rig, admin: &str, officer: &str, viewer: &str, writer: &mut Writer) {
    let [bank, clinic, over] = ["aa", "bb", "cc"].map(|byte| byte.repeat(32));
    let events = vec![
        incident(1, "begin", &bank, Some(BANK)),
        incident(2, "begin", &clinic, Some(CLINIC)),
        incident(3, "begin", &over, None),
        incident(4, "end", &over, None),
    ];
    writer.store(SHARD, events).await;
    let all = rig.get("/api/v1/incidents", admin).await;
    assert_eq!(
        (all["items"].as_array().unwrap().len(), &all["open"]),
        (3, &json!(2)),
        "{all}"
    );
    let open = rig.get("/api/v1/incidents?state=open", officer).await;
    assert_eq!(
        open["items"].as_array().unwrap().len(),
        1,
        "own tenant's only: {open}"
    );
    let item = &open["items"][0];
    assert_eq!(
        (&item["about"]["tenant"], &item["about"]["index"]),
        (&json!(BANK), &json!(4)),
        "{item}"
    );
    assert_eq!(
        (&item["code"], &item["reason"]),
        (&json!("record_mismatch"), &json!("column model differs"))
    );
    let ended = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["state"] == "ended")
        .unwrap();
    assert!(ended["ended_at"].is_string(), "{ended}");
    rig.refused("/api/v1/incidents", viewer, 403).await;
    rig.refused("/api/v1/incidents?state=shut", admin, 400).await;
}
