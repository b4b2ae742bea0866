//! From a job to its files.

use aal_control::{Control, Job, TenantScope};
use uuid::Uuid;

use crate::build::{RangeLimits, clauses, fields, limits};
use crate::csv::to_csv;
use crate::html::{HtmlError, TEMPLATE_VERSION, Templates};
use crate::model::{Body, Checkpoint, Head, Instant, Report, SCHEMA, Tenant, Verdict, VerdictState, sha256};
use crate::pdf::{PdfError, PdfRenderer, Stamp, stamp_pages};
use crate::read::{AnchorReader, ReadError, Reader, Sealed, read_decision, read_range};
use crate::request::{Format, Request, RequestError, Subject};

/// Why a job did not become files.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The request cannot be carried out.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The records cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The control store does not answer.
    #[error(transparent)]
    Control(#[from] aal_control::ControlError),
    /// The templates do not fit.
    #[error(transparent)]
    Html(#[from] HtmlError),
    /// No PDF could be made.
    #[error(transparent)]
    Pdf(#[from] PdfError),
    /// A PDF was asked for and the renderer is not installed.
    #[error("no PDF can be made here: {0}; formats csv and json can be asked for without pdf")]
    NoRenderer(String),
    /// The model cannot be written.
    #[error("report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// A finished file cannot be stored.
    #[error("finished report cannot be stored")]
    Store(#[from] object_store::Error),
    /// The whole job took too long.
    #[error("report took longer than {limit_ms} ms; choose a shorter period")]
    TimedOut {
        /// The limit.
        limit_ms: u64,
    },
}

impl MakeError {
    /// Whether another try may succeed: an engine did not answer. Everything else would fail again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Read(error) => error.is_transient(),
            Self::Control(_) | Self::Store(_) | Self::Pdf(PdfError::Io { .. }) => true,
            _ => false,
        }
    }
}

/// One finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeFile {
    /// Its format.
    pub format: Format,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Makes reports.
#[derive(Debug)]
pub struct Maker {
    /// The ledger.
    pub reader: Reader,
    /// The anchor, when there is one.
    pub anchor: Option<AnchorReader>,
    /// Names of tenants.
    pub control: Control,
    /// HTML.
    pub templates: Templates,
    /// PDF; or why there is none on this machine.
    pub renderer: Result<PdfRenderer, String>,
    /// Lengths of lists.
    pub limits: RangeLimits,
}

impl Maker {
    /// Reads what `job` asks for and renders it. `now_us` is printed as the time of generation.
    ///
    /// # Errors
    /// See [`MakeError`].
    pub async fn make(&self, job: &Job, now_us: i64) -> Result<Vec<MadeFile>, MakeError> {
        let request = Request::parse(&job.kind, &job.request)?;
        let report = self.report(job, &request, now_us).await?;
        self.files(&report, &request.formats).await
    }

    async fn report(&self, job: &Job, request: &Request, now_us: i64) -> Result<Report, MakeError> {
        let sealed = match &self.anchor {
            Some(anchor) => anchor.newest().await.map_err(ReadError::from)?,
            None => Sealed::default(),
        };
        let scope = match job.tenant {
            TenantScope::All => request.tenant,
            // The job's own limit wins over whatever the request names.
            TenantScope::One(tenant) => Some(tenant),
        };
        let (body, tenant, period, verdicts) = match &request.subject {
            Subject::Decision(event_id) => {
                let (decision, tenant, verdicts) =
                    read_decision(&self.reader, scope, *event_id, &sealed).await?;
                (Body::Decision(Box::new(decision)), Some(tenant), None, verdicts)
            }
            Subject::Range(period, filters) => {
                let read = read_range(
                    &self.reader,
                    scope,
                    *period,
                    filters.clone(),
                    self.limits,
                    &sealed,
                );
                let (range, verdicts) = read.await?;
                (Body::Range(Box::new(range)), scope, Some(*period), verdicts)
            }
        };
        let is_range = period.is_some();
        let head = Head {
            report_id: job.id,
            title: title(job, is_range),
            tenant: self.tenant(tenant).await?,
            period,
            generated_at: Instant(now_us),
            generated_by: job.created_by.clone(),
            software: concat!("ai-audit-layer ", env!("CARGO_PKG_VERSION")).to_owned(),
            template: TEMPLATE_VERSION.to_owned(),
            source: SOURCE.to_owned(),
            parameters: request.parameters.clone(),
            verdicts: all_verdicts(verdicts, sealed.checkpoint.as_ref()),
            checkpoint: sealed.checkpoint,
            limits: limits(is_range),
            clauses: clauses(is_range),
            fields: fields(),
        };
        Ok(Report {
            schema: SCHEMA.to_owned(),
            head,
            body,
        })
    }

    async fn tenant(&self, id: Option<Uuid>) -> Result<Tenant, MakeError> {
        let found = match id {
            Some(id) => self.control.tenant(id).await?,
            None => None,
        };
        Ok(Tenant {
            id,
            name: found.map(|tenant| tenant.name),
        })
    }

    /// Every format from the one model.
    async fn files(&self, report: &Report, formats: &[Format]) -> Result<Vec<MadeFile>, MakeError> {
        let json = report.to_json()?;
        let mut files = Vec::new();
        for &format in formats {
            let bytes = match format {
                Format::Pdf => self.pdf(report, &json).await?,
                Format::Csv => to_csv(report)?,
                Format::Json => json.clone(),
            };
            files.push(MadeFile { format, bytes });
        }
        Ok(files)
    }

    async fn pdf(&self, report: &Report, json: &[u8]) -> Result<Vec<u8>, MakeError> {
        let renderer = self
            .renderer
            .as_ref()
            .map_err(|reason| MakeError::NoRenderer(reason.clone()))?;
        let plain = renderer.render(self.templates.render(report)?).await?;
        let kind = match report.body {
            Body::Decision(_) => "Decision audit report",
            Body::Range(_) => "System audit report",
        };
        let head = &report.head;
        let stamp = Stamp {
            heading: format!("AI Audit Layer \u{b7} {kind}"),
            identity: format!(
                "Report {} \u{b7} report.json SHA-256 {}",
                head.report_id,
                sha256(json)
            ),
            title: head.title.clone(),
            generated_at_us: head.generated_at.0,
        };
        Ok(stamp_pages(&plain, &stamp)?.0)
    }
}

const SOURCE: &str = "Source: table records of the ledger's store, all records of the chains up to the lengths found \
                      when reading began and with a source time inside the period; filters are applied to events only. \
                      Facts are taken from each record's header after it was compared with the hash in its leaf.";

fn title(job: &Job, is_range: bool) -> String {
    let plain = if is_range {
        "System audit report"
    } else {
        "Decision audit report"
    };
    if job.title.trim().is_empty() {
        plain.to_owned()
    } else {
        job.title.clone()
    }
}

/// The verdicts in the order of the ledger's verifier; what was not checked is unproven.
fn all_verdicts(found: Vec<Verdict>, checkpoint: Option<&Checkpoint>) -> Vec<Verdict> {
    let identity = match checkpoint {
        Some(_) => {
            "the newest signed checkpoint is quoted below; its signature is for a verifier with its own trust policy"
        }
        None => "no signed checkpoint was available",
    };
    let unchecked = [
        ("content", "not checked"),
        (
            "scope",
            "completeness of the chains is checked by reports of a period and by audit verify",
        ),
        ("identity", identity),
        (
            "time",
            "not checked while reporting; audit verify compares edge times with the epochs",
        ),
        ("witness", "no witness is configured"),
        ("erasure", "not checked while reporting; audit verify does"),
        (
            "report",
            "compare report.json with the value at the foot of each page",
        ),
    ];
    let verdict = |(name, detail): (&str, &str)| {
        found
            .iter()
            .find(|verdict| verdict.name == name)
            .cloned()
            .unwrap_or_else(|| Verdict {
                name: name.to_owned(),
                state: VerdictState::Unproven,
                checked: 0,
                detail: detail.to_owned(),
            })
    };
    unchecked.into_iter().map(verdict).collect()
}
