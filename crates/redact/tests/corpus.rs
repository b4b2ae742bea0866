//! Recall, precision and over-redaction on a corpus that was made apart from the detector (`corpus/make_corpus.py`):
//! other phrases, countries and languages, formats of real secrets, and clean text of many kinds.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use common::DETECTOR;
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    text: String,
    spans: Vec<Gold>,
}

#[derive(Deserialize)]
struct Gold {
    /// In code points.
    start: usize,
    end: usize,
    entity: String,
}

#[derive(Default)]
struct Score {
    gold: usize,
    found: usize,
    right: usize,
    wrong: usize,
}

fn corpus(seed: u32, per_kind: u32) -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = Command::new(folder.join("../../scripts/python-venv.sh"))
        .args(["stdnum", "python-stdnum==2.2"])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(python.status.success(), "scripts/python-venv.sh failed");
    let made = Command::new(String::from_utf8(python.stdout).unwrap().trim())
        .arg(folder.join("tests/corpus/make_corpus.py"))
        .args([seed.to_string(), per_kind.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(made.status.success(), "make_corpus.py failed");
    let lines = String::from_utf8(made.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn recall_precision_and_clean_text_hold_on_another_corpus() {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let (mut clean, mut over) = (0, 0);
    let mut notes = Vec::new();
    for row in corpus(11, 24) {
        let offsets: Vec<usize> = row
            .text
            .char_indices()
            .map(|(at, _)| at)
            .chain([row.text.len()])
            .collect();
        let gold: Vec<(usize, usize, &str)> = row
            .spans
            .iter()
            .map(|span| (offsets[span.start], offsets[span.end], span.entity.as_str()))
            .collect();
        let mut found = DETECTOR.scan(&row.text, "");
        found.retain(|span| span.band.is_redacted());
        let overlap = |start: usize, end: usize, other: (usize, usize)| {
            end.min(other.1).saturating_sub(start.max(other.0))
        };
        for (start, end, entity) in &gold {
            let score = scores.entry((*entity).to_owned()).or_default();
            score.gold += 1;
            let hit = found.iter().any(|span| {
                span.entity.name() == *entity
                    && 2 * overlap(*start, *end, (span.start, span.end)) >= end - start
            });
            score.found += usize::from(hit);
            if !hit {
                notes.push(format!("missed {entity} in {:?}", row.text));
            }
        }
        for span in &found {
            let right = gold.iter().any(|gold| {
                gold.2 == span.entity.name() && overlap(span.start, span.end, (gold.0, gold.1)) > 0
            });
            let score = scores.entry(span.entity.name().to_owned()).or_default();
            score.right += usize::from(right);
            score.wrong += usize::from(!right);
            if !right {
                notes.push(format!("wrong {} in {:?}", span.entity.name(), row.text));
            }
        }
        let gold_bytes: usize = gold.iter().map(|(start, end, _)| end - start).sum();
        let covered: usize = found
            .iter()
            .flat_map(|span| {
                gold.iter()
                    .map(move |gold| overlap(span.start, span.end, (gold.0, gold.1)))
            })
            .sum();
        let redacted: usize = found.iter().map(|span| span.end - span.start).sum();
        clean += row.text.len() - gold_bytes;
        over += redacted - covered;
    }
    for (entity, score) in scores.iter().filter(|(_, score)| score.gold > 0) {
        let recall = score.found * 1000 / score.gold;
        let precision = score.right * 1000 / (score.right + score.wrong).max(1);
        assert!(
            recall >= 970,
            "recall of {entity} is {recall} per mille:\n{}",
            notes.join("\n")
        );
        assert!(
            precision >= 950,
            "precision of {entity} is {precision} per mille:\n{}",
            notes.join("\n")
        );
    }
    // 0.05 %.
    assert!(
        over * 2000 < clean,
        "{over} of {clean} clean bytes were redacted:\n{}",
        notes.join("\n")
    );
    assert!(scores.values().filter(|score| score.gold > 0).count() > 70);
}
