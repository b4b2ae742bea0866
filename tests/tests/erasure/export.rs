//! The data-subject export: everything about one person, their own values shown, everybody else's masked.

use audit_tests::until;
use serde_json::{Value, json};

use crate::people::{GUARANTOR, Person, World, files_with};

/// Exports a person, checks the files and answers the report's id.
pub async fn of_person(world: &World, token: &str, person: &Person) -> String {
    let path = format!("/api/v1/subjects/{}/export", person.id);
    let wanted = json!({"tenant": world.tenant, "identity_check": "passport seen", "reason": "article 15",
                        "identifiers": [person.mail.to_uppercase()]});
    let without_reason = json!({"tenant": world.tenant, "identity_check": "passport seen"});
    let (status, problem) = world.pipeline.post(token, &path, &without_reason).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (400, &json!("/reason"))
    );
    let (status, job) = world.pipeline.post(token, &path, &wanted).await;
    assert_eq!(status, 202, "{job}");
    let id = job["id"].as_str().expect("an id").to_owned();
    until("the export is rendered", || async {
        let (_, job) = world.pipeline.get(token, &format!("/api/v1/reports/{id}")).await;
        assert_ne!(job["status"], "failed", "{job}");
        (job["status"] == "done").then_some(())
    })
    .await;
    let (status, document) = world
        .pipeline
        .get(token, &format!("/api/v1/reports/{id}?format=json"))
        .await;
    assert_eq!(status, 200, "{document}");
    check(&document, person);
    for format in ["pdf", "csv"] {
        let bytes = download(world, token, &id, format).await;
        assert!(bytes.len() > 500, "{format} has {} bytes", bytes.len());
        if format == "csv" {
            let text = String::from_utf8(bytes).expect("UTF-8");
            assert!(
                text.contains(&person.word) && text.contains(&person.mail),
                "{text}"
            );
        }
    }
    // Read directly, without identifiers: the person's own address is masked, too.
    let tenant = world.tenant.as_str().expect("an id");
    let (status, plain) = world
        .pipeline
        .get(token, &format!("{path}?reason=look&tenant={tenant}"))
        .await;
    assert_eq!(status, 200, "{plain}");
    assert!(
        !plain["records"][0]["request"].to_string().contains(&person.mail),
        "{plain:#}"
    );
    until("the export is on record", || async {
        (world
            .pipeline
            .count("kind = 'access' AND position(header, 'subject.export') > 0")
            .await
            == 2)
            .then_some(())
    })
    .await;
    id
}

async fn download(world: &World, token: &str, id: &str, format: &str) -> Vec<u8> {
    let url = format!(
        "http://{}/api/v1/reports/{id}?format={format}",
        world.pipeline.endpoints.console
    );
    let answer = world
        .pipeline
        .http
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .expect("it answers");
    assert_eq!(answer.status(), 200, "{format}");
    answer.bytes().await.expect("a body").to_vec()
}

fn check(document: &Value, person: &Person) {
    let records = document["records"].as_array().expect("records");
    let of_person: Vec<&Value> = records
        .iter()
        .filter(|record| record["kind"] == "event")
        .collect();
    assert_eq!(of_person.len(), 2, "{document:#}");
    for record in &of_person {
        let request = record["request"].to_string();
        assert!(
            request.contains(&person.word) && request.contains(&person.mail),
            "{record:#}"
        );
        assert!(
            record["proof"]
                .as_str()
                .is_some_and(|proof| proof.starts_with("c2sp.org/tlog-proof@v1")),
            "{record:#}"
        );
        assert_eq!(
            record["contact"]["subject_email"],
            person.mail.as_str(),
            "{record:#}"
        );
        assert_eq!(record["values_masked"].as_u64() >= Some(2), true, "{record:#}");
    }
    let whole = document.to_string();
    assert!(
        !whole.contains(GUARANTOR),
        "another person's address is shown: {document:#}"
    );
    assert!(
        !whole.contains("clerk@bank.example"),
        "the clerk's address is shown: {document:#}"
    );
    assert_eq!(document["recipients"][0]["provider"], "openai", "{document:#}");
    assert_eq!(document["recipients"][0]["calls"], 2, "{document:#}");
    let decisions = document["automated_decisions"]["items"]
        .as_array()
        .expect("decisions");
    assert_eq!(decisions.len(), 2, "{document:#}");
    assert!(
        whole.contains(&format!("looked at {}", person.word)),
        "the outcome's note is missing: {document:#}"
    );
    let accesses = document["accesses"].as_array().expect("accesses");
    assert!(
        accesses.iter().all(|access| access.get("actor").is_none()),
        "{document:#}"
    );
}

/// After the erasure the export's files are gone.
pub async fn assert_withdrawn(world: &World, token: &str, person: &Person, id: &str) {
    let (status, answer) = world
        .pipeline
        .get(token, &format!("/api/v1/reports/{id}?format=json"))
        .await;
    assert_eq!(status, 409, "{answer}");
    let found = files_with(&world.pipeline.data().join("objects"), &person.word);
    assert!(found.is_empty(), "{found:?}");
}
