//! What is on the pages: footers, properties, fonts, and documents that are large or awkward.

mod common;

use reporter::build::RangeLimits;
use reporter::html::Templates;
use reporter::model::{Body, Report, sha256};
use reporter::pdf::{PdfError, PdfLimits, PdfRenderer, Stamp, stamp_pages};

const LIMITS: RangeLimits = RangeLimits {
    listing_max: 10_000,
    exceptions_max: 50,
};

fn stamp_of(report: &Report) -> Stamp {
    Stamp {
        heading: "AI Audit Layer \u{b7} System audit report".to_owned(),
        identity: format!(
            "Report {} \u{b7} {}",
            report.head.report_id,
            sha256(&report.to_json().unwrap())
        ),
        title: "Prüfbericht der Hansebank".to_owned(),
        generated_at_us: report.head.generated_at.0,
    }
}

async fn pages_of(report: &Report) -> (Vec<u8>, usize) {
    let renderer = PdfRenderer::probe(PdfLimits::default(), false).await.unwrap();
    let html = Templates::load().unwrap().render(report).unwrap();
    stamp_pages(&renderer.render(html).await.unwrap(), &stamp_of(report)).unwrap()
}

fn run(program: &str, arguments: &[&str], pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pdf).unwrap();
    let mut command = std::process::Command::new(program);
    let output = command
        .args(arguments)
        .arg(file.path())
        .args((program == "pdftotext").then_some("-"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn every_page_has_its_number_and_identity() {
    let report = common::month(120, LIMITS);
    let (pdf, count) = pages_of(&report).await;
    let text = run("pdftotext", &["-layout"], &pdf);
    let pages: Vec<&str> = text
        .split('\u{c}')
        .filter(|page| !page.trim().is_empty())
        .collect();
    assert_eq!(pages.len(), count);
    for (position, page) in pages.iter().enumerate() {
        assert!(
            page.contains(&format!("Page {} of {count}", position + 1)),
            "{page}"
        );
        assert!(page.contains(&stamp_of(&report).identity), "{page}");
    }
}

#[tokio::test]
async fn properties_come_from_the_report_and_fonts_are_embedded() {
    let report = common::decision();
    let (pdf, _) = pages_of(&report).await;
    let information = run("pdfinfo", &[], &pdf);
    assert!(information.contains("Prüfbericht der Hansebank"), "{information}");
    assert!(
        information.contains("2026") && information.contains("A4"),
        "{information}"
    );
    let fonts = run("pdffonts", &[], &pdf);
    for line in fonts.lines().skip(2) {
        let columns: Vec<&str> = line.split_whitespace().rev().collect();
        assert_eq!(columns[4], "yes", "not embedded: {line}");
    }
}

#[tokio::test]
async fn the_same_report_gives_the_same_pdf() {
    let report = common::decision();
    assert_eq!(pages_of(&report).await, pages_of(&report).await);
}

#[tokio::test]
async fn awkward_texts_stay_on_the_page() {
    let mut report = common::decision();
    if let Body::Decision(decision) = &mut report.body {
        decision.input.text = Some(format!("{}\n{}", "long".repeat(5_000), "word ".repeat(3_000)));
        decision.output.text =
            Some("漢字 עברית العربية \u{1f600} \n\u{202e}abc\u{202c} \u{0}end\n<b>not bold</b>".to_owned());
        decision.event.application = "x".repeat(300);
    }
    let (pdf, count) = pages_of(&report).await;
    let text = run("pdftotext", &["-layout"], &pdf);
    assert!(text.contains("<b>not bold</b>"), "{text}");
    assert!(text.contains("[U+202E]abc[U+202C] [U+0000]end"), "{text}");
    assert!(text.contains("Shown up to the first 20,000 characters"), "{text}");
    assert!((5..40).contains(&count), "{count} pages");
}

#[tokio::test]
async fn a_large_report_is_made_within_the_limits() {
    let mut report = common::month(
        600,
        RangeLimits {
            listing_max: 0,
            exceptions_max: 50,
        },
    );
    if let Body::Range(range) = &mut report.body {
        let group = range.by_model[0].clone();
        range.by_model = (0..500)
            .map(|number| {
                let mut group = group.clone();
                group.name[1] = format!("m-{number}");
                group
            })
            .collect();
        let day = range.days[0].clone();
        range.days = (0..400).map(|_| day.clone()).collect();
    }
    let (pdf, count) = pages_of(&report).await;
    assert!(count > 20, "{count} pages");
    assert!(run("pdftotext", &["-layout"], &pdf).contains("m-499"));
}

#[test]
fn what_is_no_pdf_is_refused() {
    let stamp = stamp_of(&common::decision());
    assert!(matches!(
        stamp_pages(b"%PDF-1.4 nothing", &stamp),
        Err(PdfError::Unreadable(_))
    ));
    assert!(matches!(stamp_pages(b"", &stamp), Err(PdfError::Unreadable(_))));
}

#[tokio::test]
async fn a_footer_the_font_cannot_write_is_refused() {
    let renderer = PdfRenderer::probe(PdfLimits::default(), false).await.unwrap();
    let pdf = renderer
        .render("<html><body>x</body></html>".to_owned())
        .await
        .unwrap();
    let stamp = Stamp {
        heading: "Prüfung".to_owned(),
        ..stamp_of(&common::decision())
    };
    assert!(matches!(stamp_pages(&pdf, &stamp), Err(PdfError::FooterText)));
}
