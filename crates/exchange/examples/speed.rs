//! How many recorded exchanges one core normalises and prices in a second, beside copying the same bytes.
//!
//! `cargo run --release -p aal-exchange --example speed -- FOLDER` with the folder of recordings.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aal_exchange::Recording;
use aal_pricing::PriceTable;

/// 2025-12-01T00:00:00Z; prices have dates.
const AT_US: i64 = 1_764_547_200_000_000;
/// Long enough that one interruption does not show.
const AT_LEAST: Duration = Duration::from_secs(3);

fn per_second(items: usize, mut work: impl FnMut()) -> f64 {
    work();
    let start = Instant::now();
    let mut rounds = 0_u32;
    while start.elapsed() < AT_LEAST {
        work();
        rounds += 1;
    }
    f64::from(rounds) * items as f64 / start.elapsed().as_secs_f64()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder of recordings")?;
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let text = std::fs::read_to_string(entry?.path())?;
        lines.extend(text.lines().map(str::to_owned));
    }
    let recordings: Vec<Recording> = lines
        .iter()
        .map(|line| serde_json::from_str(line))
        .collect::<Result<_, _>>()?;
    let table = PriceTable::builtin();
    let rate = per_second(recordings.len(), || {
        for recording in &recordings {
            if let Ok(exchange) = recording.exchange() {
                let _ = black_box(exchange.price(table, AT_US));
            }
        }
    });
    let copy = per_second(recordings.len(), || {
        for line in &lines {
            black_box(line.as_bytes().to_vec());
        }
    });
    println!(
        "{} exchanges, {} bytes on average",
        lines.len(),
        lines.iter().map(String::len).sum::<usize>() / lines.len().max(1)
    );
    println!(
        "normalised and priced: {rate:.0} exchanges/s/core; copied: {copy:.0}/s; ratio {:.4}",
        rate / copy
    );
    Ok(())
}
