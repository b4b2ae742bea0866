//! Personal data in every place where an application can put it, and then a search through everything that was written:
//! files, tables, logs, metrics, answers, reports.

mod corpus;
mod roles;
mod sweep;

use audit_tests::{Pipeline, Start, until};
use corpus::Corpus;
use serde_json::json;
use sweep::Sweep;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_written_in_the_clear_anywhere() {
    let pipeline = Pipeline::start(Start::default()).await;
    let token = pipeline.token().await;
    let key = pipeline.api_key(&token, "desk").await;
    let corpus = Corpus::load();
    let mut sweep = Sweep::new(&corpus);

    let mut sent = 0;
    for event in roles::events(&corpus) {
        let answer = roles::post(&pipeline, &key, event.to_string()).await;
        sweep.text("answer to an event", &answer.1);
        assert_eq!(answer.0, 201, "{}", answer.1);
        sent += 1;
    }
    for (what, body) in roles::refused(&corpus) {
        let (status, text) = roles::post(&pipeline, &key, body).await;
        assert!((400..500).contains(&status), "{what}: {status} {text}");
        sweep.text(what, &text);
    }
    let garbage = roles::straight_to_kafka(&pipeline, &corpus).await;
    until("everything is recorded", || async {
        let events = pipeline.count("kind = 'event' AND application = 'desk'").await;
        let rejected = pipeline.count("kind = 'rejected'").await;
        (events == sent && rejected == garbage).then_some(())
    })
    .await;
    assert_eq!(pipeline.count("kind = 'withheld'").await, 0);

    questions(&pipeline, &token, &corpus, &mut sweep).await;
    reports(&pipeline, &token, &mut sweep).await;
    pipeline.sealed().await;
    let (verified, report) = pipeline.verify();
    assert!(verified == 0 || verified == 3, "{report}");
    sweep.text("output of audit verify", &report.to_string());

    sweep.text("log", &pipeline.output());
    sweep.tables(&pipeline).await;
    sweep.files(&pipeline.data());
    for address in [pipeline.endpoints.console, pipeline.endpoints.edge] {
        for path in ["/metrics", "/readyz", "/healthz"] {
            let url = format!("http://{address}{path}");
            let answer = pipeline.http.get(&url).send().await.expect("it answers");
            sweep.text(path, &answer.text().await.expect("a text"));
        }
    }
    sweep.assert_clean();

    // The search would have found something: what was sealed opens again for who may see it.
    let (_, page) = pipeline
        .get(&token, "/api/v1/audit/logs?application=desk&limit=1&has_pii=true")
        .await;
    let id = page["items"][0]["event_id"]
        .as_str()
        .expect("an event")
        .to_owned();
    let (status, opened) = pipeline
        .get(
            &token,
            &format!("/api/v1/audit/logs/{id}?reveal=check%20of%20the%20test"),
        )
        .await;
    assert_eq!(status, 200, "{opened}");
    let mut check = Sweep::new(&corpus);
    check.text("a revealed record", &opened["revealed"].to_string());
    assert!(check.has_found_something(), "{}", opened["revealed"]);
}

