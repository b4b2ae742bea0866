//! Counters, gauges and histograms in Prometheus' text format.
//!
//! A small registry of our own: what is measured is known at start, so a metric is an atomic that
//! is registered once and then touched without locks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::{Method, StatusCode};

/// Upper bounds of latency buckets, in seconds.
const LATENCY_BOUNDS_S: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// A number that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
    /// The present value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }
    /// Adds `n`, which may be negative.
    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
    /// The present value.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A distribution of durations, in seconds.
#[derive(Clone, Debug, Default)]
pub struct Histogram(Arc<HistogramCells>);

#[derive(Debug, Default)]
struct HistogramCells {
    buckets: [AtomicU64; LATENCY_BOUNDS_S.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        if let Some(bucket) = LATENCY_BOUNDS_S.iter().position(|bound| seconds <= *bound) {
            self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.0.count.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.0.sum_us.fetch_add(micros, Ordering::Relaxed);
    }
    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Debug)]
enum Cell {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

#[derive(Debug)]
struct Family {
    help: String,
    cells: BTreeMap<String, Cell>,
}

/// The metrics of one process. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    families: Arc<Mutex<BTreeMap<String, Family>>>,
}

impl Metrics {
    /// The counter of this name and these labels, made on first use. Names end in `_total`.
    pub fn counter(&self, name: &str, help: &str, labels: &[(&str, &str)]) -> Counter {
        let cell = self.cell(name, help, labels, || Cell::Counter(Counter::default()));
        if let Cell::Counter(counter) = cell {
            counter
        } else {
            Counter::default()
        }
    }

    /// The gauge of this name and these labels, made on first use.
    pub fn gauge(&self, name: &str, help: &str, labels: &[(&str, &str)]) -> Gauge {
        let cell = self.cell(name, help, labels, || Cell::Gauge(Gauge::default()));
        if let Cell::Gauge(gauge) = cell {
            gauge
        } else {
            Gauge::default()
        }
    }

    /// The histogram of this name and these labels, made on first use. Names end in `_seconds`.
    pub fn histogram(&self, name: &str, help: &str, labels: &[(&str, &str)]) -> Histogram {
        let cell = self.cell(name, help, labels, || Cell::Histogram(Histogram::default()));
        if let Cell::Histogram(histogram) = cell {
            histogram
        } else {
            Histogram::default()
        }
    }

    fn cell(&self, name: &str, help: &str, labels: &[(&str, &str)], make: impl FnOnce() -> Cell) -> Cell {
        let mut families = self.lock();
        let family = families.entry(name.to_owned()).or_insert_with(|| Family {
            help: help.to_owned(),
            cells: BTreeMap::new(),
        });
        family
            .cells
            .entry(label_text(labels))
            .or_insert_with(make)
            .clone()
    }

    /// Everything in Prometheus' text format 0.0.4, in a stable order.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for (name, family) in self.lock().iter() {
            let kind = match family.cells.values().next() {
                Some(Cell::Counter(_)) => "counter",
                Some(Cell::Gauge(_)) => "gauge",
                Some(Cell::Histogram(_)) => "histogram",
                None => continue,
            };
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(
                text,
                "# HELP {name} {}",
                family.help.replace('\\', "\\\\").replace('\n', "\\n")
            );
            let _ = writeln!(text, "# TYPE {name} {kind}");
            for (labels, cell) in &family.cells {
                render_cell(&mut text, name, labels, cell);
            }
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Family>> {
        // Nothing panics while the lock is held; a poisoned map would still be whole.
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn render_cell(text: &mut String, name: &str, labels: &str, cell: &Cell) {
    let braced = |labels: &str| {
        if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        }
    };
    match cell {
        Cell::Counter(counter) => {
            let _ = writeln!(text, "{name}{} {}", braced(labels), counter.get());
        }
        Cell::Gauge(gauge) => {
            let _ = writeln!(text, "{name}{} {}", braced(labels), gauge.get());
        }
        Cell::Histogram(histogram) => {
            let separator = if labels.is_empty() { "" } else { "," };
            let mut below = 0;
            for (bound, bucket) in LATENCY_BOUNDS_S.iter().zip(&histogram.0.buckets) {
                below += bucket.load(Ordering::Relaxed);
                let _ = writeln!(text, "{name}_bucket{{{labels}{separator}le=\"{bound}\"}} {below}");
            }
            let count = histogram.count();
            let sum_s = Duration::from_micros(histogram.0.sum_us.load(Ordering::Relaxed)).as_secs_f64();
            let _ = writeln!(text, "{name}_bucket{{{labels}{separator}le=\"+Inf\"}} {count}");
            let _ = writeln!(text, "{name}_sum{} {sum_s}", braced(labels));
            let _ = writeln!(text, "{name}_count{} {count}", braced(labels));
        }
    }
}

fn label_text(labels: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in labels {
        let separator = if text.is_empty() { "" } else { "," };
        let escaped = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let _ = write!(text, "{separator}{name}=\"{escaped}\"");
    }
    text
}

/// What the HTTP server counts.
#[derive(Clone, Debug)]
pub(crate) struct HttpMetrics {
    metrics: Metrics,
    seconds: Histogram,
}

impl HttpMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let seconds = metrics.histogram(
            "http_request_seconds",
            "Time from request head to response head.",
            &[],
        );
        Self {
            metrics: metrics.clone(),
            seconds,
        }
    }

    pub(crate) fn observe(&self, method: &Method, status: StatusCode, duration: Duration) {
        self.seconds.observe(duration);
        // A client chooses the method, so an unknown one must not become a new time series.
        let method = match method.as_str() {
            known @ ("GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS") => known,
            _ => "other",
        };
        let labels = [("method", method), ("status", status.as_str())];
        self.metrics
            .counter("http_requests_total", "Requests answered.", &labels)
            .inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_format() {
        let metrics = Metrics::default();
        metrics
            .counter("events_total", "Events.", &[("kind", "a\"b")])
            .add(2);
        metrics
            .counter("events_total", "Events.", &[("kind", "a\"b")])
            .inc();
        metrics.gauge("lag", "Lag.", &[]).set(-4);
        metrics
            .histogram("wait_seconds", "Wait.", &[("q", "x")])
            .observe(Duration::from_millis(2));
        let text = metrics.render();
        assert!(
            text.contains("# TYPE events_total counter\nevents_total{kind=\"a\\\"b\"} 3\n"),
            "{text}"
        );
        assert!(text.contains("# TYPE lag gauge\nlag -4\n"), "{text}");
        assert!(
            text.contains("wait_seconds_bucket{q=\"x\",le=\"0.001\"} 0\n"),
            "{text}"
        );
        assert!(
            text.contains("wait_seconds_bucket{q=\"x\",le=\"0.0025\"} 1\n"),
            "{text}"
        );
        assert!(
            text.contains("wait_seconds_bucket{q=\"x\",le=\"+Inf\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("wait_seconds_sum{q=\"x\"} 0.002\n"), "{text}");
    }
}
