//! The renderer: probes the machine once, then turns HTML documents into PDF bytes.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::PdfError;
use super::run::{Finished, RunLimits, run};
use super::sandbox::{Isolation, NamespaceIsolation, Programs, ResourceLimits, Sandbox};

/// How long the probe of the sandbox may take; it starts `/usr/bin/true`-sized programs only.
const PROBE_MS: u64 = 10_000;

/// Limits of one PDF. Reaching one fails the job with a reason, never the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PdfLimits {
    /// Largest HTML document, bytes.
    pub html_bytes_max: usize,
    /// Largest PDF, bytes, before stamping.
    pub pdf_bytes_max: usize,
    /// Longest run, milliseconds of wall-clock time.
    pub wall_ms: u64,
    /// Processor time of the renderer, seconds.
    pub cpu_s: u64,
    /// Address space of the renderer, bytes. Its web engine reserves about 1 GB before it does anything.
    pub memory_bytes: u64,
}

impl Default for PdfLimits {
    fn default() -> Self {
        Self {
            html_bytes_max: 16 * 1024 * 1024,
            pdf_bytes_max: 64 * 1024 * 1024,
            wall_ms: 120_000,
            cpu_s: 100,
            memory_bytes: 3 * 1024 * 1024 * 1024,
        }
    }
}

/// Turns HTML into PDF in a sandbox. Cheap to clone; each call of [`render`](Self::render) is its own process.
#[derive(Debug, Clone)]
pub struct PdfRenderer {
    sandbox: Sandbox,
    limits: PdfLimits,
}

impl PdfRenderer {
    /// Finds the programs on `PATH` and the strongest isolation this machine grants.
    ///
    /// # Errors
    /// A program is missing, or `sandbox_required` is set and the machine grants less than full isolation.
    pub async fn probe(limits: PdfLimits, sandbox_required: bool) -> Result<Self, PdfError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = Programs::find(&path)?;
        let candidates = [
            (NamespaceIsolation::Unprivileged, true),
            (NamespaceIsolation::Unprivileged, false),
            (NamespaceIsolation::Privileged, true),
            (NamespaceIsolation::Privileged, false),
            (NamespaceIsolation::None, true),
        ];
        let mut found = Isolation {
            namespaces: NamespaceIsolation::None,
            landlock: false,
        };
        for (namespaces, landlock) in candidates {
            let isolation = Isolation { namespaces, landlock };
            if Self::with(programs.clone(), isolation, limits).works().await {
                found = isolation;
                break;
            }
        }
        if sandbox_required && !found.is_full() {
            return Err(PdfError::SandboxTooWeak { found });
        }
        Ok(Self::with(programs, found, limits))
    }

    /// A renderer with a given isolation, for tests of the weaker modes.
    ///
    /// # Errors
    /// A program is missing.
    pub fn with_isolation(isolation: Isolation, limits: PdfLimits) -> Result<Self, PdfError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Ok(Self::with(Programs::find(&path)?, isolation, limits))
    }

    fn with(programs: Programs, isolation: Isolation, limits: PdfLimits) -> Self {
        let resources = ResourceLimits {
            memory_bytes: limits.memory_bytes,
            cpu_s: limits.cpu_s,
            file_bytes: limits.pdf_bytes_max.max(limits.html_bytes_max) as u64 + 1,
        };
        Self {
            sandbox: Sandbox {
                programs,
                isolation,
                limits: resources,
            },
            limits,
        }
    }

    /// The walls in force.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.sandbox.isolation
    }

    /// True when the walls can be put up here and the renderer starts behind them.
    async fn works(&self) -> bool {
        let target = vec![
            self.sandbox.programs.wkhtmltopdf.clone().into(),
            "--version".into(),
        ];
        let limits = RunLimits {
            wall_ms: PROBE_MS,
            stdout_bytes: 4096,
        };
        matches!(run(self.sandbox.clone(), target, Vec::new(), limits).await, Ok(finished) if finished.status.success())
    }

    /// Renders one document. Pages are A4 with room for a footer line.
    ///
    /// A document that refers to anything outside itself (a frame, a style sheet, a picture) fails or is
    /// printed without it; nothing is fetched.
    ///
    /// # Errors
    /// A limit was reached, or the renderer failed.
    pub async fn render(&self, html: String) -> Result<Vec<u8>, PdfError> {
        if html.len() > self.limits.html_bytes_max {
            return Err(PdfError::HtmlTooLarge {
                bytes: html.len(),
                limit_bytes: self.limits.html_bytes_max,
            });
        }
        let limits = RunLimits {
            wall_ms: self.limits.wall_ms,
            stdout_bytes: self.limits.pdf_bytes_max,
        };
        let finished = run(self.sandbox.clone(), self.target(), html.into_bytes(), limits).await?;
        if finished.status.success() && finished.stdout.starts_with(b"%PDF-") {
            return Ok(finished.stdout);
        }
        Err(failure(&finished))
    }

    fn target(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![self.sandbox.programs.wkhtmltopdf.clone().into()];
        words.extend(SWITCHES.iter().map(OsString::from));
        words
    }
}

/// Standard input to standard output, nothing from anywhere else. A resource that cannot be loaded fails the run:
/// our templates have none, so it means that a value was taken for mark-up.
const SWITCHES: [&str; 24] = [
    "--log-level",
    "warn",
    "--disable-local-file-access",
    "--disable-javascript",
    "--disable-plugins",
    "--no-images",
    "--encoding",
    "utf-8",
    "--load-error-handling",
    "abort",
    "--load-media-error-handling",
    "abort",
    "--page-size",
    "A4",
    "--margin-top",
    "16mm",
    "--margin-bottom",
    "20mm",
    "--margin-left",
    "16mm",
    "--margin-right",
    "16mm",
    "-",
    "-",
];

fn failure(finished: &Finished) -> PdfError {
    let last_line = finished
        .stderr
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    // The message may quote the document; a job's error must not carry its text, so it is kept short.
    let diagnosis: String = last_line.unwrap_or("no message").chars().take(200).collect();
    PdfError::Failed {
        status: describe(finished.status),
        diagnosis,
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown status".to_owned(),
    }
}
