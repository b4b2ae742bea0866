//! Lists, filters, scopes and one record in full.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{BANK, CLINIC, Rig, Writer, event};

pub async fn empty_store(rig: &Rig, admin: &str) {
    let list = rig.get("/api/v1/audit/logs", admin).await;
    assert_eq!(list, json!({"items": [], "next_cursor": null}));
    assert_eq!(rig.get("/api/v1/metrics", admin).await["totals"]["calls"], 0);
    assert_eq!(rig.get("/api/v1/audit/sessions", admin).await["items"], json!([]));
    assert_eq!(rig.get("/api/v1/checkpoints", admin).await["latest"], Value::Null);
}

pub fn bank_event(number: u128) -> Value {
    let user = if number.is_multiple_of(5) {
        "alice@example.org"
    } else {
        "user-7"
    };
    let text = if number.is_multiple_of(2) {
        "Please write to bob@example.com about the mortgage"
    } else {
        "What is the weather"
    };
    let mut event = event(number, "loans", &format!("case-{}", number / 10), user, text);
    event["occurred_at"] = json!(format!("2026-01-01T10:{:02}:00Z", number % 60));
    event["subject"] = json!({"id": format!("customer-{}", number % 4)});
    event
}

pub async fn fill(writer: &mut Writer) {
    writer.events(0, BANK, (0..20).map(bank_event).collect()).await;
    writer.events(1, BANK, (20..30).map(bank_event).collect()).await;
    let mut failed = event(100, "triage", "ward-1", "nurse-1", "patient asks");
    failed["response"] = json!({"status": 500, "content_type": "text/plain", "body": "boom"});
    failed["error"] = json!({"type": "server_error", "message": "boom"});
    let mut unpriced = event(101, "triage", "ward-1", "nurse-1", "hello");
    unpriced["response"]["body"]["model"] = json!("in-house-1");
    unpriced["request"]["body"]["model"] = json!("in-house-1");
    unpriced["timing"] = json!({"duration_ms": 1250});
    writer.events(1, CLINIC, vec![failed, unpriced]).await;
    let target = bank_event(3)["event_id"].as_str().unwrap().to_owned();
    writer.outcome(0, BANK, 900, &target, true).await;
}

pub fn ids(list: &Value) -> Vec<String> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["event_id"].as_str().unwrap().to_owned())
        .collect()
}

pub async fn pages_are_stable(rig: &Rig, admin: &str, writer: &mut Writer) {
    let whole = ids(&rig.get("/api/v1/audit/logs?limit=500", admin).await);
    assert_eq!(whole.len(), 32);
    let mut paged = Vec::new();
    let mut path = "/api/v1/audit/logs?limit=7".to_owned();
    for arriving in 200.. {
        let page = rig.get(&path, admin).await;
        paged.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/audit/logs?limit=7&cursor={cursor}");
        // Older and newer records arrive between the pages.
        let mut older = event(arriving, "loans", "late", "user-7", "late");
        older["occurred_at"] = json!("2025-12-31T00:00:00Z");
        writer.events(0, BANK, vec![older]).await;
    }
    assert_eq!(
        paged, whole,
        "no record twice, none left out, none that came later"
    );
    assert!(ids(&rig.get("/api/v1/audit/logs?limit=500", admin).await).len() > 32);
    let first = rig.get("/api/v1/audit/logs?limit=7", admin).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    rig.refused(
        &format!("/api/v1/audit/logs?application=loans&cursor={cursor}"),
        admin,
        400,
    )
    .await;
}

pub async fn count(rig: &Rig, token: &str, query: &str) -> usize {
    ids(&rig
        .get(
            &format!("/api/v1/audit/logs?limit=500&from=2026-01-01T00:00:00Z&{query}"),
            token,
        )
        .await)
    .len()
}

pub async fn filters(rig: &Rig, admin: &str) {
    let bank = format!("tenant={BANK}");
    for (query, wanted) in [
        (bank.as_str(), 30),
        ("application=triage", 2),
        ("status=500", 1),
        ("status=error", 1),
        ("model=gpt-4o-2024-08-06&application=loans", 30),
        ("model=gpt-4o&application=loans", 30),
        ("provider=anthropic", 0),
        ("decision_type=chat&environment=test", 32),
        ("flagged=true", 1),
        ("flagged=false", 31),
        ("has_pii=false&application=triage", 2),
        ("session_id=case-1", 10),
        ("user_id=alice%40example.org", 6),
        ("user_id=user-7", 24),
        ("subject=customer-1", 8),
        ("subject=nobody", 0),
        ("q=mortgage", 15),
        ("q=Mortgage%20WRITE", 15),
        ("q=mortgage%20weather", 0),
        ("q=bob%40example.com", 15),
        ("min_cost=0.0001&application=loans", 30),
        ("min_cost=1", 0),
        ("kind=outcome", 1),
        ("kind=any", 33),
        ("to=2026-01-01T10:05:00Z&application=loans", 5),
    ] {
        assert_eq!(count(rig, admin, query).await, wanted, "{query}");
    }
    assert_eq!(
        ids(&rig.get("/api/v1/audit/logs?kind=outcome", admin).await).len(),
        1
    );
    let unpriced = rig
        .get("/api/v1/audit/logs?application=triage&status=ok", admin)
        .await;
    assert_eq!(unpriced["items"][0]["cost"], Value::Null);
    assert_ne!(unpriced["items"][0]["unpriced_reason"], "");
    assert_eq!(unpriced["items"][0]["duration_ms"], 1250);
}

