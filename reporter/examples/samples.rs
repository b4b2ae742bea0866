//! Writes sample reports of both kinds into a directory, for those who change the templates:
//! `cargo run -p reporter --example samples -- DIRECTORY`.

#[path = "../tests/common/mod.rs"]
mod common;

use reporter::build::RangeLimits;
use reporter::html::Templates;
use reporter::pdf::{PdfLimits, PdfRenderer, Stamp, stamp_pages};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("name a directory")?;
    let renderer = PdfRenderer::probe(PdfLimits::default(), false).await?;
    let templates = Templates::load()?;
    let limits = RangeLimits {
        listing_max: 100_000,
        exceptions_max: 50,
    };
    for (name, report) in [
        ("decision", common::decision()),
        ("range", common::month(1_200, limits)),
    ] {
        let json = report.to_json()?;
        let html = templates.render(&report)?;
        let stamp = Stamp {
            heading: format!("AI Audit Layer \u{b7} {}", report.head.title),
            identity: format!(
                "Report {} \u{b7} report.json SHA-256 {}",
                report.head.report_id,
                reporter::model::sha256(&json)
            ),
            title: report.head.title.clone(),
            generated_at_us: report.head.generated_at.0,
        };
        let (pdf, pages) = stamp_pages(&renderer.render(html.clone()).await?, &stamp)?;
        std::fs::write(format!("{directory}/{name}.html"), html)?;
        std::fs::write(format!("{directory}/{name}.json"), json)?;
        std::fs::write(format!("{directory}/{name}.csv"), reporter::csv::to_csv(&report)?)?;
        std::fs::write(format!("{directory}/{name}.pdf"), pdf)?;
        println!("{name}: {pages} pages");
    }
    Ok(())
}
