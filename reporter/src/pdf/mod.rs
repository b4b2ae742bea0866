//! HTML to PDF: `wkhtmltopdf` in a sandbox, then page numbers stamped on every page.
//!
//! The HTML comes from templates compiled into this program and every value in it is escaped, so the
//! sandbox is the second wall: whatever gets through finds no network, no files and no scripts.

mod font;
mod render;
mod run;
mod sandbox;
mod stamp;

pub use render::{PdfLimits, PdfRenderer};
pub use sandbox::{Isolation, NamespaceIsolation};
pub use stamp::{Stamp, stamp_pages};

/// Why no PDF was made. The text goes into the job, where the person who asked for the report reads it.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// A program the renderer needs is not installed.
    #[error("program `{program}` not found on PATH; install the Debian package `{package}`")]
    ProgramMissing {
        /// Name of the program.
        program: &'static str,
        /// Debian package that brings it.
        package: &'static str,
    },
    /// The configuration asks for full isolation and this machine does not grant it.
    #[error(
        "sandbox is weaker than required: {found}; allow unprivileged user namespaces or set sandbox_required = false"
    )]
    SandboxTooWeak {
        /// What is in force.
        found: Isolation,
    },
    /// The report is larger than the renderer accepts.
    #[error("report has {bytes} bytes of HTML, the limit is {limit_bytes}; choose a shorter period")]
    HtmlTooLarge {
        /// Size of the document.
        bytes: usize,
        /// Largest size accepted.
        limit_bytes: usize,
    },
    /// Rendering did not end in time; its processes were killed.
    #[error("rendering took longer than {limit_ms} ms and was stopped")]
    TimedOut {
        /// Wall-clock limit.
        limit_ms: u64,
    },
    /// The PDF is larger than the limit; its processes were killed.
    #[error("PDF is larger than the limit of {limit_bytes} bytes")]
    PdfTooLarge {
        /// Largest size accepted.
        limit_bytes: usize,
    },
    /// The renderer ended without success, for example because it hit its memory or processor limit.
    #[error("wkhtmltopdf failed ({status}): {diagnosis}")]
    Failed {
        /// Exit status or signal.
        status: String,
        /// Last line of its standard error.
        diagnosis: String,
    },
    /// What came out cannot be read as a PDF.
    #[error("renderer's output is not a readable PDF")]
    Unreadable(#[source] lopdf::Error),
    /// The text for the page footers has a character outside printable ASCII and the middle dot.
    #[error("footer text has a character that the embedded font lacks")]
    FooterText,
    /// The operating system refused something around the subprocess.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}
