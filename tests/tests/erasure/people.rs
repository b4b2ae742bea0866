//! People with recorded decisions, officers who act, and what can be read of whom.

use std::path::Path;

use aal_client::Client;
use audit_tests::{Pipeline, Start, until};
use serde_json::{Value, json};
use uuid::Uuid;

pub const APPLICATION: &str = "erasure-desk";

/// Somebody else, whose address stands in everybody's texts.
pub const GUARANTOR: &str = "guarantor@elsewhere.example";

/// One person with two decisions.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    /// A word of their texts that no detector takes for personal data: it stands in the templates.
    pub word: String,
    /// An address in their texts, which is sealed.
    pub mail: String,
    pub events: [Uuid; 2],
}

/// A running pipeline with people and two officers.
pub struct World {
    pub pipeline: Pipeline,
    pub tenant: Value,
    pub people: Vec<Person>,
    officers: [(String, String); 2],
}

fn event(person: &Person, number: usize) -> Value {
    let text = format!(
        "case {} of customer at {}, guarantor {GUARANTOR}: may it be granted?",
        person.word, person.mail
    );
    let answer = json!({"model": "gpt-4o", "choices": [{"message": {"role": "assistant",
        "content": format!("{} is granted", person.word)}}],
        "usage": {"prompt_tokens": 100 + number, "completion_tokens": 20}});
    json!({
        "event_id": person.events[number], "application": APPLICATION, "provider": "openai",
        "decision_type": "credit", "session_id": format!("s-{}", person.id), "user_id": "clerk-7",
        "user_email": "clerk@bank.example", "subject": {"id": person.id, "email": person.mail},
        "request": {"body": json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}).to_string()},
        "response": {"status": 200, "content_type": "application/json", "body": answer.to_string()},
    })
}

