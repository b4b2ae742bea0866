//! The table.

use std::fmt;

use crate::{inputs::Sizes, percentiles::Percentiles};

/// All figures of a run; its text form is Markdown.
#[derive(Debug)]
pub(crate) struct Report {
    sizes: Sizes,
    rows: Vec<Row>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Row {
    name: String,
    figure: String,
    unit: &'static str,
    limit: String,
    ratio: Option<f64>,
}

/// What a figure is held against, measured in the same run.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
}

impl Limit {
    pub(crate) fn new(name: &'static str, value: f64) -> Limit {
        Limit { name, value }
    }

    fn text(&self) -> String {
        format!("{}: {}", self.name, number(self.value))
    }

    fn ratio(&self, figure: f64) -> Option<f64> {
        (self.value > 0.0).then(|| figure / self.value)
    }
}

impl Report {
    pub(crate) fn new(sizes: Sizes) -> Report {
        Report {
            sizes,
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A figure that is a limit itself.
    pub(crate) fn raw(&mut self, name: impl Into<String>, figure: f64, unit: &'static str) {
        self.add(Row {
            name: name.into(),
            figure: number(figure),
            unit,
            limit: String::new(),
            ratio: None,
        });
    }

    /// A rate: the ratio is the share of the limit that is reached.
    pub(crate) fn rate(&mut self, name: impl Into<String>, figure: f64, unit: &'static str, limit: &Limit) {
        let ratio = limit.ratio(figure);
        self.add(Row {
            name: name.into(),
            figure: number(figure),
            unit,
            limit: limit.text(),
            ratio,
        });
    }

    /// A latency: the ratio says how many times the limit the median takes.
    pub(crate) fn latency(&mut self, name: impl Into<String>, figure: &Percentiles, limit: Option<&Limit>) {
        let text = format!("{} / {}", number(figure.p50_ms()), number(figure.p99_ms()));
        self.add(Row {
            name: format!("{} (n = {})", name.into(), figure.count()),
            figure: text,
            unit: "ms p50 / p99",
            limit: limit.map(Limit::text).unwrap_or_default(),
            ratio: limit.and_then(|limit| limit.ratio(figure.p50_ms())),
        });
    }

    /// A sentence below the table.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        eprintln!("bench: {text}");
        self.notes.push(text);
    }

    fn add(&mut self, row: Row) {
        eprintln!("bench: {} {} {}", row.name, row.figure, row.unit);
        self.rows.push(row);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let load = if cfg!(debug_assertions) { "dev" } else { "release" };
        let programs = std::env::var_os("AAL_BIN_DIR").map(std::path::PathBuf::from);
        let programs = programs
            .as_deref()
            .and_then(|path| path.file_name())
            .map(|name| name.to_string_lossy().into_owned());
        writeln!(
            formatter,
            "{cores} cores ({}); load generator: {load} profile, programs: {}; {} events through each stage, \
             reads over {} rows\n",
            processor_model(),
            programs.as_deref().unwrap_or("beside the load generator"),
            self.sizes.events,
            self.sizes.rows,
        )?;
        writeln!(
            formatter,
            "| benchmark | figure | unit | limit in the same run | ratio |"
        )?;
        writeln!(formatter, "|---|---:|---|---|---:|")?;
        for row in &self.rows {
            let ratio = row.ratio.map(number).unwrap_or_default();
            writeln!(
                formatter,
                "| {} | {} | {} | {} | {ratio} |",
                row.name, row.figure, row.unit, row.limit
            )?;
        }
        for note in &self.notes {
            writeln!(formatter, "\n* {note}")?;
        }
        Ok(())
    }
}

/// Three significant digits for what is small, whole numbers for what is large, a power of ten for what is tiny.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        medium if medium >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        share if share >= 0.01 || share == 0.0 => format!("{value:.3}"),
        _ => format!("{value:.1e}"),
    }
}

fn processor_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_its_limit_and_the_share_of_it() {
        let mut report = Report::new(Sizes {
            rows: 10_000,
            events: 2_500,
            proof_leaves: 1,
        });
        report.rate("edge", 500.0, "events/s", &Limit::new("raw Kafka", 2_000.0));
        report.raw("raw Kafka", 2_000.0, "records/s");
        let text = report.to_string();
        assert!(
            text.contains("| edge | 500 | events/s | raw Kafka: 2000 | 0.250 |"),
            "{text}"
        );
        assert!(text.contains("| raw Kafka | 2000 | records/s |  |  |"), "{text}");
    }
}
