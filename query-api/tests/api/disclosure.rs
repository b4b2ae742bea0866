//! Who sees what again: policies by role and kind, single slots, health information, and breaking the glass.

use aal_control::Application;
use aal_event::{Event, Kind};
use serde_json::{Value, json};

use crate::support::{BANK, Rig, Writer, event};

/// A call whose question holds an address, a national number and a credential.
fn call(number: u128, application: &str, phi: bool) -> (String, Value) {
    let token = format!("ghp_{}", "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5");
    let text = format!("Write to carol@example.com, SSN 536-90-4399, with {token}");
    let mut call = event(number, application, "emergency-session", "nobody-else", &text);
    call["phi"] = phi.into();
    let id = call["event_id"].as_str().unwrap().to_owned();
    (id, call)
}

async fn policy(rig: &Rig, name: &str, phi: bool, policy: Value) {
    let application = Application {
        tenant: BANK,
        name: name.to_owned(),
        phi,
        content_mode: None,
        policy,
        // Long enough ago that it is in force, first version or change.
        created_us: aal_service::times::now_us() - 20_000_000,
    };
    rig.control.put_application(&application).await.unwrap();
}

fn texts(revealed: &Value) -> Vec<&str> {
    revealed
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_str)
        .collect()
}

fn slot_of(detail: &Value, entity: &str) -> u64 {
    let redactions = detail["redactions"].as_array().unwrap();
    let found = redactions.iter().find(|redaction| redaction["entity"] == entity);
    found.unwrap_or_else(|| panic!("no {entity} in {redactions:?}"))["slot"]
        .as_u64()
        .unwrap()
}

fn accesses(rig: &Rig, action: &str) -> Vec<Event> {
    let mut events = rig.recorded();
    events.retain(|event| {
        event
            .access
            .as_ref()
            .is_some_and(|access| access.action == action)
    });
    events
}