impl World {
    /// Starts, makes `count` people and waits until all their decisions are stored and sealed.
    pub async fn with_people(count: u64) -> World {
        let start = Start {
            erasure_settle_ms: Some(3_000),
            ..Start::default()
        };
        let pipeline = Pipeline::start(start).await;
        // The engine keeps replaced files for eight minutes; here for a second.
        let keep = "ALTER TABLE records MODIFY SETTING old_parts_lifetime = 1";
        pipeline
            .store()
            .client()
            .query(keep)
            .execute()
            .await
            .expect("the setting is changed");
        let token = pipeline.token().await;
        let output = pipeline.audit(&["demo", "--decisions", "10", "--end", "2026-06-01T00:00:00Z"]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let tenants = pipeline.get(&token, "/api/v1/tenants").await.1;
        let tenant = tenants["tenants"][0]["id"].clone();
        let key = pipeline.api_key(&token, APPLICATION).await;
        let client = Client::new(&format!("http://{}", pipeline.endpoints.edge), &key).expect("a client");
        let people: Vec<Person> = (0..count)
            .map(|number| Person {
                id: format!("customer-{number:05}"),
                word: format!("zebra{number:05}kilo"),
                mail: format!("person{number:05}@mail.example"),
                events: [Uuid::now_v7(), Uuid::now_v7()],
            })
            .collect();
        for person in &people {
            for number in 0..2 {
                client
                    .record(&event(person, number))
                    .await
                    .expect("the edge takes it");
            }
        }
        let mut world = World {
            pipeline,
            tenant,
            people,
            officers: Default::default(),
        };
        for (place, name) in ["first", "second"].into_iter().enumerate() {
            world.officers[place] = world.officer(&token, name).await;
        }
        for person in world.people.clone() {
            let note = json!({"outcome": "granted", "note": format!("looked at {}", person.word)});
            let path = format!("/api/v1/audit/logs/{}/outcomes", person.events[0]);
            until("the decision can be judged", || async {
                let (status, answer) = world.pipeline.post(&token, &path, &note).await;
                assert!(status == 201 || status == 404, "{answer}");
                (status == 201).then_some(())
            })
            .await;
        }
        until("everything is stored", || async {
            let events = format!("application = '{APPLICATION}' AND kind IN ('event', 'outcome')");
            (world.pipeline.count(&events).await == 3 * count).then_some(())
        })
        .await;
        world.pipeline.sealed().await;
        world
    }

    async fn officer(&self, admin: &str, name: &str) -> (String, String) {
        let email = format!("{name}@officers.example");
        let body = json!({"email": email, "role": "compliance_officer", "tenant": "*"});
        let (status, user) = self.pipeline.post(admin, "/api/v1/users", &body).await;
        assert_eq!(status, 201, "{user}");
        (email, user["password"].as_str().expect("a password").to_owned())
    }

    /// A token of officer 0 or 1.
    pub async fn officer_token(&self, number: usize) -> String {
        let (email, password) = &self.officers[number];
        let body = json!({"email": email, "password": password});
        let (status, answer) = self.pipeline.post("", "/api/v1/auth/login", &body).await;
        assert_eq!(status, 200, "{answer}");
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Asks for the erasure of a person; with `consents` officers who cut the waiting time short.
    pub async fn ask(&self, person: &Person, consents: usize) -> String {
        let token = self.officer_token(0).await;
        let body = json!({"tenant": self.tenant, "identity_check": "passport seen at the desk",
                          "reason": "asked by letter"});
        let path = format!("/api/v1/subjects/{}/erasure", person.id);
        let (status, answer) = self.pipeline.post(&token, &path, &body).await;
        assert_eq!(status, 201, "{answer}");
        let id = answer["id"].as_str().expect("an id").to_owned();
        for number in 0..consents {
            let token = self.officer_token(number).await;
            let path = format!("/api/v1/erasures/{id}/override");
            let (status, answer) = self
                .pipeline
                .post(&token, &path, &json!({"reason": "the person leaves the country"}))
                .await;
            assert_eq!(status, 200, "{answer}");
        }
        id
    }

    pub async fn erasure(&self, token: &str, id: &str) -> Value {
        let (status, answer) = self.pipeline.get(token, &format!("/api/v1/erasures/{id}")).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Waits until the erasure is at a stage.
    pub async fn at_stage(&self, id: &str, stage: &str) -> Value {
        let token = self.officer_token(0).await;
        until(&format!("erasure {id} is {stage}"), || async {
            let erasure = self.erasure(&token, id).await;
            (erasure["stage"] == stage).then_some(erasure)
        })
        .await
    }

    /// Everything that the query API shows of a person's first decision, values revealed.
    pub async fn shown(&self, token: &str, person: &Person) -> Value {
        let path = format!("/api/v1/audit/logs/{}?reveal=campaign", person.events[0]);
        let (status, answer) = self.pipeline.get(token, &path).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Rows in which a word stands in any text, whoever asks the store directly.
    pub async fn rows_with(&self, word: &str) -> u64 {
        let columns = [
            "request_body",
            "response_body",
            "search_text",
            "attributes",
            "user_id",
            "session_id",
            "header",
        ];
        let any: Vec<String> = columns
            .iter()
            .map(|column| format!("position({column}, '{word}') > 0"))
            .collect();
        self.pipeline.count(&any.join(" OR ")).await
    }

    /// Nothing of the person can be read any more, by any path.
    pub async fn assert_erased(&self, token: &str, person: &Person) {
        let shown = self.shown(token, person).await;
        assert_eq!(shown["erased"], true, "{shown:#}");
        let text = shown.to_string();
        for secret in [&person.word, &person.mail, &person.id] {
            assert!(!text.contains(secret.as_str()), "{secret} is shown in {shown:#}");
        }
        for answer in [
            format!("/api/v1/audit/logs?q={}", person.word),
            format!("/api/v1/audit/logs?subject={}", person.id),
            format!("/api/v1/audit/sessions?session_id=s-{}", person.id),
        ] {
            let (status, page) = self.pipeline.get(token, &answer).await;
            assert!(status == 200 || status == 400, "{page}");
            assert!(!page.to_string().contains(&person.word), "{answer}: {page}");
            assert!(
                status != 200 || page["items"].as_array().is_some_and(Vec::is_empty),
                "{answer}: {page}"
            );
        }
        assert_eq!(self.rows_with(&person.word).await, 0, "{}", person.word);
        let path = format!("/api/v1/subjects/{}/erasure", person.id);
        let (status, _) = self
            .pipeline
            .get(token, &format!("{path}?tenant={}", self.tenant.as_str().unwrap()))
            .await;
        assert_eq!(status, 404, "the directory still knows {}", person.id);
    }

    /// The person's texts and sealed values can be read.
    pub async fn assert_readable(&self, token: &str, person: &Person) {
        let shown = self.shown(token, person).await;
        assert_eq!(shown["erased"], false, "{shown:#}");
        assert!(
            shown["request"]["body"].to_string().contains(&person.word),
            "{shown:#}"
        );
        assert!(shown["revealed"].to_string().contains(&person.mail), "{shown:#}");
        // Two decisions with request, answer and search text, and the note of the outcome.
        assert_eq!(self.rows_with(&person.word).await, 3, "{}", person.word);
    }

    /// Whether the record store has deleted the files of every part that a mutation or a merge replaced.
    pub async fn no_replaced_parts(&self) -> Option<()> {
        let store = self.pipeline.store();
        // On an idle table the store looks for such files every five minutes only; this wakes it.
        let nudge = store.client().query("SYSTEM START CLEANUP records");
        nudge.execute().await.expect("the store is woken");
        let parts = "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'records' AND NOT active";
        let left: u64 = store.client().query(parts).fetch_one().await.expect("a count");
        (left == 0).then_some(())
    }

    /// Calls, tokens and cost of the application, and of everything.
    pub async fn figures(&self, token: &str) -> Value {
        let mut all = Vec::new();
        for filter in [format!("&application={APPLICATION}"), String::new()] {
            let path =
                format!("/api/v1/metrics?interval=month&from=2026-01-01T00:00:00Z&group_by=model{filter}");
            let (status, answer) = self.pipeline.get(token, &path).await;
            assert_eq!(status, 200, "{answer}");
            all.push(answer["totals"].clone());
        }
        Value::Array(all)
    }
}

/// Files below `folder` that hold `word` in the clear.
pub fn files_with(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, word));
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            if bytes.windows(word.len()).any(|window| window == word.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}
