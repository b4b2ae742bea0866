//! From a job to its files.

use std::collections::HashMap;

use aal_control::{Control, Job, TenantScope};
use aal_ledger::ChainId;
use uuid::Uuid;

use crate::build::{RangeLimits, clauses, fields, limits};
use crate::bundle::{BundleError, BundleFile, BundleMaker, BundleRequest, ReportFiles};
use crate::csv::to_csv;
use crate::html::{HtmlError, TEMPLATE_VERSION, Templates};
use crate::model::{
    Body, Checkpoint, Head, Instant, Period, Report, SCHEMA, Tenant, Verdict, VerdictState, sha256,
};
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
    /// A prepared document is not what it should be.
    #[error("the prepared document {key} cannot be used: {reason}")]
    Document {
        /// Its key in the object store.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// No evidence bundle could be made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
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
            Self::Bundle(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// One finished file.
#[derive(Debug)]
pub struct MadeFile {
    /// Its format.
    pub format: Format,
    /// Its content.
    pub content: Content,
}

/// Content of a finished file.
#[derive(Debug)]
pub enum Content {
    /// Small enough for memory.
    Bytes(Vec<u8>),
    /// On disk, and gone with this value.
    Bundle(Box<BundleFile>),
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
    /// Evidence bundles, when there is an anchor.
    pub bundles: Option<BundleMaker>,
}

impl Maker {
    /// Reads what `job` asks for and renders it. `now_us` is printed as the time of generation.
    ///
    /// # Errors
    /// See [`MakeError`].
    pub async fn make(&self, job: &Job, now_us: i64) -> Result<Vec<MadeFile>, MakeError> {
        let request = Request::parse(&job.kind, &job.request)?;
        if let Subject::Bundle(period) = request.subject {
            let made = self.bundle(job, &request, period, HashMap::new(), &[]).await?;
            return Ok(vec![made]);
        }
        let report = self.report(job, &request, now_us).await?;
        let mut files = self.files(&report, &request.formats).await?;
        if request.bundle.is_some() {
            let (period, needed) = bundle_range(&report);
            let bundle = self.bundle(job, &request, period, needed, &files).await?;
            files.push(bundle);
        }
        Ok(files)
    }

    /// The evidence bundle of a job, with the files of its report inside.
    async fn bundle(
        &self,
        job: &Job,
        request: &Request,
        period: Period,
        needed: HashMap<ChainId, u64>,
        files: &[MadeFile],
    ) -> Result<MadeFile, MakeError> {
        let maker = self.bundles.as_ref().ok_or(BundleError::NoAnchors)?;
        let wish = request.bundle.clone().ok_or(BundleError::NoAnchors)?;
        let file = |format| {
            let found = files.iter().find(|file| file.format == format)?;
            match &found.content {
                Content::Bytes(bytes) => Some(bytes.clone()),
                Content::Bundle(_) => None,
            }
        };
        let bundle = BundleRequest {
            period,
            tenant: scope_of(job, request),
            filter: wish.filter,
            disclosure: wish.disclosure,
            needed,
            reports: ReportFiles {
                json: file(Format::Json),
                pdf: file(Format::Pdf),
                csv: file(Format::Csv),
            },
        };
        Ok(MadeFile {
            format: Format::Bundle,
            content: Content::Bundle(Box::new(maker.make(&bundle).await?)),
        })
    }

    async fn report(&self, job: &Job, request: &Request, now_us: i64) -> Result<Report, MakeError> {
        let sealed = match &self.anchor {
            Some(anchor) => anchor.newest().await.map_err(ReadError::from)?,
            None => Sealed::default(),
        };
        let scope = scope_of(job, request);
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
            // Not reached: such a job has no report.
            Subject::Bundle(_) => return Err(RequestError::Kind(job.kind.clone()).into()),
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
                // It holds the others, so it is made after them.
                Format::Bundle => continue,
            };
            let content = Content::Bytes(bytes);
            files.push(MadeFile { format, content });
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

/// Whose records a job is about.
fn scope_of(job: &Job, request: &Request) -> Option<Uuid> {
    match job.tenant {
        TenantScope::All => request.tenant,
        // The job's own limit wins over whatever the request names.
        TenantScope::One(tenant) => Some(tenant),
    }
}

/// The period of a report's bundle, and the leaves that the report was made from.
fn bundle_range(report: &Report) -> (Period, HashMap<ChainId, u64>) {
    match &report.body {
        Body::Range(range) => {
            let sizes = range.chains.iter().map(|chain| {
                let (tenant, shard) = (chain.tenant, chain.shard);
                (ChainId { tenant, shard }, chain.size)
            });
            let everything = Period {
                from: Instant(0),
                to: report.head.generated_at,
            };
            (report.head.period.unwrap_or(everything), sizes.collect())
        }
        Body::Decision(decision) => {
            // The epochs around the one decision.
            let at_us = decision.event.occurred_at.0;
            let period = Period {
                from: Instant(at_us),
                to: Instant(at_us.saturating_add(1)),
            };
            (period, HashMap::new())
        }
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
