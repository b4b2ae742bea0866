//! The query API as its clients see it, over the real engine. One engine per process, so one test.

mod support;

use aal_control::auth::TokenKey;
use aal_control::{JobFile, Role, TenantScope};
use aal_verify::{StoredRecord, Verifier};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use support::{BANK, CLINIC, NOW_US, Rig, Writer, event, problem, rig};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_query_api() {
    let Some(rig) = rig().await else { return };
    let admin = rig.user("admin@example.org", Role::Admin, TenantScope::All).await;
    let officer = rig
        .user(
            "officer@example.org",
            Role::ComplianceOfficer,
            TenantScope::One(BANK),
        )
        .await;
    let viewer = rig
        .user("alice@example.org", Role::Viewer, TenantScope::One(BANK))
        .await;
    let mut writer = Writer::new(&rig);

    sign_in(&rig, &admin).await;
    bad_requests(&rig, &admin, &viewer).await;
    empty_store(&rig, &admin).await;
    fill(&mut writer).await;
    pages_are_stable(&rig, &admin, &mut writer).await;
    filters(&rig, &admin).await;
    scopes(&rig, &officer, &viewer).await;
    details_and_reveal(&rig, &admin, &officer, &viewer).await;
    sessions(&rig, &admin).await;
    metrics(&rig, &admin).await;
    administration(&rig, &admin, &officer).await;
    reports(&rig, &officer, &viewer).await;
    feed(&rig, &admin, &viewer, &mut writer).await;
    ledger(&rig, &admin, &officer, &writer).await;
    every_route_answers(&rig).await;
    store_down(&rig, &admin).await;
    rig.shutdown.request();
}

async fn sign_in(rig: &Rig, admin: &str) {
    let me = rig.get("/api/v1/auth/me", admin).await;
    assert_eq!(
        (me["email"].as_str(), me["tenant"].as_str()),
        (Some("admin@example.org"), Some("*"))
    );
    rig.refused("/api/v1/auth/me", "", 401).await;
    rig.refused("/api/v1/auth/me", "not.a.token", 401).await;
    let user = rig.control.users(TenantScope::All).await.unwrap().remove(0);
    let key = TokenKey::new(*rig.ring.derive("session tokens"));
    let (expired, _) = key.issue(&user, NOW_US - 4_000_000_000);
    let problem = rig.refused("/api/v1/auth/me", &expired, 401).await;
    assert!(
        problem["detail"].as_str().unwrap().contains("expired"),
        "{problem}"
    );

    let wrong = json!({"email": "admin@example.org", "password": "wrong"});
    let (status, _) = rig.post("/api/v1/auth/login", "", wrong.clone()).await;
    assert_eq!(status, 401);
    let victim = json!({"email": "victim@example.org", "password": "wrong"});
    for _ in 0..10 {
        assert_eq!(rig.post("/api/v1/auth/login", "", victim.clone()).await.0, 401);
    }
    let limited = rig
        .send(Method::POST, "/api/v1/auth/login", "", Some(victim))
        .await;
    assert!(limited.headers().contains_key("retry-after"));
    assert_eq!(problem_type(limited, 429).await, "/problems/rate-limited");
}

async fn problem_type(answer: reqwest::Response, status: u16) -> String {
    problem(answer, status).await["type"].as_str().unwrap().to_owned()
}

async fn bad_requests(rig: &Rig, admin: &str, viewer: &str) {
    let unknown = rig.refused("/api/v1/audit/logs?applicatoin=x", admin, 400).await;
    assert_eq!(unknown["errors"][0]["pointer"], "?applicatoin");
    rig.refused("/api/v1/audit/logs?cursor=abc", admin, 400).await;
    rig.refused("/api/v1/audit/logs/not-a-uuid", admin, 400).await;
    rig.refused("/api/v1/nothing", admin, 404).await;
    rig.refused("/api/v1/auth/login", "", 405).await;
    rig.refused("/api/v1/users", viewer, 403).await;
    rig.refused("/api/v1/metrics?interval=year", admin, 400).await;
    let (status, problem) = rig
        .post("/api/v1/verify", admin, json!({"event_id": 5, "more": 1}))
        .await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (400, Some("/event_id"))
    );
    let text = rig
        .http
        .post(format!("{}/api/v1/verify", rig.base))
        .bearer_auth(admin);
    let text = text
        .header("content-type", "text/plain")
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(problem_type(text, 415).await, "/problems/unsupported-media-type");
    let page = rig
        .http
        .get(format!("{}/explorer", rig.base))
        .send()
        .await
        .unwrap();
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("script-src 'self'")
    );
    assert!(page.text().await.unwrap().contains("console"));
}

