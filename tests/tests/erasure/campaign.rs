//! Erase a tenth of the people, kill the process at random moments, restore the oldest backups.

use std::path::Path;

use audit_tests::until;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};

use crate::from_environment;
use crate::people::{Person, World, files_with};

/// Copies the control store; the pipeline must not run.
fn copy_control(from: &Path, to: &Path) {
    for name in ["control.db", "control.db-wal", "control.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
}

async fn report(world: &World, token: &str, request: Value) -> String {
    let (status, job) = world
        .pipeline
        .post(token, "/api/v1/reports/generate", &request)
        .await;
    assert_eq!(status, 202, "{job}");
    let id = job["id"].as_str().expect("an id").to_owned();
    until("the report is made", || async {
        let (_, job) = world.pipeline.get(token, &format!("/api/v1/reports/{id}")).await;
        assert_ne!(job["status"], "failed", "{job}");
        (job["status"] == "done").then_some(())
    })
    .await;
    id
}

/// How far all erasures together are.
async fn progress(world: &World, token: &str) -> (usize, usize) {
    let (status, page) = world.pipeline.get(token, "/api/v1/erasures?limit=200").await;
    assert_eq!(status, 200, "{page}");
    let items = page["items"].as_array().expect("items");
    let steps = items
        .iter()
        .map(|item| item["steps"].as_array().map_or(0, Vec::len))
        .sum();
    (steps, items.iter().filter(|item| item["stage"] == "done").count())
}

/// ERASURE's count, after checking that the whole ledger is proven.
fn verified(world: &World) -> u64 {
    let (exit, report) = world.pipeline.verify();
    assert_eq!(exit, 0, "{report:#}");
    let verdicts = report["verdicts"].as_array().expect("verdicts");
    let erasure = verdicts
        .iter()
        .find(|verdict| verdict["verdict"] == "ERASURE")
        .expect("ERASURE");
    assert_ne!(erasure["status"], "fail", "{report:#}");
    erasure["checked"].as_u64().expect("a count")
}

async fn assert_all(world: &World, erased: &[Person]) {
    let token = world.officer_token(0).await;
    for person in &world.people {
        if erased.iter().any(|one| one.id == person.id) {
            world.assert_erased(&token, person).await;
        } else {
            world.assert_readable(&token, person).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_people_stay_erased_through_kills_and_old_backups() {
    let count = from_environment("AAL_ERASURE_SUBJECTS", 30);
    let kills = from_environment("AAL_ERASURE_KILLS", 2);
    let seed = from_environment("AAL_ERASURE_SEED", u64::from(std::process::id()));
    println!("people {count}, kills {kills}, seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::with_people(count).await;
    let mut erased = world.people.clone();
    erased.shuffle(&mut random);
    erased.truncate((count / 10).max(1) as usize);

    let token = world.officer_token(0).await;
    assert_all(&world, &[]).await;
    let before = world.figures(&token).await;
    let decision = report(
        &world,
        &token,
        json!({"type": "decision", "event_id": erased[0].events[0], "tenant": world.tenant, "format": ["json", "csv"]}),
    )
    .await;
    assert!(!files_with(&world.pipeline.data().join("objects"), &erased[0].word).is_empty());
    assert_eq!(verified(&world), 0, "nothing is erased yet");

    // The oldest backups: of the control store, and of the rows.
    let backup = tempfile::tempdir().expect("a folder");
    world.pipeline.terminate().await;
    copy_control(&world.pipeline.data(), backup.path());
    world.pipeline.restart().await;
    let store = world.pipeline.store();
    for statement in [
        "CREATE TABLE old_copy AS records",
        "INSERT INTO old_copy SELECT * FROM records",
    ] {
        store
            .client()
            .query(statement)
            .execute()
            .await
            .expect("a copy is made");
    }

    let mut ids = Vec::new();
    for person in &erased {
        ids.push(world.ask(person, 2).await);
    }
    let steps_of_one = 9;
    for round in 0..kills {
        let share = ids.len() * steps_of_one * (round as usize + 1) / (kills as usize + 2);
        let moment = share + random.random_range(0..steps_of_one);
        let token = world.officer_token(0).await;
        until("the moment of the kill", || async {
            let (steps, done) = progress(&world, &token).await;
            (steps >= moment || done == ids.len()).then_some(())
        })
        .await;
        println!("round {round}: killed after {:?}", progress(&world, &token).await);
        world.pipeline.kill();
        world.pipeline.restart().await;
    }
    for id in &ids {
        let erasure = world.at_stage(id, "done").await;
        assert_eq!(erasure["trouble"], Value::Null, "{erasure:#}");
        assert_eq!(erasure["identity_check"], "", "{erasure:#}");
    }

    assert_all(&world, &erased).await;
    let token = world.officer_token(0).await;
    let (status, job) = world
        .pipeline
        .get(&token, &format!("/api/v1/reports/{decision}?format=json"))
        .await;
    assert_eq!(status, 409, "the report was withdrawn: {job}");
    assert_eq!(world.figures(&token).await, before, "figures stay to the cent");
    world.pipeline.sealed().await;
    let absent = verified(&world);
    assert!(absent >= erased.len() as u64 * 3, "{absent} absences explained");
    certificates(&world, &token, &ids, &erased).await;

    // Yesterday's copies of the rows and of the control store come back.
    let store = world.pipeline.store();
    for statement in [
        "ALTER TABLE records DELETE WHERE event_id IN (SELECT event_id FROM old_copy) SETTINGS mutations_sync = 2",
        "INSERT INTO records SELECT * FROM old_copy SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0",
        "DROP TABLE old_copy SYNC",
    ] {
        store
            .client()
            .query(statement)
            .execute()
            .await
            .expect("rows are restored");
    }
    assert!(
        world.rows_with(&erased[0].word).await > 0,
        "the restore brought texts back"
    );
    world.pipeline.terminate().await;
    copy_control(backup.path(), &world.pipeline.data());
    world.pipeline.restart().await;
    let token = world.officer_token(0).await;
    until("records are served again", || async {
        let (status, _) = world.pipeline.get(&token, "/api/v1/audit/logs?limit=1").await;
        (status == 200).then_some(())
    })
    .await;
    assert_all(&world, &erased).await;
    assert_eq!(world.figures(&token).await, before, "figures stay to the cent");
    world.pipeline.sealed().await;
    assert!(verified(&world) >= absent);

    // On disk, but for the log, whose retention the certificate states. The store deletes replaced files in its own time.
    until("the files that the restore brought back are deleted", || {
        world.no_replaced_parts()
    })
    .await;
    world.pipeline.terminate().await;
    for person in &erased {
        for place in ["objects", "anchor", "clickhouse", "control.db", "control.db-wal"] {
            let place = world.pipeline.data().join(place);
            let found = if place.is_dir() {
                files_with(&place, &person.word)
            } else {
                let bytes = std::fs::read(&place).unwrap_or_default();
                let is_there = bytes
                    .windows(person.word.len())
                    .any(|window| window == person.word.as_bytes());
                is_there
                    .then(|| place.display().to_string())
                    .into_iter()
                    .collect()
            };
            assert!(found.is_empty(), "{} stands in {found:?}", person.word);
        }
        assert!(
            !world.pipeline.output().contains(&person.word),
            "a log names {}",
            person.word
        );
    }
}

/// Every certificate is signed by the key that the trust policy names, and says nothing of the person.
async fn certificates(world: &World, token: &str, ids: &[String], erased: &[Person]) {
    let policy =
        std::fs::read_to_string(world.pipeline.data().join("trust-policy.toml")).expect("the policy");
    let policy = aal_ledger::TrustPolicy::parse(&policy).expect("a policy");
    for (id, person) in ids.iter().zip(erased) {
        let part = |format: &'static str| async move {
            let url = format!(
                "http://{}/api/v1/erasures/{id}/certificate?format={format}",
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
            assert_eq!(answer.status(), 200);
            answer.bytes().await.expect("a body").to_vec()
        };
        let (json, note) = (part("json").await, part("note").await);
        aal_erasure::check_certificate(&json, &note, &policy.receipt_keys).expect("signed by the pinned key");
        let mut forged = json.clone();
        let at = forged.len() / 2;
        forged[at] = forged[at].wrapping_add(1);
        assert!(aal_erasure::check_certificate(&forged, &note, &policy.receipt_keys).is_err());
        let text = String::from_utf8(json).expect("UTF-8");
        for secret in [&person.word, &person.mail, &person.id] {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["erasure"], id.as_str());
        assert!(
            document["subject_key_ids"]
                .as_array()
                .is_some_and(|keys| !keys.is_empty()),
            "{document:#}"
        );
        assert_eq!(document["records"]["emptied"], 3, "{document:#}");
    }
}
