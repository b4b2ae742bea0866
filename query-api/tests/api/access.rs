//! Sign-in, refusals, administration, and that everything listed answers.

use aal_control::TenantScope;
use aal_control::auth::TokenKey;
use reqwest::Method;
use serde_json::json;

use crate::support::{BANK, NOW_US, Rig, problem};

pub async fn sign_in(rig: &Rig, admin: &str) {
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

pub async fn problem_type(answer: reqwest::Response, status: u16) -> String {
    problem(answer, status).await["type"].as_str().unwrap().to_owned()
}

pub async fn bad_requests(rig: &Rig, admin: &str, viewer: &str) {
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

pub async fn every_route_answers(rig: &Rig) {
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

/// Every read, change and outcome of this test is on the log, in the name of a user id.
pub async fn accesses_are_recorded(rig: &Rig) {
    let users = rig.control.users(TenantScope::All).await.unwrap();
    let events = rig.recorded();
    let mut actions: Vec<&str> = Vec::new();
    for event in &events {
        if let Some(access) = &event.access {
            assert!(
                users.iter().any(|user| user.id.to_string() == access.actor),
                "{access:?}"
            );
            actions.push(&access.action);
        }
    }
    for wanted in [
        "login",
        "read",
        "reveal",
        "export",
        "verify",
        "verify.cancel",
        "report.generate",
        "report.download",
        "api_key.create",
        "api_key.revoke",
        "user.create",
        "user.update",
        "application.put",
    ] {
        assert!(actions.contains(&wanted), "{wanted} is not among {actions:?}");
    }
    let reveal = events
        .iter()
        .filter_map(|event| event.access.as_ref())
        .find(|access| access.action == "reveal");
    assert_eq!(reveal.unwrap().reason.as_deref(), Some("case 17"));
    let outcomes = events.iter().filter_map(|event| event.outcome.as_ref());
    assert_eq!(
        outcomes
            .map(|outcome| outcome.outcome.as_str())
            .collect::<Vec<_>>(),
        ["approved"]
    );
}

/// What cannot be recorded is not shown.
pub async fn log_down(rig: &Rig, admin: &str, event_id: &str) {
    let base = rig
        .with_config(|config| config.kafka = aal_kafka::KafkaConfig::new("127.0.0.1:1"))
        .await;
    let get = |path: String| rig.http.get(format!("{base}{path}")).bearer_auth(admin).send();
    let detail = get(format!("/api/v1/audit/logs/{event_id}")).await.unwrap();
    assert_eq!(problem_type(detail, 503).await, "/problems/unavailable");
    assert_eq!(get("/api/v1/audit/logs".to_owned()).await.unwrap().status(), 200);
}

pub async fn store_down(rig: &Rig, admin: &str) {
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

pub async fn administration(rig: &Rig, admin: &str, officer: &str) {
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
    let providers = rig.get("/api/v1/prices", admin).await["providers"].clone();
    assert!(
        providers.as_array().unwrap().contains(&json!("openai")),
        "{providers}"
    );
    let models = rig.get("/api/v1/prices?provider=openai", admin).await["models"].clone();
    assert!(
        models
            .as_array()
            .unwrap()
            .iter()
            .any(|model| model["model"] == "gpt-4o"),
        "{models}"
    );
    rig.refused("/api/v1/prices?model=gpt-4o", admin, 400).await;
    rig.get("/api/v1/policies", officer).await;
    assert_eq!(
        rig.get("/api/v1/access-log", officer).await["items"],
        json!([]),
        "nothing consumed them here"
    );
}
