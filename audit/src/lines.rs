//! Commands that answer each line of standard input with one line of standard output.

use std::{
    io::{self, BufRead, BufWriter, Write},
    process::ExitCode,
};

use aal_pricing::PriceTable;
use aal_redact::{Detector, Entity, TokenMaker};
use aal_seal::IndexKey;
use rand::RngCore;

/// Longest line in bytes; a longer one is refused, not read into memory.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// Why a line has no answer.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("line {line}: {reason}")]
    Line { line: u64, reason: String },
    #[error("line {0} is longer than 67108864 bytes")]
    TooLong(u64),
}

fn each_line(answer: impl Fn(&str) -> Result<String, String>) -> Result<ExitCode, LinesError> {
    let mut input = io::stdin().lock();
    let mut output = BufWriter::new(io::stdout().lock());
    let mut number = 0;
    let mut text = String::new();
    loop {
        text.clear();
        number += 1;
        if io::Read::take(&mut input, LONGEST_LINE).read_line(&mut text)? == 0 {
            break;
        }
        if text.len() as u64 == LONGEST_LINE && !text.ends_with('\n') {
            return Err(LinesError::TooLong(number));
        }
        if text.trim().is_empty() {
            continue;
        }
        let answered = answer(text.trim_end()).map_err(|reason| {
            // What was answered before the bad line is not lost.
            let _ = output.flush();
            LinesError::Line { line: number, reason }
        })?;
        writeln!(output, "{answered}")?;
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// `audit normalise`.
pub fn normalise() -> Result<ExitCode, LinesError> {
    let table = PriceTable::builtin();
    let now_us = aal_service::times::now_us();
    each_line(|line| {
        aal_exchange::normalise_line_with(line, table, now_us, aal_estimate::complete)
            .map_err(|error| error.to_string())
    })
}

/// `audit price`.
pub fn price() -> Result<ExitCode, LinesError> {
    let table = PriceTable::builtin();
    let now_us = aal_service::times::now_us();
    each_line(|line| aal_pricing::price_line(line, table, now_us).map_err(|error| error.to_string()))
}

/// Placeholders that are the same for the same value within one run and tell nothing outside of it.
struct RunTokens(IndexKey);

impl TokenMaker for RunTokens {
    fn token(&self, entity: Entity, canonical: &str) -> String {
        self.0.placeholder(entity.name(), canonical)
    }
}

/// `audit redact`.
pub fn redact() -> Result<ExitCode, LinesError> {
    let detector = Detector::builtin();
    let mut secret = [0; 32];
    rand::rng().fill_bytes(&mut secret);
    let tokens = RunTokens(IndexKey::new("run", &secret));
    each_line(|line| {
        detector
            .redact_line(line, &tokens)
            .map_err(|error| error.to_string())
    })
}
