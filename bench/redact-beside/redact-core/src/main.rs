//! redact-core's analyzer on {id, text} lines from standard input: {id, spans} lines on standard output, and the speed of
//! one core on standard error. Offsets are bytes.

use std::io::{self, BufRead, Write};
use std::time::Instant;

use redact_core::AnalyzerEngine;
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let rows: Vec<Value> = io::stdin()
        .lock()
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<io::Result<_>>()?;
    let texts: Vec<&str> = rows.iter().map(|row| row["text"].as_str().unwrap_or_default()).collect();
    let engine = AnalyzerEngine::new();
    let began = Instant::now();
    let found: Vec<_> = texts.iter().map(|text| engine.analyze(text, Some("en"))).collect();
    let took = began.elapsed().as_secs_f64();
    let mut out = io::stdout().lock();
    for (row, found) in rows.iter().zip(found) {
        let found = found.map_err(|error| io::Error::other(error.to_string()))?;
        let spans: Vec<Value> = found
            .detected_entities
            .iter()
            .map(|span| json!({"entity": span.entity_type.as_str(), "start": span.start, "end": span.end, "score": span.score}))
            .collect();
        writeln!(out, "{}", json!({"id": row["id"], "spans": spans}))?;
    }
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    eprintln!("redact-core 0.12.7: {:.3} MB/s", bytes as f64 / took / 1e6);
    Ok(())
}
