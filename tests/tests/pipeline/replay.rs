//! Real recorded exchanges go in at the front door and are found once, priced and clean.

use std::{collections::BTreeMap, io::Write, path::Path, process::Stdio};

use audit_tests::{Pipeline, Start, bin, recordings, until};
use serde_json::Value;

const FILES: [&str; 3] = ["openai.jsonl", "anthropic.jsonl", "azure.jsonl"];

/// What `audit normalise` makes of the same exchanges: an independent path to the same facts.
fn normalised() -> BTreeMap<String, Value> {
    let mut by_id = BTreeMap::new();
    for file in FILES {
        let text = std::fs::read(recordings(file)).expect("the recordings are beside the checkout");
        let mut child = std::process::Command::new(bin("audit"))
            .arg("normalise")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("audit runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        let writer = std::thread::spawn(move || stdin.write_all(&text));
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("no panic").expect("it reads");
        assert!(output.status.success());
        for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
            let value: Value = serde_json::from_str(line).expect("JSON");
            by_id.insert(value["id"].as_str().expect("an id").to_owned(), value);
        }
    }
    by_id
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Facts {
    provider: String,
    model: String,
    status: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost: String,
}

fn trimmed(decimal: &str) -> String {
    if decimal.contains('.') {
        decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        decimal.to_owned()
    }
}

/// Replays into `pipeline` and compares every stored record with what `audit normalise` says.
pub async fn replays_exactly_once(pipeline: &Pipeline) {
    let files: Vec<String> = FILES
        .iter()
        .map(|file| recordings(file).display().to_string())
        .collect();
    let mut arguments = vec!["replay", "--json"];
    arguments.extend(files.iter().map(String::as_str));
    let output = pipeline.audit(&arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let expected = normalised();
    let summary: Value = serde_json::from_slice(&output.stdout).expect("a summary");
    assert_eq!(summary["recorded"].as_u64(), Some(expected.len() as u64));

    let token = pipeline.token().await;
    let count = expected.len() as u64;
    until("every exchange is stored", || async {
        (pipeline.count("kind = 'event' AND application = 'replay'").await == count).then_some(())
    })
    .await;
    let mut found = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/audit/logs?application=replay&limit=50{cursor}");
        let (status, page) = pipeline.get(&token, &path).await;
        assert_eq!(status, 200, "{page}");
        for item in page["items"].as_array().expect("items") {
            assert!(
                ids.insert(item["event_id"].as_str().expect("an id").to_owned()),
                "{item} came twice"
            );
            found.push(Facts {
                provider: item["provider"].as_str().unwrap_or_default().to_owned(),
                model: item["model"].as_str().unwrap_or_default().to_owned(),
                status: item["status"].as_u64().unwrap_or_default(),
                input_tokens: item["input_tokens"].as_u64().unwrap_or_default(),
                output_tokens: item["output_tokens"].as_u64().unwrap_or_default(),
                cost: trimmed(item["cost"].as_str().unwrap_or_default()),
            });
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut wanted: Vec<Facts> = expected
        .values()
        .map(|line| Facts {
            provider: line["provider"].as_str().unwrap_or_default().to_owned(),
            model: line["model"]
                .as_str()
                .or(line["model_requested"].as_str())
                .unwrap_or_default()
                .to_owned(),
            status: line["status"].as_u64().unwrap_or_default(),
            input_tokens: line["usage"]["input_tokens"].as_u64().unwrap_or_default(),
            output_tokens: line["usage"]["output_tokens"].as_u64().unwrap_or_default(),
            cost: trimmed(line["cost"].as_str().unwrap_or_default()),
        })
        .collect();
    found.sort();
    wanted.sort();
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found, wanted);
    }
    assert!(
        found.iter().filter(|facts| !facts.cost.is_empty()).count() > 20,
        "hardly anything is priced"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_exchanges_are_found_once_and_priced() {
    let pipeline = Pipeline::start(Start::default()).await;
    replays_exactly_once(&pipeline).await;
    // Once more: the same ids with the same content are recorded once, each delivery accounted for.
    let again = pipeline.audit(&["replay", &recordings("azure.jsonl").display().to_string()]);
    assert!(again.status.success());
    let azure = std::fs::read_to_string(recordings("azure.jsonl"))
        .expect("recordings")
        .lines()
        .count() as u64;
    until("repeats are accounted for", || async {
        (pipeline.count("kind = 'duplicate'").await == azure).then_some(())
    })
    .await;
    assert_eq!(pipeline.count("kind = 'conflict'").await, 0);
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");
    assert!(report["records"].as_u64().expect("a count") >= azure);
}

/// Values that must not be found in any file that the pipeline wrote, but for the broker's: the raw topic
/// `audit.events` is short-lived by design.
#[tokio::test(flavor = "multi_thread")]
async fn personal_data_and_credentials_stay_out_of_every_file() {
    let mut pipeline = Pipeline::start(Start::default()).await;
    let token = pipeline.token().await;
    pipeline.audit(&["replay", &recordings("azure.jsonl").display().to_string()]);
    let key = pipeline.api_key(&token, "clean").await;
    // Built here, so that no string shaped like a secret stands in the repository.
    let provider_key = format!("sk-{}{}", "proj-", "Zk9".repeat(16));
    let secrets = [
        "margarete.halloway@example.com".to_owned(),
        format!("4111{}", "111111111111"),
        format!("DE89{}", "370400440532013000"),
        format!("{}-{}-{}", "536", "90", "4399"),
        provider_key.clone(),
        "203.0.113.77".to_owned(),
        "ursula.meadow@example.org".to_owned(),
    ];
    let prompt = format!(
        "Customer {} paid with card {} from account {}. SSN {}. Our key is {}.",
        secrets[0], secrets[1], secrets[2], secrets[3], secrets[4]
    );
    let event = serde_json::json!({
        "application": "clean", "provider": "openai", "user_email": secrets[6], "ip_address": secrets[5],
        "request": {"method": "POST", "url": format!("https://api.openai.com/v1/chat/completions?api-key={provider_key}"),
                    "body": serde_json::json!({"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}]}).to_string()},
        "response": {"status": 200, "content_type": "application/json", "body": "{\"model\":\"gpt-4o\",\"choices\":[]}"},
    });
    let url = format!("http://{}/api/v1/audit/log", pipeline.endpoints.edge);
    let answer = pipeline
        .http
        .post(url)
        .bearer_auth(&key)
        .json(&event)
        .send()
        .await
        .expect("it answers");
    assert_eq!(answer.status(), 201);
    until("the event is stored", || async {
        (pipeline.count("application = 'clean'").await == 1).then_some(())
    })
    .await;
    assert_eq!(
        pipeline
            .count("application = 'clean' AND has(mapKeys(pii), 'CREDIT_CARD')")
            .await,
        1
    );
    assert!(pipeline.terminate().await.success());

    let data = pipeline.data();
    let mut files = vec![data.parent().expect("a parent").join("output")];
    collect(&data, &data.join("broker"), &mut files);
    assert!(files.len() > 10, "only {} files were written", files.len());
    for file in files {
        let bytes = std::fs::read(&file).expect("readable");
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a value that was to be removed", file.display());
        }
    }
}

fn collect(folder: &Path, except: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        if path == except {
            continue;
        }
        if path.is_dir() {
            collect(&path, except, files)
        } else {
            files.push(path)
        }
    }
}
