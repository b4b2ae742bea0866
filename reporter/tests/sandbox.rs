//! What the sandbox around `wkhtmltopdf` holds back: scripts, the network, local files, endless work.

use std::io::ErrorKind;
use std::net::TcpListener;

use reporter::pdf::{Isolation, NamespaceIsolation, PdfError, PdfLimits, PdfRenderer};

const LIMITS: PdfLimits = PdfLimits {
    html_bytes_max: 8 * 1024 * 1024,
    pdf_bytes_max: 16 * 1024 * 1024,
    wall_ms: 60_000,
    cpu_s: 30,
    memory_bytes: 3 * 1024 * 1024 * 1024,
};

/// Every mode this machine can run in, the strongest first.
async fn renderers() -> Vec<PdfRenderer> {
    let strongest = PdfRenderer::probe(LIMITS, false).await.unwrap();
    let weakest = Isolation {
        namespaces: NamespaceIsolation::None,
        landlock: false,
    };
    let mut isolations = vec![
        weakest,
        Isolation {
            namespaces: NamespaceIsolation::None,
            landlock: true,
        },
    ];
    if rustix::process::geteuid().is_root() {
        // What a root process in a container that forbids user namespaces gets.
        isolations.push(Isolation {
            namespaces: NamespaceIsolation::Privileged,
            landlock: true,
        });
    }
    let others = isolations
        .into_iter()
        .map(|isolation| PdfRenderer::with_isolation(isolation, LIMITS).unwrap());
    [strongest].into_iter().chain(others).collect()
}