async fn empty_store(rig: &Rig, admin: &str) {
    let list = rig.get("/api/v1/audit/logs", admin).await;
    assert_eq!(list, json!({"items": [], "next_cursor": null}));
    assert_eq!(rig.get("/api/v1/metrics", admin).await["totals"]["calls"], 0);
    assert_eq!(rig.get("/api/v1/audit/sessions", admin).await["items"], json!([]));
    assert_eq!(rig.get("/api/v1/checkpoints", admin).await["latest"], Value::Null);
}

fn bank_event(number: u128) -> Value {
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

async fn fill(writer: &mut Writer) {
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

fn ids(list: &Value) -> Vec<String> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["event_id"].as_str().unwrap().to_owned())
        .collect()
}

async fn pages_are_stable(rig: &Rig, admin: &str, writer: &mut Writer) {
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

async fn count(rig: &Rig, token: &str, query: &str) -> usize {
    ids(&rig
        .get(
            &format!("/api/v1/audit/logs?limit=500&from=2026-01-01T00:00:00Z&{query}"),
            token,
        )
        .await)
    .len()
}

async fn filters(rig: &Rig, admin: &str) {
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

async fn scopes(rig: &Rig, officer: &str, viewer: &str) {
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

async fn details_and_reveal(rig: &Rig, admin: &str, officer: &str, viewer: &str) {
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

async fn sessions(rig: &Rig, admin: &str) {
    let first = rig
        .get("/api/v1/audit/sessions?limit=2&from=2026-01-01T00:00:00Z", admin)
        .await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/v1/audit/sessions?limit=2&from=2026-01-01T00:00:00Z&cursor={cursor}");
    let second = rig.get(&path, admin).await;
    let mut names: Vec<String> = Vec::new();
    for page in [&first, &second] {
        names.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["session_id"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(names, ["case-2", "case-1", "case-0", "ward-1"]);
    assert_eq!(second["next_cursor"], Value::Null);
    let timeline = rig.get("/api/v1/audit/sessions/case-0", admin).await;
    assert_eq!(timeline["totals"]["calls"], 10);
    assert_eq!(timeline["totals"]["flagged"], 1);
    assert_eq!(timeline["totals"]["cost"], "0.0035");
    assert_eq!(
        timeline["items"].as_array().unwrap().len(),
        11,
        "ten calls and an outcome"
    );
    rig.refused("/api/v1/audit/sessions/none", admin, 404).await;
}

async fn metrics(rig: &Rig, admin: &str) {
    let day = rig
        .get(
            "/api/v1/metrics?from=2026-01-01T00:00:00Z&interval=day&group_by=application,model",
            admin,
        )
        .await;
    let series = day["series"].as_array().unwrap();
    let sum = |name: &str| -> u64 {
        series
            .iter()
            .map(|group| group["points"][0][name].as_u64().unwrap())
            .sum()
    };
    assert_eq!((sum("calls"), sum("errors"), sum("flagged")), (32, 1, 1));
    let totals = &day["totals"];
    assert_eq!(
        (&totals["calls"], &totals["errors"], &totals["overrides"]),
        (&json!(32), &json!(1), &json!(1))
    );
    assert_eq!(totals["latency_ms"], json!({"p50": 250, "p95": 250, "p99": 1250}));
    assert_eq!(totals["cost"], "0.0105", "30 calls of 0.00035, exactly");
    assert_eq!(series[0]["points"][0]["t"], "2026-01-01T00:00:00.000000Z");
    let loans = series
        .iter()
        .find(|group| group["group"]["application"] == "loans")
        .unwrap();
    assert_eq!(
        loans["points"][0]["redactions"]["EMAIL_ADDRESS"]
            .as_u64()
            .unwrap()
            >= 15,
        true
    );
    for interval in ["minute", "hour", "week", "month"] {
        let path = format!("/api/v1/metrics?from=2026-01-01T00:00:00Z&interval={interval}");
        let answer = rig.get(&path, admin).await;
        let points = answer["series"][0]["points"].as_array().unwrap();
        let calls: u64 = points.iter().map(|point| point["calls"].as_u64().unwrap()).sum();
        assert_eq!(calls, 32, "{interval}");
    }
    let week = rig
        .get("/api/v1/metrics?from=2026-01-01T00:00:00Z&interval=week", admin)
        .await;
    assert_eq!(
        week["series"][0]["points"][0]["t"], "2025-12-29T00:00:00.000000Z",
        "a Monday"
    );
}

async fn administration(rig: &Rig, admin: &str, officer: &str) {
    let (status, made) = rig
        .post(
            "/api/v1/api-keys",
            admin,
            json!({"application": "loans", "tenant": BANK}),
        )
        .await;
    assert_eq!(status, 201, "{made}");
    let key = made["key"].as_str().unwrap();
    assert!(rig.control.find_api_key(key).await.unwrap().is_some());
    let id = made["id"].as_str().unwrap();
    let revoked = rig
        .send(Method::DELETE, &format!("/api/v1/api-keys/{id}"), admin, None)
        .await;
    assert_eq!(revoked.status(), 204);
    assert!(rig.control.find_api_key(key).await.unwrap().is_none());
    assert_eq!(
        rig.post("/api/v1/api-keys", admin, json!({"application": "loans"}))
            .await
            .0,
        400,
        "which tenant?"
    );
    assert_eq!(
        rig.post("/api/v1/api-keys", officer, json!({"application": "x"}))
            .await
            .0,
        403
    );

    let new = json!({"email": "new@example.org", "role": "viewer", "tenant": BANK});
    let (status, user) = rig.post("/api/v1/users", admin, new.clone()).await;
    assert_eq!((status, user["password"].is_string()), (201, true));
    assert_eq!(rig.post("/api/v1/users", admin, new).await.0, 409);
    let login = json!({"email": "new@example.org", "password": user["password"]});
    let (_, signed_in) = rig.post("/api/v1/auth/login", "", login).await;
    let token = signed_in["token"].as_str().unwrap();
    rig.get("/api/v1/auth/me", token).await;
    let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    let changed = rig
        .send(Method::PATCH, &path, admin, Some(json!({"disabled": true})))
        .await;
    assert_eq!(changed.status(), 200);
    rig.refused("/api/v1/auth/me", token, 401).await;

    let application = json!({"name": "loans", "tenant": BANK, "phi": false, "content_mode": "redacted"});
    assert_eq!(rig.post("/api/v1/applications", admin, application).await.0, 201);
    assert_eq!(
        rig.get("/api/v1/applications", officer).await["applications"][0]["name"],
        "loans"
    );
    assert_eq!(
        rig.get("/api/v1/tenants", officer).await["tenants"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        rig.get("/api/v1/models", admin).await["models"][0]["model"],
        "gpt-4o-2024-08-06"
    );
    let prices = rig
        .get(
            "/api/v1/prices?provider=openai&model=gpt-4o&at=2026-01-01T00:00:00Z",
            admin,
        )
        .await;
    assert_eq!(prices["quotes"][0]["price"]["total"], "2.5", "{prices}");
    rig.get("/api/v1/policies", officer).await;
    assert_eq!(
        rig.get("/api/v1/access-log", officer).await["items"],
        json!([]),
        "nothing consumed them here"
    );
}

async fn reports(rig: &Rig, officer: &str, viewer: &str) {
    let range = json!({"type": "range", "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"});
    assert_eq!(
        rig.post("/api/v1/reports/generate", viewer, range.clone())
            .await
            .0,
        403
    );
    let (status, problem) = rig
        .post("/api/v1/reports/generate", officer, json!({"type": "novel"}))
        .await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (400, Some("/type"))
    );
    let (status, _) = rig
        .post("/api/v1/reports/generate", officer, json!({"type": "range"}))
        .await;
    assert_eq!(status, 400);
    let (status, job) = rig.post("/api/v1/reports/generate", officer, range).await;
    assert_eq!((status, job["status"].as_str()), (202, Some("queued")));
    let id: Uuid = job["id"].as_str().unwrap().parse().unwrap();
    let path = format!("/api/v1/reports/{id}");
    rig.refused(&format!("{path}?format=pdf"), officer, 409).await;

    let job = rig
        .control
        .claim_job(id, "worker", 1_000_000, NOW_US)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(job.tenant, TenantScope::One(BANK));
    std::fs::create_dir_all(rig.path("reports/r")).unwrap();
    std::fs::write(rig.path("reports/r/x.pdf"), b"%PDF-").unwrap();
    let file = JobFile {
        format: "pdf".into(),
        key: "r/x.pdf".into(),
        bytes: 5,
        sha256: "00".into(),
    };
    rig.control
        .finish_job(id, "worker", &[file], NOW_US)
        .await
        .unwrap();
    assert_eq!(rig.get(&path, officer).await["status"], "done");
    let pdf = rig
        .send(Method::GET, &format!("{path}?format=pdf"), officer, None)
        .await;
    assert_eq!(pdf.headers()["content-type"], "application/pdf");
    assert_eq!(pdf.bytes().await.unwrap(), &b"%PDF-"[..]);
    rig.refused(&format!("{path}?format=csv"), officer, 404).await;
    assert_eq!(
        rig.get("/api/v1/reports", officer).await["items"][0]["id"],
        json!(id)
    );
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(rig: &Rig, hello: Value) -> Socket {
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{}/ws/feed", rig.addr))
        .await
        .unwrap();
    socket.send(Message::text(hello.to_string())).await.unwrap();
    socket
}

/// The next message that is no ping.
async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = socket.next().await.unwrap().unwrap();
        let Ok(text) = message.to_text() else { continue };
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        if value["type"] != "ping" {
            return value;
        }
    }
}

async fn feed(rig: &Rig, admin: &str, viewer: &str, writer: &mut Writer) {
    let mut refused = connect(rig, json!({"token": "nonsense"})).await;
    assert_eq!(next(&mut refused).await["problem"]["status"], 401);

    let mut all = connect(rig, json!({"token": admin, "filters": {"application": "loans"}})).await;
    let ready = next(&mut all).await;
    assert_eq!(ready["type"], "ready");
    let mut own = connect(rig, json!({"token": viewer})).await;
    assert_eq!(next(&mut own).await["type"], "ready");
    writer
        .events(0, BANK, vec![bank_event(301), bank_event(305)])
        .await;
    writer
        .events(1, CLINIC, vec![event(310, "triage", "ward-2", "nurse-1", "x")])
        .await;
    writer.events(1, BANK, vec![bank_event(306)]).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for _ in 0..3 {
        let message = next(&mut all).await;
        assert_eq!(message["type"], "record", "{message}");
        seen.push(message["item"]["event_id"].as_str().unwrap().to_owned());
        cursor = message["cursor"].as_str().unwrap().to_owned();
    }
    seen.sort();
    let wanted: Vec<String> = [301, 305, 306]
        .map(|number| bank_event(number)["event_id"].as_str().unwrap().to_owned())
        .into();
    assert_eq!(seen, wanted);
    assert_eq!(
        next(&mut own).await["item"]["event_id"],
        bank_event(305)["event_id"],
        "own records only"
    );
    drop(all);

    // Back after a while: what came meanwhile is sent, nothing twice.
    writer.events(0, BANK, vec![bank_event(311)]).await;
    let mut again = connect(
        rig,
        json!({"token": admin, "filters": {"application": "loans"}, "cursor": cursor}),
    )
    .await;
    assert_eq!(next(&mut again).await["type"], "ready");
    assert_eq!(
        next(&mut again).await["item"]["event_id"],
        bank_event(311)["event_id"]
    );
    // Far behind: told how many were missed, then the latest.
    writer
        .events(0, BANK, (1_000..1_600).map(bank_event).collect())
        .await;
    let mut late = connect(rig, json!({"token": admin, "cursor": ready["cursor"]})).await;
    assert_eq!(next(&mut late).await["type"], "ready");
    let missed = next(&mut late).await;
    assert_eq!(
        (missed["type"].as_str(), missed["count"].as_u64()),
        (Some("missed"), Some(105)),
        "{missed}"
    );
}

async fn ledger(rig: &Rig, admin: &str, officer: &str, writer: &Writer) {
    writer.seal(rig).await;
    let id = bank_event(10)["event_id"].as_str().unwrap().to_owned();
    let detail = rig.get(&format!("/api/v1/audit/logs/{id}"), officer).await;
    assert_eq!(
        (&detail["ledger"]["state"], &detail["ledger"]["epoch"]),
        (&json!("sealed"), &json!(0))
    );
    let proof = rig
        .send(
            Method::GET,
            &format!("/api/v1/audit/logs/{id}/proof"),
            officer,
            None,
        )
        .await;
    let proof = proof.text().await.unwrap();
    let proven = aal_ledger::proof::verify_record_proof(proof.as_bytes(), &rig.policy).unwrap();
    assert_eq!(proven.leaf.event_id.to_string(), id);
    let (status, verdict) = rig.post("/api/v1/verify", officer, json!({"event_id": id})).await;
    assert_eq!(
        (status, verdict["verdict"].as_str()),
        (200, Some("pass")),
        "{verdict}"
    );

    let checkpoints = rig.get("/api/v1/checkpoints", admin).await;
    assert_eq!(checkpoints["items"].as_array().unwrap().len(), 1);
    let epoch = rig.get("/api/v1/checkpoints/0", admin).await;
    assert!(epoch["heads"].as_str().unwrap().starts_with("chain "));
    assert!(
        rig.get("/api/v1/checkpoints/0", officer)
            .await
            .get("heads")
            .is_none(),
        "heads name other tenants"
    );
    rig.refused("/api/v1/checkpoints/1", admin, 404).await;
    assert_eq!(verify_all(rig, admin).await, 0, "proven");

    // One byte of one text changed behind the ledger's back.
    let change = format!(
        "ALTER TABLE records UPDATE header = replaceOne(header, 'gpt', 'gtp') WHERE event_id = '{id}'"
    );
    rig.store
        .client()
        .query(&change)
        .with_setting("mutations_sync", "1")
        .execute()
        .await
        .unwrap();
    let (_, verdict) = rig.post("/api/v1/verify", officer, json!({"event_id": id})).await;
    assert_eq!(verdict["verdict"], "fail", "{verdict}");
    assert_eq!(verify_all(rig, admin).await, 1, "refuted");
}

/// What `audit verify` does over HTTP; its exit status.
async fn verify_all(rig: &Rig, admin: &str) -> u8 {
    let lines = async |path: String| {
        let answer = rig.send(Method::GET, &path, admin, None).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    let mut verifier = Verifier::new(rig.policy.clone());
    let checkpoints = rig.get("/api/v1/checkpoints?limit=1", admin).await;
    verifier.checkpoint(checkpoints["latest"]["checkpoint"].as_str().unwrap().as_bytes());
    for line in lines("/api/v1/verify/epochs?to=0".to_owned()).await.lines() {
        let epoch: Value = serde_json::from_str(line).unwrap();
        verifier.manifest(epoch["manifest"].as_str().unwrap().as_bytes());
        verifier.heads(epoch["heads"].as_str().unwrap().as_bytes());
    }
    for chain in rig.get("/api/v1/verify/chains", admin).await["chains"]
        .as_array()
        .unwrap()
    {
        let path = format!(
            "/api/v1/verify/records?tenant={}&shard={}",
            chain["tenant"].as_str().unwrap(),
            chain["shard"]
        );
        let text = lines(path).await;
        assert_eq!(text.lines().count() as u64, chain["size"].as_u64().unwrap());
        for line in text.lines() {
            let record: StoredRecord = serde_json::from_str(line).unwrap();
            verifier.record(&record);
        }
    }
    let report = verifier.finish();
    eprintln!("{report}");
    report.exit_code()
}

async fn every_route_answers(rig: &Rig) {
    let document = rig.get("/openapi.json", "").await;
    for (path, calls) in document["paths"].as_object().unwrap() {
        for method in calls.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path
                .replace("{event_id}", "x")
                .replace("{id}", "x")
                .replace("{epoch}", "x");
            let status = rig.send(method.clone(), &path, "", None).await.status().as_u16();
            assert!(![404, 405, 500].contains(&status), "{method} {path}: {status}");
        }
    }
}

async fn store_down(rig: &Rig, admin: &str) {
    let base = rig
        .with_config(|config| {
            config.store = serde_json::from_value(json!({"url": "http://127.0.0.1:1/"})).unwrap();
        })
        .await;
    let answer = rig
        .http
        .get(format!("{base}/api/v1/audit/logs"))
        .bearer_auth(admin)
        .send()
        .await
        .unwrap();
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(problem_type(answer, 503).await, "/problems/unavailable");
    let me = rig
        .http
        .get(format!("{base}/api/v1/auth/me"))
        .bearer_auth(admin)
        .send()
        .await
        .unwrap();
    assert_eq!(me.status(), 200, "signing in needs no record store");
}
