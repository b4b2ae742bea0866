//! The console in a real browser: every view is opened and photographed; any error in it fails the test.

use std::path::PathBuf;

use audit_tests::{Pipeline, Start, repository, until};

#[tokio::test(flavor = "multi_thread")]
async fn every_view_opens_without_an_error() {
    let console = repository::root().join("dashboards/console");
    let console_dir = std::env::var_os("AAL_CONSOLE_DIR").map_or_else(|| console.join("dist"), PathBuf::from);
    assert!(
        console_dir.join("index.html").exists(),
        "the console is not built; run `make console`"
    );
    let pipeline = Pipeline::start(Start {
        console_dir: Some(console_dir),
        ..Start::default()
    })
    .await;
    let output = pipeline.audit(&["demo", "--decisions", "300"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    until("the demo is stored", || async {
        (pipeline.count("kind = 'event'").await == 300).then_some(())
    })
    .await;
    pipeline.sealed().await;
    let url = format!("http://{}", pipeline.endpoints.console);
    let password = pipeline.password.clone();
    let walked = tokio::task::spawn_blocking(move || {
        std::process::Command::new("npm")
            .args(["run", "--silent", "e2e"])
            .current_dir(console)
            .env("AAL_CONSOLE_URL", url)
            .env("AAL_EMAIL", "admin@audit.local")
            .env("AAL_PASSWORD", password)
            .output()
            .expect("npm runs")
    })
    .await
    .expect("no panic");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&walked.stdout),
        String::from_utf8_lossy(&walked.stderr)
    );
    assert!(walked.status.success(), "{text}\n{}", pipeline.output());
}