pub async fn by_role_and_kind(rig: &Rig, writer: &mut Writer, admin: &str, officer: &str) {
    policy(
        rig,
        "desk",
        false,
        json!({"reveal": {"compliance_officer": ["EMAIL_ADDRESS"], "admin": ["*", "SECRETS"]}}),
    )
    .await;
    let (id, call) = call(9_001, "desk", false);
    writer.events(0, BANK, vec![call]).await;
    let path = format!("/api/v1/audit/logs/{id}");
    let detail = rig.get(&path, officer).await;
    let (email, ssn) = (slot_of(&detail, "EMAIL_ADDRESS"), slot_of(&detail, "US_SSN"));

    let revealed = rig.get(&format!("{path}?reveal=complaint%2012"), officer).await;
    assert_eq!(texts(&revealed["revealed"]), ["carol@example.com"]);
    let kinds: Vec<&str> = revealed["not_revealed"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|refused| refused["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["US_SSN", "GITHUB_TOKEN"]);
    rig.refused(&format!("{path}?reveal=complaint&slots={ssn}"), officer, 403)
        .await;
    rig.refused(&format!("{path}?reveal=complaint&slots=99"), officer, 404)
        .await;
    rig.refused(&format!("{path}?slots={email}"), officer, 400).await;
    rig.refused(&format!("{path}?reveal=complaint&slots=x"), officer, 400)
        .await;

    let one = rig
        .get(&format!("{path}?reveal=complaint&slots={ssn}"), admin)
        .await;
    assert_eq!(texts(&one["revealed"]), ["536-90-4399"], "one slot and no other");
    let all = rig.get(&format!("{path}?reveal=complaint"), admin).await;
    assert_eq!(texts(&all["revealed"]).len(), 3);

    let recorded = accesses(rig, "reveal");
    let details: Vec<Value> = recorded
        .iter()
        .filter_map(|event| event.access.as_ref()?.detail.as_deref())
        .map(|detail| serde_json::from_str(detail).unwrap())
        .collect();
    assert!(
        details.contains(&json!({"slots": [ssn], "kinds": ["US_SSN"]})),
        "each reveal says what: {details:?}"
    );

    // Who changes the kinds in the store to have another value opened is found out.
    let store = rig.store.client();
    let forge = format!(
        "ALTER TABLE records UPDATE attributes = replaceAll(attributes, 'US_SSN', 'EMAIL_ADDRESS') \
         WHERE event_id = toUUID('{id}') SETTINGS mutations_sync = 2"
    );
    store.query(&forge).execute().await.unwrap();
    rig.refused(&format!("{path}?reveal=complaint&slots={ssn}"), officer, 500)
        .await;
}

pub async fn health_information(rig: &Rig, writer: &mut Writer, admin: &str, officer: &str, viewer: &str) {
    let (id, call) = call(9_002, "ward", true);
    writer.events(0, BANK, vec![call]).await;
    let path = format!("/api/v1/audit/logs/{id}");
    let problem = rig.refused(&path, officer, 428).await;
    assert!(
        problem["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("treatment"),
        "{problem}"
    );
    rig.refused(&format!("{path}?purpose=curiosity"), officer, 400)
        .await;
    let detail = rig.get(&format!("{path}?purpose=treatment"), officer).await;
    assert_eq!(
        (&detail["phi"], &detail["content"]),
        (&json!(true), &json!("sealed"))
    );
    assert_eq!(detail["sealed_texts"], json!(["request_body", "response_body"]));
    assert_eq!(detail["request"]["body"], "");
    assert_eq!(detail["header"]["phi_identifiers"]["social_security"], 1);
    let mut reads = accesses(rig, "read");
    reads.retain(|read| read.access.as_ref().unwrap().target_event_id.as_ref() == Some(&id));
    let read = reads.pop().unwrap();
    let said: Value = serde_json::from_str(&read.access.unwrap().detail.unwrap()).unwrap();
    assert_eq!(said, json!({"phi": true, "purpose": "treatment"}));

    let opened = rig
        .get(&format!("{path}?purpose=legal&reveal=court%20order"), officer)
        .await;
    let question = opened["revealed"]["request_body"].as_str().unwrap();
    assert!(
        question.contains("Write to [[EMAIL_ADDRESS:"),
        "the text as a template: {question}"
    );
    assert!(texts(&opened["revealed"]).contains(&"carol@example.com"));
    assert!(
        !opened["revealed"].to_string().contains("ghp_"),
        "credentials are nobody's by default"
    );

    break_glass(rig, &id, admin, officer, viewer).await;
}

async fn break_glass(rig: &Rig, id: &str, admin: &str, officer: &str, viewer: &str) {
    let path = format!("/api/v1/audit/logs/{id}/break-glass");
    policy(
        rig,
        "ward",
        true,
        json!({"reveal": {"admin": []}, "break_glass": ["compliance_officer"]}),
    )
    .await;
    let detail = format!("/api/v1/audit/logs/{id}?purpose=treatment&reveal=need%20it");
    rig.refused(&detail, officer, 403).await;
    let asked = json!({"reason": "Patient carol@example.com unconscious in the emergency room"});
    assert_eq!(rig.post(&path, viewer, asked.clone()).await.0, 404);
    assert_eq!(rig.post(&path, admin, asked.clone()).await.0, 403);
    assert_eq!(
        rig.post(&path, officer, json!({"reason": "need it"})).await.0,
        400
    );
    assert_eq!(
        rig.post(&path, officer, json!({"reason": "long enough", "purpose": "fun"}))
            .await
            .0,
        400
    );
    let (status, shown) = rig.post(&path, officer, asked).await;
    assert_eq!(status, 200, "{shown}");
    assert!(texts(&shown["revealed"]).contains(&"536-90-4399"));
    assert!(!shown["revealed"].to_string().contains("ghp_"));

    let told = accesses(rig, "break_glass");
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind, told[0].tenant), (Kind::Access, BANK));
    let number = shown["break_glass"]["id"].as_str().unwrap();
    assert_eq!(told[0].event_id.to_string(), number);
    let listed = rig.get("/api/v1/break-glass", officer).await;
    assert_eq!(
        (&listed["open"], &listed["items"][0]["id"]),
        (&json!(1), &json!(number))
    );
    assert_eq!(listed["items"][0]["may_review"], false);
    rig.refused("/api/v1/break-glass", viewer, 403).await;

    let review = format!("/api/v1/break-glass/{number}/review");
    let verdict = json!({"verdict": "justified", "note": "Confirmed with the ward's physician"});
    assert_eq!(
        rig.post(&review, officer, verdict.clone()).await.0,
        403,
        "not one's own"
    );
    assert_eq!(
        rig.post(&review, admin, json!({"verdict": "fine", "note": "long enough"}))
            .await
            .0,
        400
    );
    assert_eq!(
        rig.post(&review, admin, json!({"verdict": "justified", "note": ""}))
            .await
            .0,
        400
    );
    assert_eq!(rig.post(&review, admin, verdict.clone()).await.0, 200);
    assert_eq!(rig.post(&review, admin, verdict).await.0, 409, "once");
    let listed = rig.get("/api/v1/break-glass", officer).await;
    assert_eq!(
        (&listed["open"], &listed["items"][0]["review"]["verdict"]),
        (&json!(0), &json!("justified"))
    );
    assert_eq!(accesses(rig, "break_glass.review").len(), 1);
}

pub async fn a_policy_is_told_before_it_holds(rig: &Rig, admin: &str) {
    let put =
        |policy: Value| json!({"name": "told", "tenant": BANK, "content_mode": "sealed", "policy": policy});
    let (status, made) = rig.post("/api/v1/applications", admin, put(json!({}))).await;
    assert_eq!(status, 201, "{made}");
    let digest = made["policy_version"].as_str().unwrap();
    assert!(made["effective_from"].as_str().unwrap().ends_with('Z'));
    let (_, again) = rig.post("/api/v1/applications", admin, put(json!({}))).await;
    assert_eq!(again["policy_version"], Value::Null, "nothing changed");
    let (status, wrong) = rig
        .post(
            "/api/v1/applications",
            admin,
            put(json!({"entities": {"E_MAIL": "keep"}})),
        )
        .await;
    assert_eq!(status, 400);
    assert!(
        wrong["detail"].as_str().unwrap().contains("/entities/E_MAIL"),
        "{wrong}"
    );
    let mut changes = rig.recorded();
    let is_ours = |event: &Event| {
        let detail = event.access.as_ref().and_then(|access| access.detail.as_deref());
        event.kind == Kind::PolicyChange && detail.is_some_and(|detail| detail.contains("\"told\""))
    };
    changes.retain(is_ours);
    assert_eq!(changes.len(), 1, "one leaf for one version");
    assert_eq!(changes[0].tenant, BANK);
    let detail: Value =
        serde_json::from_str(changes[0].access.as_ref().unwrap().detail.as_ref().unwrap()).unwrap();
    assert_eq!(
        (&detail["new_digest"], &detail["new_version"]),
        (&json!(digest), &json!(1))
    );
    let listed = rig.get("/api/v1/policies", admin).await;
    let versions = listed["versions"].as_array().unwrap();
    assert!(
        versions.iter().any(|version| version["digest"] == digest),
        "{versions:?}"
    );
}
