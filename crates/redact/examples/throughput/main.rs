//! Measures the detector on one core beside a memory copy and a plain Aho-Corasick scan, in one run.
//!
//! ```text
//! cargo run --release -p aal-redact --example throughput [corpus.jsonl ...]
//! ```
//!
//! Prints Markdown tables: speed by kind of text, latency of 4 KB messages, hostile inputs at two sizes (a linear
//! detector takes twice as long for twice the bytes), and the most memory in use besides input and output.

mod inputs;
mod memory;

use std::hint::black_box;
use std::time::{Duration, Instant};

use aal_redact::{Detector, Entity};
use aho_corasick::AhoCorasick;

#[global_allocator]
static COUNTED: memory::Counted = memory::Counted;

const ROUNDS: usize = 12;
const ROUND: Duration = Duration::from_millis(40);
const MESSAGE: usize = 4096;
const MEGABYTE: f64 = 1e6;

fn token(entity: Entity, _: &str) -> String {
    format!("[[{}:k1:0000000000000000]]", entity.name())
}

fn main() {
    let detector = Detector::builtin();
    let corpora: Vec<String> = std::env::args().skip(1).collect();
    speeds(&detector, &corpora);
    latencies(&detector);
    hostile(&detector);
    memory_use(&detector);
}

/// Time that this thread spent on a core, where Linux tells it: other work on the machine does not count. Else
/// the time of the clock.
fn core_time(since: Instant) -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_core = statistics.and_then(|text| text.split(' ').next()?.parse().ok());
    on_core.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// Bytes per second of the fastest round, in megabytes.
fn megabytes_per_second(bytes: usize, mut work: impl FnMut()) -> f64 {
    work();
    let mut best = 0_f64;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let before = core_time(began);
        let mut done = 0;
        while began.elapsed() < ROUND {
            work();
            done += bytes;
        }
        best = best.max(done as f64 / (core_time(began) - before).as_secs_f64());
    }
    best / MEGABYTE
}

fn speeds(detector: &Detector, corpora: &[String]) {
    let words: Vec<&str> = inputs::PLAIN_WORDS.split_whitespace().collect();
    let plain = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(&words)
        .expect("words compile");
    println!(
        "| text | values per KB | redact_body, MB/s | scan, MB/s | aho-corasick, {} words, MB/s | memory copy, MB/s |",
        words.len()
    );
    println!("|---|---:|---:|---:|---:|---:|");
    let mut kinds = inputs::kinds();
    kinds.extend(corpora.iter().map(|path| inputs::corpus(path)));
    for kind in &kinds {
        let bytes: usize = kind.texts.iter().map(String::len).sum();
        let mut removed = 0;
        for text in &kind.texts {
            let redacted = detector.redact_body(text.as_bytes(), kind.content_type, &token);
            removed += redacted.map_or(0, |redacted| redacted.removed.len());
        }
        let redacted = megabytes_per_second(bytes, || {
            for text in &kind.texts {
                black_box(detector.redact_body(text.as_bytes(), kind.content_type, &token)).ok();
            }
        });
        let scanned = megabytes_per_second(bytes, || {
            for text in &kind.texts {
                black_box(detector.scan(text, ""));
            }
        });
        let searched = megabytes_per_second(bytes, || {
            for text in &kind.texts {
                black_box(plain.find_iter(text).count());
            }
        });
        let copied = megabytes_per_second(bytes, || {
            for text in &kind.texts {
                black_box(black_box(text).clone());
            }
        });
        println!(
            "| {} | {:.2} | {redacted:.0} | {scanned:.0} | {searched:.0} | {copied:.0} |",
            kind.name,
            removed as f64 * 1000.0 / bytes as f64
        );
    }
    println!();
}

fn latencies(detector: &Detector) {
    println!("| messages of {MESSAGE} bytes, each the fastest of 20 | p50, µs | p99, µs |");
    println!("|---|---:|---:|");
    for kind in inputs::kinds() {
        let messages: Vec<String> = kind
            .texts
            .iter()
            .filter(|text| text.len() >= MESSAGE && kind.content_type == "text/plain")
            .map(|text| text[..text.floor_char_boundary(MESSAGE)].to_owned())
            .collect();
        if messages.is_empty() {
            continue;
        }
        // Each message's fastest of several: what other work on the machine adds is not the detector's.
        let mut times = vec![Duration::MAX; messages.len()];
        for _ in 0..20 {
            for (message, time) in messages.iter().zip(&mut times) {
                let began = Instant::now();
                black_box(detector.redact_text(message, "", &token)).ok();
                *time = began.elapsed().min(*time);
            }
        }
        times.sort_unstable();
        let micros = |share: usize| times[(times.len() - 1) * share / 100].as_nanos() as f64 / 1000.0;
        println!("| {} | {:.1} | {:.1} |", kind.name, micros(50), micros(99));
    }
    println!();
}

fn hostile(detector: &Detector) {
    const SIZES: [usize; 2] = [256 * 1024, 1024 * 1024];
    println!("| hostile input | MB/s at 256 KiB | MB/s at 1 MiB |");
    println!("|---|---:|---:|");
    for (name, unit) in inputs::hostile_units() {
        let speeds = SIZES.map(|size| {
            let text = unit.repeat(size / unit.len());
            let took = (0..3).map(|_| {
                let began = Instant::now();
                black_box(detector.redact_body(text.as_bytes(), "", &token)).ok();
                began.elapsed()
            });
            let took = took.min().unwrap_or_default();
            text.len() as f64 / took.as_secs_f64() / MEGABYTE
        });
        println!("| {name} | {:.1} | {:.1} |", speeds[0], speeds[1]);
    }
    println!();
}

fn memory_use(detector: &Detector) {
    println!("| scanned | input, bytes | most memory besides input and result, bytes | allocations |");
    println!("|---|---:|---:|---:|");
    for kind in inputs::kinds() {
        let text = &kind.texts[0];
        let text = &text[..text.floor_char_boundary(MESSAGE)];
        black_box(detector.scan(text, ""));
        let (spans, used) = memory::most_used_by(|| detector.scan(text, ""));
        let result = std::mem::size_of_val(spans.as_slice());
        println!(
            "| {} | {} | {} | {} |",
            kind.name,
            text.len(),
            used.most.saturating_sub(result),
            used.count
        );
    }
}