pub async fn scopes(rig: &Rig, officer: &str, viewer: &str) {
    assert_eq!(count(rig, officer, "").await, 30, "one tenant");
    rig.refused(&format!("/api/v1/audit/logs?tenant={CLINIC}"), officer, 403)
        .await;
    let foreign = event(100, "", "", "", "")["event_id"]
        .as_str()
        .unwrap()
        .to_owned();
    rig.refused(&format!("/api/v1/audit/logs/{foreign}"), officer, 404)
        .await;
    rig.refused(&format!("/api/v1/audit/logs/{foreign}/proof"), officer, 404)
        .await;
    assert_eq!(count(rig, viewer, "").await, 6, "own records only");
    assert_eq!(rig.get("/api/v1/metrics", viewer).await["totals"]["calls"], 6);
    let foreign = bank_event(1)["event_id"].as_str().unwrap().to_owned();
    rig.refused(&format!("/api/v1/audit/logs/{foreign}"), viewer, 404)
        .await;
    assert_eq!(
        rig.post("/api/v1/verify", viewer, json!({"event_id": foreign}))
            .await
            .0,
        404
    );
    rig.refused("/api/v1/access-log", viewer, 403).await;
    rig.refused("/api/v1/verify/chains", viewer, 403).await;
}

pub async fn details_and_reveal(rig: &Rig, admin: &str, officer: &str, viewer: &str) {
    let id = bank_event(10)["event_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/audit/logs/{id}");
    let detail = rig.get(&path, officer).await;
    let text = detail.to_string();
    assert!(
        !text.contains("bob@example.com") && !text.contains("alice@example.org"),
        "{text}"
    );
    assert_eq!(
        detail["request"]["url"],
        "https://api.openai.com/v1/chat/completions"
    );
    assert!(detail["request"]["body"].as_str().unwrap().contains("mortgage"));
    assert_eq!(detail["response"]["status"], 200);
    assert_eq!(detail["cost_detail"]["total"], detail["cost"]);
    assert!(!detail["cost_detail"]["rule"].as_str().unwrap().is_empty());
    assert_eq!(detail["ledger"]["state"], "appended");
    let token = detail["redactions"][0]["token"].as_str().unwrap();
    assert!(detail["pii"]["EMAIL_ADDRESS"].as_u64().unwrap() >= 1);

    rig.refused(&format!("{path}?reveal=audit"), viewer, 403).await;
    let revealed = rig.get(&format!("{path}?reveal=case%2017"), admin).await;
    let values: Vec<&str> = revealed["revealed"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_str)
        .collect();
    assert!(values.contains(&"bob@example.com"), "{values:?}");
    assert!(revealed["revealed"].get(token).is_some());

    let decided = bank_event(3)["event_id"].as_str().unwrap().to_owned();
    let detail = rig.get(&format!("/api/v1/audit/logs/{decided}"), officer).await;
    assert_eq!(
        (&detail["flagged"], &detail["overridden"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(detail["outcomes"][0]["outcome"], "declined");
    assert_eq!(detail["outcomes"][0]["note"], "looked wrong");
    let outcome = json!({"outcome": "approved", "override": false});
    assert_eq!(
        rig.post(&format!("{path}/outcomes"), viewer, outcome.clone())
            .await
            .0,
        403
    );
    assert_eq!(
        rig.post(&format!("{path}/outcomes"), officer, outcome).await.0,
        201
    );
    assert_eq!(
        rig.post(&format!("{path}/outcomes"), officer, json!({"outcome": ""}))
            .await
            .0,
        400
    );
    rig.refused(&format!("{path}/proof"), officer, 409).await;
}

/// Ids of version 7 are looked for around their own time first; which record answers must not depend on that.
pub async fn the_first_record_of_an_id(rig: &Rig, admin: &str, writer: &mut Writer) {
    const SHARD: u32 = 31;
    let made = |number: u128, application: &str| {
        let mut event = event(0, application, "same-id", "user-7", "hello");
        let id = Uuid::from_u128((0x019b_76da_a800_7000_8000_u128 << 48) + number);
        event["event_id"] = json!(id);
        event["occurred_at"] = json!("2026-01-01T00:00:01Z");
        (event, format!("/api/v1/audit/logs/{id}"))
    };
    let (alone, alone_path) = made(1, "alone");
    let (mut late, late_path) = made(2, "late");
    late["occurred_at"] = json!("2026-01-03T00:00:00Z");
    let (twice, twice_path) = made(3, "original");
    let (mut copy, _) = made(3, "forged");
    copy["request"]["body"]["model"] = json!("gpt-cheap");
    writer.events(SHARD, BANK, vec![alone, late, twice]).await;
    writer.events(SHARD + 1, BANK, vec![copy]).await;
    for (path, application) in [
        (alone_path, "alone"),
        (late_path, "late"),
        (twice_path, "original"),
    ] {
        let detail = rig.get(&path, admin).await;
        assert_eq!(detail["application"], application, "{detail}");
    }
}
