//! What the reporter is told at start.

use aal_control::ControlConfig;
use aal_kafka::KafkaConfig;
use aal_service::HttpConfig;
use aal_service::logging::LogConfig;
pub use aal_service::objects::ObjectsConfig;
use aal_store::StoreConfig;
use serde::Deserialize;

use crate::bundle::BundleLimits;
use crate::pdf::PdfLimits;

/// Configuration of the reporter. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where /healthz, /readyz and /metrics are served; none: nowhere.
    #[serde(default)]
    pub operations: Option<HttpConfig>,
    /// ClickHouse, where the records are.
    pub store: StoreConfig,
    /// Where the jobs are.
    pub control: ControlConfig,
    /// Where requests are announced.
    pub kafka: KafkaConfig,
    /// Where finished reports go.
    pub reports: ObjectsConfig,
    /// Manifests and checkpoints, as the sealer wrote them; none: reports say that no checkpoint was available.
    #[serde(default)]
    pub anchors: Option<ObjectsConfig>,
    /// How jobs are taken.
    #[serde(default)]
    pub worker: WorkerConfig,
    /// Bounds of a report.
    #[serde(default)]
    pub limits: Limits,
    /// The PDF renderer.
    #[serde(default)]
    pub pdf: PdfConfig,
    /// Log format and filter.
    #[serde(default)]
    pub log: LogConfig,
}

/// How jobs are taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerConfig {
    /// Consumer group on `audit.report-requests`.
    pub group: String,
    /// Jobs at once in this process.
    pub jobs: usize,
    /// A job whose worker has not been heard of for so long is taken by another, in milliseconds.
    pub lease_ms: u64,
    /// How often the control store is asked for waiting jobs when nothing was announced, in milliseconds.
    pub poll_ms: u64,
    /// A job that was taken so often without an end is failed: it probably ends its workers.
    pub attempts_max: i64,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            group: "aal-reporter".to_owned(),
            jobs: 1,
            lease_ms: 30_000,
            poll_ms: 2_000,
            attempts_max: 3,
        }
    }
}

/// Bounds of a report. A report beyond them fails with a reason; nothing is cut off silently.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Records of a period that are read at most.
    pub records: u64,
    /// Longest listing in CSV and JSON; a longer one is left out and the report says so.
    pub listing: usize,
    /// Longest list of exceptions in the report.
    pub exceptions: usize,
    /// One statement may take so long, in milliseconds.
    pub query_timeout_ms: u64,
    /// A whole job may take so long, in milliseconds.
    pub job_timeout_ms: u64,
    /// Bounds of an evidence bundle.
    pub bundle: BundleLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records: 2_000_000,
            listing: 50_000,
            exceptions: 50,
            query_timeout_ms: 120_000,
            job_timeout_ms: 600_000,
            bundle: BundleLimits::default(),
        }
    }
}

/// The PDF renderer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PdfConfig {
    /// Refuse to start when the machine grants neither namespaces nor Landlock in full.
    pub sandbox_required: bool,
    /// Largest HTML document, bytes.
    pub html_bytes: usize,
    /// Largest PDF, bytes.
    pub pdf_bytes: usize,
    /// Wall-clock time of one PDF, milliseconds.
    pub timeout_ms: u64,
    /// Processor time of one PDF, seconds.
    pub cpu_s: u64,
    /// Address space of the renderer, bytes.
    pub memory_bytes: u64,
}

impl Default for PdfConfig {
    fn default() -> Self {
        let limits = PdfLimits::default();
        Self {
            sandbox_required: false,
            html_bytes: limits.html_bytes_max,
            pdf_bytes: limits.pdf_bytes_max,
            timeout_ms: limits.wall_ms,
            cpu_s: limits.cpu_s,
            memory_bytes: limits.memory_bytes,
        }
    }
}

impl PdfConfig {
    /// The renderer's limits.
    #[must_use]
    pub fn limits(&self) -> PdfLimits {
        PdfLimits {
            html_bytes_max: self.html_bytes,
            pdf_bytes_max: self.pdf_bytes,
            wall_ms: self.timeout_ms,
            cpu_s: self.cpu_s,
            memory_bytes: self.memory_bytes,
        }
    }
}