/// Reads and refusals of the query API, most of them with personal data in the question.
async fn questions(pipeline: &Pipeline, token: &str, corpus: &Corpus, sweep: &mut Sweep<'_>) {
    let (_, page) = pipeline
        .get(token, "/api/v1/audit/logs?application=desk&limit=500")
        .await;
    sweep.text("list", &page.to_string());
    let items = page["items"].as_array().expect("a list").clone();
    for item in &items {
        let id = item["event_id"].as_str().expect("an id");
        let (status, detail) = pipeline.get(token, &format!("/api/v1/audit/logs/{id}")).await;
        assert_eq!(status, 200, "{detail}");
        sweep.text("detail", &detail.to_string());
    }
    for path in [
        "/api/v1/audit/sessions",
        "/api/v1/metrics?group_by=model",
        "/api/v1/access-log",
        "/api/v1/models",
    ] {
        let (status, answer) = pipeline.get(token, path).await;
        assert_eq!(status, 200, "{path}: {answer}");
        sweep.text(path, &answer.to_string());
    }
    for value in corpus.own.iter().take(8).map(String::as_str) {
        for (path, query) in [
            ("/api/v1/audit/logs", [("user_id", value)]),
            ("/api/v1/audit/logs", [("q", value)]),
            ("/api/v1/audit/logs", [("from", value)]),
            ("/api/v1/audit/logs", [("cursor", value)]),
            ("/api/v1/audit/logs", [(value, "1")]),
            ("/api/v1/audit/sessions", [("limit", value)]),
        ] {
            let url = format!("http://{}{path}", pipeline.endpoints.console);
            let answer = pipeline.http.get(url).query(&query).bearer_auth(token).send();
            let text = answer.await.expect("it answers").text().await.expect("a text");
            sweep.text("answer to a question", &text);
        }
        let mut url = reqwest::Url::parse(&format!("http://{}", pipeline.endpoints.console)).expect("a URL");
        for folder in ["api/v1/audit/logs", "api/v1/checkpoints", "api/v1/reports", value] {
            url.set_path(&format!("{folder}/{value}"));
            let answer = pipeline.http.get(url.clone()).bearer_auth(token).send();
            let text = answer.await.expect("it answers").text().await.expect("a text");
            sweep.text("answer to a path", &text);
        }
        for (path, body) in [
            ("/api/v1/reports/generate", json!({"type": value})),
            (
                "/api/v1/reports/generate",
                json!({"type": "range", "from": value, "to": value}),
            ),
            (
                "/api/v1/applications",
                json!({"name": "x", "policy": {"entities": {value: "keep"}}}),
            ),
            (
                "/api/v1/applications",
                json!({"name": "x", value: 1, "phi": value}),
            ),
            ("/api/v1/auth/login", json!({"email": value, "password": value})),
        ] {
            let (status, answer) = pipeline.post(token, path, &body).await;
            assert!((400..500).contains(&status), "{path}: {status} {answer}");
            sweep.text("answer to a body", &answer.to_string());
        }
    }
    // Reasons, notes and outcomes are texts like all others.
    let id = items[0]["event_id"].as_str().expect("an id");
    let note = format!("Spoke with {} about it", corpus.own.join(" and "));
    let outcome = json!({"outcome": "overridden", "override": true, "note": note, "reviewer": corpus.own[0]});
    let (status, answer) = pipeline
        .post(token, &format!("/api/v1/audit/logs/{id}/outcomes"), &outcome)
        .await;
    assert_eq!(status, 201, "{answer}");
    sweep.text("answer to an outcome", &answer.to_string());
    let url = format!("http://{}/api/v1/audit/logs/{id}", pipeline.endpoints.console);
    let reveal = pipeline
        .http
        .get(url)
        .query(&[("reveal", &note)])
        .bearer_auth(token)
        .send();
    assert_eq!(reveal.await.expect("it answers").status(), 200);
    until("the access is recorded", || async {
        let reveals = "kind = 'access' AND JSONExtractString(header, 'action') = 'reveal'";
        (pipeline.count(reveals).await > 0).then_some(())
    })
    .await;
    let (_, log) = pipeline.get(token, "/api/v1/access-log?limit=500").await;
    sweep.text("access log", &log.to_string());
}

/// Every format of a report over all of it.
async fn reports(pipeline: &Pipeline, token: &str, sweep: &mut Sweep<'_>) {
    let (_, tenants) = pipeline.get(token, "/api/v1/tenants").await;
    let request = json!({"type": "range", "from": "2026-01-01T00:00:00Z", "to": "2026-12-31T00:00:00Z",
                         "tenant": tenants["tenants"][0]["id"], "format": ["pdf", "csv", "json"]});
    let (status, job) = pipeline.post(token, "/api/v1/reports/generate", &request).await;
    assert_eq!(status, 202, "{job}");
    let id = job["id"].as_str().expect("an id").to_owned();
    until("the report is finished", || async {
        let (_, job) = pipeline.get(token, &format!("/api/v1/reports/{id}")).await;
        assert_ne!(job["status"], "failed", "{job}");
        (job["status"] == "done").then_some(())
    })
    .await;
    for format in ["pdf", "csv", "json"] {
        let url = format!(
            "http://{}/api/v1/reports/{id}?format={format}",
            pipeline.endpoints.console
        );
        let answer = pipeline
            .http
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .expect("it answers");
        assert_eq!(answer.status(), 200, "{format}");
        let bytes = answer.bytes().await.expect("a body");
        if format == "pdf" {
            sweep.text("report as PDF", &sweep::text_of_pdf(&bytes));
        } else {
            sweep.bytes("report", &bytes);
        }
    }
}
