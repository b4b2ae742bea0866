//! Legal holds block erasure until they are released; retention has its minimums; roles are kept apart.

use aal_client::Client;
use serde_json::{Value, json};

use audit_tests::until;

use crate::export;
use crate::people::{APPLICATION, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_blocks_erasure_and_everything_is_in_the_ledger() {
    let world = World::with_people(3).await;
    let officer = world.officer_token(0).await;
    let admin = world.pipeline.token().await;
    let pipeline = &world.pipeline;
    let (held, free) = (&world.people[0], &world.people[1]);

    let hold = json!({"tenant": world.tenant, "subject": held.id, "reason": "litigation 4711"});
    assert_eq!(pipeline.post(&admin, "/api/v1/legal-holds", &hold).await.0, 403);
    let without_reason = json!({"tenant": world.tenant, "subject": held.id});
    let (status, problem) = pipeline
        .post(&officer, "/api/v1/legal-holds", &without_reason)
        .await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (400, &json!("/reason"))
    );
    let (status, hold) = pipeline.post(&officer, "/api/v1/legal-holds", &hold).await;
    assert_eq!(status, 201, "{hold}");
    assert!(
        !hold.to_string().contains(&held.id),
        "a hold does not say whom it protects"
    );

    let id = world.ask(held, 2).await;
    let erasure = world.at_stage(&id, "held").await;
    assert_eq!(erasure["decisions"][0]["legal_holds"], json!([hold["id"]]));
    let again = json!({"tenant": world.tenant, "identity_check": "x", "reason": "y"});
    let path = format!("/api/v1/subjects/{}/erasure", held.id);
    assert_eq!(
        pipeline.post(&officer, &path, &again).await.0,
        409,
        "one request at a time"
    );
    world.assert_readable(&officer, held).await;

    // Nobody else is held; what was exported of them goes with them.
    let export = export::of_person(&world, &officer, free).await;
    let other = world.ask(free, 2).await;
    let done = world.at_stage(&other, "done").await;
    let job = done["certificate"]["report"]
        .as_str()
        .expect("a report")
        .to_owned();
    until("the certificate is rendered", || async {
        let (_, job) = pipeline.get(&officer, &format!("/api/v1/reports/{job}")).await;
        assert_ne!(job["status"], "failed", "{job}");
        (job["status"] == "done").then_some(())
    })
    .await;
    world.assert_erased(&officer, free).await;
    world.assert_readable(&officer, held).await;
    export::assert_withdrawn(&world, &officer, free, &export).await;

    let path = format!(
        "/api/v1/legal-holds/{}/release",
        hold["id"].as_str().expect("an id")
    );
    assert_eq!(
        pipeline.post(&admin, &path, &json!({"reason": "no"})).await.0,
        403
    );
    let (status, released) = pipeline
        .post(&officer, &path, &json!({"reason": "settled"}))
        .await;
    assert_eq!((status, &released["active"]), (200, &json!(false)));
    assert_eq!(
        pipeline
            .post(&officer, &path, &json!({"reason": "settled"}))
            .await
            .0,
        409
    );
    world.at_stage(&id, "done").await;
    world.assert_erased(&officer, held).await;

    // A request that waits, one person's consent, and a refusal.
    let waiting = world.ask(&world.people[2], 1).await;
    assert_eq!(world.erasure(&officer, &waiting).await["stage"], "waiting");
    let path = format!("/api/v1/erasures/{waiting}/override");
    assert_eq!(
        pipeline
            .post(&officer, &path, &json!({"reason": "again"}))
            .await
            .0,
        409
    );
    let path = format!("/api/v1/erasures/{waiting}/decision");
    let (status, refused) = pipeline
        .post(
            &officer,
            &path,
            &json!({"outcome": "refused", "reason": "article 17(3)(b)"}),
        )
        .await;
    assert_eq!((status, &refused["stage"]), (200, &json!("refused")));
    world.assert_readable(&officer, &world.people[2]).await;
    let (status, _) = pipeline
        .get(&officer, &format!("/api/v1/erasures/{waiting}/certificate"))
        .await;
    assert_eq!(status, 409, "what was not erased has no certificate");

    until("the ledger holds every step", || async {
        let holds = pipeline.count("kind = 'legal_hold'").await;
        let done = pipeline.count("kind = 'erasure_done'").await;
        let requests = pipeline.count("kind = 'erasure_request'").await;
        // Three requests, five consents, held + 3 decisions, two completions.
        (holds == 2 && done == 2 && requests == 3 + 5 + 4 + 2).then_some(())
    })
    .await;
    let words = "position(header, 'passport') > 0 OR position(header, 'litigation') > 0";
    assert_eq!(
        pipeline.count(words).await,
        0,
        "people's words stand in no header"
    );

    retention(&world, &officer).await;
    a_new_event_gets_a_new_key(&world, &officer, &admin).await;
}

async fn retention(world: &World, officer: &str) {
    let put = async |body: Value| {
        let url = format!("http://{}/api/v1/retention", world.pipeline.endpoints.console);
        let request = world.pipeline.http.put(url).bearer_auth(officer).json(&body);
        let answer = request.send().await.expect("it answers");
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.expect("JSON"),
        )
    };
    for (class, days) in [("standard", 182), ("phi", 2191), ("phi", 36_526)] {
        let (status, problem) = put(json!({"tenant": world.tenant, "class": class, "days": days})).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (400, &json!("/days")),
            "{problem}"
        );
    }
    let (status, rule) =
        put(json!({"tenant": world.tenant, "application": APPLICATION, "class": "standard", "days": 183}))
            .await;
    assert_eq!(status, 200, "{rule}");
    let (_, rules) = world.pipeline.get(officer, "/api/v1/retention").await;
    assert_eq!(rules["items"][0]["days"], 183, "{rules}");
}

/// What an erased person does later is theirs again, under another key.
async fn a_new_event_gets_a_new_key(world: &World, officer: &str, admin: &str) {
    let person = &world.people[1];
    let key = world.pipeline.api_key(admin, APPLICATION).await;
    let client = Client::new(&format!("http://{}", world.pipeline.endpoints.edge), &key).expect("a client");
    let event = json!({"application": APPLICATION, "provider": "openai", "subject": {"id": person.id},
        "request": {"body": json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "anew"}]}).to_string()},
        "response": {"status": 200, "body": "{}"}});
    client.record(&event).await.expect("the edge takes it");
    let path = format!("/api/v1/audit/logs?subject={}", person.id);
    let page = until("the new event is stored", || async {
        let (_, page) = world.pipeline.get(officer, &path).await;
        (page["items"].as_array().is_some_and(|items| items.len() == 1)).then_some(page)
    })
    .await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    world.pipeline.sealed().await;
    let (exit, report) = world.pipeline.verify();
    assert_eq!(exit, 0, "{report:#}");
}
