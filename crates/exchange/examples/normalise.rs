//! Normalises recorded exchanges without the rest of the product: JSON lines in, JSON lines out, as `audit normalise`
//! does, with prices of one fixed day. `tests/differential.py` compares what comes out with its own reading.

use std::io::{BufRead, Write};

use aal_exchange::normalise_line;
use aal_pricing::PriceTable;

/// 2026-11-23T12:00:00Z; prices have dates.
const AT_US: i64 = 1_795_435_200_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", normalise_line(&line?, PriceTable::builtin(), AT_US)?)?;
    }
    Ok(())
}
