//! The seven verdicts over the whole ledger: a background job of the service.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{BANK, CLINIC, Rig, problem};

const NAMES: [&str; 7] = [
    "CONTENT", "IDENTITY", "TIME", "WITNESS", "SCOPE", "ERASURE", "REPORT",
];
/// How long one verification of this test's few records may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Waits for its end.
async fn ended(rig: &Rig, path: &str, token: &str) -> Value {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let job = rig.get(path, token).await;
        if job["state"] != "running" {
            return job;
        }
        assert!(tokio::time::Instant::now() < deadline, "still running: {job}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn verified(rig: &Rig, token: &str, body: Value) -> Value {
    let (status, job) = rig.post("/api/v1/verify", token, body).await;
    assert_eq!(status, 202, "{job}");
    assert_eq!((&job["state"], &job["report"]), (&json!("running"), &Value::Null));
    ended(
        rig,
        &format!("/api/v1/verify/{}", job["id"].as_str().unwrap()),
        token,
    )
    .await
}

fn status(job: &Value, name: &str) -> String {
    let verdicts = job["report"]["verdicts"].as_array().unwrap();
    let found = verdicts.iter().find(|verdict| verdict["verdict"] == name);
    found.unwrap()["status"].as_str().unwrap().to_owned()
}

/// The ledger is as it was sealed.
pub async fn proven(rig: &Rig, admin: &str, officer: &str, viewer: &str) {
    refused(rig, admin, viewer).await;
    let job = verified(rig, admin, json!({"scope": "ledger"})).await;
    assert_eq!(
        (&job["state"], &job["outcome"], &job["error"]),
        (&json!("done"), &json!("proven"), &Value::Null),
        "{job}"
    );
    let verdicts = job["report"]["verdicts"].as_array().unwrap();
    let names: Vec<&str> = verdicts
        .iter()
        .map(|verdict| verdict["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(names, NAMES);
    assert_eq!(status(&job, "WITNESS"), "unproven", "nobody else saw it");
    for verdict in &verdicts[..3] {
        assert_eq!(verdict["status"], "pass", "{verdict}");
        assert!(verdict["checked"].as_u64().unwrap() > 0, "{verdict}");
    }
    // Everything was read, against the head of that moment, with the keys of the file that is named.
    let progress = &job["progress"];
    let chains = rig.get("/api/v1/verify/chains", admin).await;
    let stored: u64 = chains["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| chain["size"].as_u64().unwrap())
        .sum();
    assert_eq!(progress["records_read"], json!(stored));
    assert_eq!(job["report"]["records"], json!(stored));
    assert_eq!(progress["epochs_read"], json!(7));
    let newest = rig.get("/api/v1/checkpoints?limit=1", admin).await;
    assert_eq!(job["known_head"]["checkpoint"], newest["latest"]["checkpoint"],);
    let file = std::fs::read(rig.path("policy.toml")).unwrap();
    let digest = aal_ledger::hash::to_hex(&aal_ledger::hash::sha256(&file));
    assert_eq!(job["policy"]["sha256"], json!(digest));
    assert_eq!(job["earlier_head"], Value::Null);

    // It is kept: another process of the service shows it, to those who may see every tenant.
    let path = format!("/api/v1/verify/{}", job["id"].as_str().unwrap());
    let other = rig.with_config(|_| {}).await;
    let answer = rig.http.get(format!("{other}{path}")).bearer_auth(admin).send();
    assert_eq!(answer.await.unwrap().json::<Value>().await.unwrap(), job);
    rig.refused(&path, officer, 404).await;

    // One tenant's part: nobody shows that tenant that it has no further chains.
    let own = verified(rig, officer, json!({"scope": "ledger"})).await;
    assert_eq!(own["tenant"], json!(BANK.to_string()));
    assert_eq!(
        (&own["outcome"], &*status(&own, "SCOPE")),
        (&json!("unproven"), "unproven"),
        "{own}"
    );
    assert_eq!(
        (&*status(&own, "CONTENT"), &*status(&own, "IDENTITY")),
        ("pass", "pass")
    );
    assert!(own["report"]["records"].as_u64().unwrap() < stored);
    let (code, _) = rig
        .post(
            "/api/v1/verify",
            officer,
            json!({"scope": "ledger", "tenant": CLINIC}),
        )
        .await;
    assert_eq!(code, 403);
    let listed = rig.get("/api/v1/verify?limit=5", officer).await;
    let ids: Vec<&Value> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["id"])
        .collect();
    assert_eq!(ids, [&own["id"]]);
    let listed = rig.get("/api/v1/verify", admin).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    timed_out(rig, admin).await;
    one_at_a_time(rig, admin).await;
}

async fn refused(rig: &Rig, admin: &str, viewer: &str) {
    let (code, _) = rig
        .post("/api/v1/verify", viewer, json!({"scope": "ledger"}))
        .await;
    assert_eq!(code, 403);
    for body in [
        json!({}),
        json!({"scope": "ledger", "event_id": BANK}),
        json!({"tenant": BANK}),
        json!({"scope": "everything"}),
        json!({"scope": "ledger", "policy": "mine"}),
    ] {
        let (code, problem) = rig.post("/api/v1/verify", admin, body.clone()).await;
        assert_eq!(code, 400, "{body}: {problem}");
    }
    rig.refused("/api/v1/verify/x", admin, 400).await;
    rig.refused(&format!("/api/v1/verify/{BANK}"), admin, 404).await;
    rig.refused("/api/v1/verify", viewer, 403).await;
    let base = rig.with_config(|config| config.trust = None).await;
    let answer = rig
        .http
        .post(format!("{base}/api/v1/verify"))
        .bearer_auth(admin)
        .header("content-type", "application/json")
        .body(json!({"scope": "ledger"}).to_string())
        .send()
        .await
        .unwrap();
    let told = problem(answer, 409).await;
    assert!(
        told["detail"].as_str().unwrap().contains("trust.policy"),
        "{told}"
    );
}

/// What takes too long ends with the name of the limit.
async fn timed_out(rig: &Rig, admin: &str) {
    let base = rig.with_config(|config| config.limits.verify_timeout_s = 0).await;
    let begun = rig
        .http
        .post(format!("{base}/api/v1/verify"))
        .bearer_auth(admin)
        .header("content-type", "application/json")
        .body(json!({"scope": "ledger"}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(begun.status(), 202);
    let id = begun.json::<Value>().await.unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // It is kept at its end, which this process sees as well; until then it is not known here.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let job = loop {
        let answer = rig
            .send(Method::GET, &format!("/api/v1/verify/{id}"), admin, None)
            .await;
        if answer.status() == 200 {
            break answer.json::<Value>().await.unwrap();
        }
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(
        (&job["state"], &job["outcome"], &job["report"]),
        (&json!("failed"), &Value::Null, &Value::Null)
    );
    assert!(
        job["error"].as_str().unwrap().contains("limits.verify_timeout_s"),
        "{job}"
    );
}

/// While one waits, another is refused, and the first can be cancelled.
async fn one_at_a_time(rig: &Rig, admin: &str) {
    // A policy whose every epoch must be witnessed waits for witnesses that are not there, so this one does not end.
    let text = std::fs::read_to_string(rig.path("policy.toml")).unwrap();
    let witnessed = rig.path("witnessed.toml");
    let absent = aal_ledger::Cosigner::ed25519("witness.test/absent", &[3; 32]).unwrap();
    let pinned = format!(
        "witness_policy = \"\"\"\nwitness absent {} http://127.0.0.1:1\nquorum absent\n\"\"\"\n{text}",
        absent.verifier_key()
    );
    std::fs::write(&witnessed, pinned).unwrap();
    let base = rig
        .with_config(|config| config.trust.as_mut().unwrap().policy = witnessed)
        .await;
    let send = async |method: Method, path: String, body: Option<Value>| {
        let mut request = rig
            .http
            .request(method, format!("{base}{path}"))
            .bearer_auth(admin);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let whole = || Some(json!({"scope": "ledger"}));
    let (code, first) = send(Method::POST, "/api/v1/verify".to_owned(), whole()).await;
    assert_eq!(code, 202, "{first}");
    let id = first["id"].as_str().unwrap();
    let (code, second) = send(Method::POST, "/api/v1/verify".to_owned(), whole()).await;
    assert_eq!(code, 409);
    assert!(second["detail"].as_str().unwrap().contains(id), "{second}");
    let (code, _) = send(Method::DELETE, format!("/api/v1/verify/{id}"), None).await;
    assert_eq!(code, 202);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let (_, job) = send(Method::GET, format!("/api/v1/verify/{id}"), None).await;
        if job["state"] == "cancelled" {
            assert_eq!((&job["outcome"], &job["report"]), (&Value::Null, &Value::Null));
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{job}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (code, told) = send(Method::DELETE, format!("/api/v1/verify/{id}"), None).await;
    assert_eq!(code, 409, "{told}");
}

/// One byte was changed behind the ledger's back; and then the log is put back to an older state.
pub async fn refuted(rig: &Rig, admin: &str, event_id: &str) {
    let job = verified(rig, admin, json!({"scope": "ledger"})).await;
    assert_eq!(
        (&job["outcome"], &*status(&job, "CONTENT")),
        (&json!("refuted"), "fail"),
        "{job}"
    );
    let content = &job["report"]["verdicts"][0];
    assert!(content["refuted"].as_u64().unwrap() > 0);
    assert_eq!(content["findings"][0]["event_id"], json!(event_id), "{content}");
    assert_eq!(status(&job, "IDENTITY"), "pass");
    assert_eq!(job["earlier_head"]["epoch"], json!(6));

    let latest = rig.path("anchors/latest");
    let newest = std::fs::read(&latest).unwrap();
    std::fs::write(&latest, "4\n").unwrap();
    let later = ["005", "006"].map(|epoch| (rig.path(&format!("anchors/epoch/{epoch}")), rig.path(epoch)));
    for (there, away) in &later {
        std::fs::rename(there, away).unwrap();
    }
    let job = verified(rig, admin, json!({"scope": "ledger"})).await;
    for (there, away) in &later {
        std::fs::rename(away, there).unwrap();
    }
    std::fs::write(&latest, newest).unwrap();
    assert_eq!(job["known_head"]["epoch"], json!(4), "{job}");
    assert_eq!(job["earlier_head"]["epoch"], json!(6));
    assert_eq!(
        status(&job, "IDENTITY"),
        "fail",
        "the log ends before a head that it had: {job}"
    );
}