/// The text of a PDF as a reader would select it.
fn text_of(pdf: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.pdf");
    std::fs::write(&path, pdf).unwrap();
    let output = std::process::Command::new("pdftotext")
        .arg("-layout")
        .arg(&path)
        .arg("-")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A listener that nobody may reach.
struct Tripwire(TcpListener);

impl Tripwire {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self) -> String {
        format!("http://{}/leak", self.0.local_addr().unwrap())
    }

    fn assert_untouched(&self) {
        let error = self.0.accept().expect_err("the renderer opened a connection");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

#[tokio::test]
async fn plain_text_is_rendered_and_selectable() {
    for renderer in renderers().await {
        let html =
            "<html><head><meta charset='utf-8'></head><body><p>Straße 42 £ € “quoted”</p></body></html>";
        let pdf = renderer.render(html.to_owned()).await.unwrap();
        assert!(
            text_of(&pdf).contains("Straße 42 £ € “quoted”"),
            "{:?}",
            renderer.isolation()
        );
    }
}

#[tokio::test]
async fn scripts_do_not_run() {
    for renderer in renderers().await {
        let html = "<html><body><p id='p'>before</p>\
            <script>document.getElementById('p').textContent = 'changed by a script';</script>\
            <p onclick='x()'>after</p><svg onload=\"document.body.textContent='changed by a script'\"></svg></body></html>";
        let text = text_of(&renderer.render(html.to_owned()).await.unwrap());
        assert!(text.contains("before") && text.contains("after"), "{text}");
        assert!(!text.contains("changed"), "{text}");
    }
}

#[tokio::test]
async fn the_network_is_never_reached() {
    let tripwire = Tripwire::new();
    let url = tripwire.url();
    let attacks = [
        format!("<img src='{url}'>"),
        format!("<link rel='stylesheet' href='{url}'>"),
        format!(
            "<style>@import url({url}); body {{ background: url({url}) }} @font-face {{ font-family: x; src: url({url}) }}</style><p style='font-family: x'>x</p>"
        ),
        format!("<iframe src='{url}'></iframe>"),
        format!("<object data='{url}'></object>"),
        format!("<embed src='{url}'>"),
        format!("<video src='{url}' poster='{url}'></video>"),
        format!("<meta http-equiv='refresh' content='0; url={url}'>"),
        format!("<script src='{url}'></script>"),
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg'><image xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='{url}'/></svg>"
        ),
    ];
    let renderer = PdfRenderer::probe(LIMITS, false).await.unwrap();
    if !renderer.isolation().is_full() {
        println!("skipped: this machine grants {} only", renderer.isolation());
        return;
    }
    for attack in attacks {
        let html = format!("<html><body><p>x</p>{attack}</body></html>");
        // Some fail the run and some are left out; what counts is that nobody called.
        let _ = renderer.render(html).await;
        tripwire.assert_untouched();
    }
}

#[tokio::test]
async fn pictures_and_frames_reach_nothing_even_without_walls() {
    let tripwire = Tripwire::new();
    let weakest = Isolation {
        namespaces: NamespaceIsolation::None,
        landlock: false,
    };
    let renderer = PdfRenderer::with_isolation(weakest, LIMITS).unwrap();
    let html = format!("<html><body><p>x</p><img src='{}'></body></html>", tripwire.url());
    let _ = renderer.render(html).await;
    tripwire.assert_untouched();
}

#[tokio::test]
async fn landlock_alone_keeps_the_network_and_files_away() {
    let isolation = Isolation {
        namespaces: NamespaceIsolation::None,
        landlock: true,
    };
    let tripwire = Tripwire::new();
    let renderer = PdfRenderer::with_isolation(isolation, LIMITS).unwrap();
    let html = format!(
        "<html><body><p>x</p><iframe src='{}'></iframe></body></html>",
        tripwire.url()
    );
    let _ = renderer.render(html).await;
    tripwire.assert_untouched();
}

#[tokio::test]
async fn local_files_are_not_shown() {
    let secret = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    std::fs::write(secret.path(), "<p>text of a local file</p>").unwrap();
    let path = secret.path().display();
    let frames = [
        format!("<iframe src='file://{path}'></iframe>"),
        format!("<object data='file://{path}'></object>"),
    ];
    for renderer in renderers().await {
        for frame in &frames {
            let html = format!(
                "<html><body><p>x</p>{frame}<iframe src='file:///etc/passwd'></iframe></body></html>"
            );
            if let Ok(pdf) = renderer.render(html).await {
                let text = text_of(&pdf);
                assert!(!text.contains("local file") && !text.contains("root:"), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn endless_content_is_stopped_by_a_limit() {
    let limits = PdfLimits {
        wall_ms: 3_000,
        pdf_bytes_max: 256 * 1024,
        ..LIMITS
    };
    let strongest = PdfRenderer::probe(limits, false).await.unwrap();
    let html = "<html><body><div style='height: 90000000px'>x</div></body></html>";
    let error = strongest.render(html.to_owned()).await.unwrap_err();
    let stopped = matches!(
        error,
        PdfError::TimedOut { .. } | PdfError::PdfTooLarge { .. } | PdfError::Failed { .. }
    );
    assert!(stopped, "{error:?}");
}

#[tokio::test]
async fn a_run_that_never_ends_is_killed_at_the_time_limit() {
    let limits = PdfLimits {
        wall_ms: 50,
        ..LIMITS
    };
    let isolation = PdfRenderer::probe(LIMITS, false).await.unwrap().isolation();
    let renderer = PdfRenderer::with_isolation(isolation, limits).unwrap();
    let rows = "<tr><td>a</td><td>b</td></tr>".repeat(20_000);
    let error = renderer
        .render(format!("<html><body><table>{rows}</table></body></html>"))
        .await
        .unwrap_err();
    assert!(matches!(error, PdfError::TimedOut { limit_ms: 50 }), "{error:?}");
}

#[tokio::test]
async fn a_giant_table_is_refused_before_it_starts_or_stopped_by_the_memory_limit() {
    let renderer = PdfRenderer::probe(LIMITS, false).await.unwrap();
    let rows = "<tr><td>a</td><td>b</td></tr>".repeat(400_000);
    let html = format!("<html><body><table>{rows}</table></body></html>");
    let error = renderer.render(html.clone()).await.unwrap_err();
    assert!(
        matches!(
            error,
            PdfError::HtmlTooLarge {
                limit_bytes: 8_388_608,
                ..
            }
        ),
        "{error:?}"
    );

    let little = PdfLimits {
        html_bytes_max: 64 * 1024 * 1024,
        memory_bytes: 400 * 1024 * 1024,
        ..LIMITS
    };
    let renderer = PdfRenderer::with_isolation(renderer.isolation(), little).unwrap();
    let error = renderer.render(html).await.unwrap_err();
    assert!(matches!(error, PdfError::Failed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_machine_that_grants_namespaces_gets_full_isolation() {
    let granted = std::process::Command::new("unshare")
        .args(["--user", "--net", "true"])
        .status()
        .unwrap();
    if !granted.success() {
        println!("skipped: this machine grants no user namespaces");
        return;
    }
    let renderer = PdfRenderer::probe(LIMITS, true).await.unwrap();
    assert!(renderer.isolation().is_full(), "{}", renderer.isolation());
}
