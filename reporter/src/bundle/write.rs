//! From a request to the file.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::time::Duration;

use aal_bundle::erased::absent_keys;
use aal_bundle::limits::MAX_ABSENT_KEYS;
use aal_bundle::plan::{HeadsPlan, TipTree, plan, select};
use aal_bundle::scope::FORMAT;
use aal_bundle::{
    BundleWriter, Disclosure, EpochRange, Filter, FilterError, MemberKind, Opening, Scope, Sealed, Summary,
    WriteError, WriteLimits,
};
use aal_ledger::merkle::CompactRange;
use aal_ledger::{ChainId, LeafView, Manifest, leaf_hash};
use serde::Deserialize;
use tempfile::NamedTempFile;
use uuid::Uuid;

use crate::bundle::epochs::{self, RangeError};
use crate::bundle::erasures::Absent;
use crate::bundle::objects::{Log, ObjectError};
use crate::bundle::records::{self, Pages};
use crate::model::Period;
use crate::read::Reader;

/// How long a bundle waits for the epoch that seals what it is about.
const SEAL_WAIT: Duration = Duration::from_secs(60);
/// How many epochs before the last one are looked at for cosignatures and timestamps.
const EPOCHS_BACK: u64 = 60;
const SEAL_POLL: Duration = Duration::from_millis(500);

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error(transparent)]
    Range(#[from] RangeError),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("cannot read the records from the store")]
    Store(#[from] clickhouse::error::Error),
    #[error("the temporary file of the bundle failed: {0}")]
    File(#[from] std::io::Error),
    #[error("no bundles are made here: the reporter is configured without anchors")]
    NoAnchors,
    #[error("content under more than {MAX_ABSENT_KEYS} data keys is erased; choose a shorter period")]
    TooMuchErased,
    #[error("record {index} of chain {chain} is missing in the store; run audit verify")]
    Missing { chain: ChainId, index: u64 },
}

impl BundleError {
    /// Whether another try may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Object(error) | Self::Range(RangeError::Object(error)) => error.is_transient(),
            _ => false,
        }
    }
}

/// Where a bundle stops with an error.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BundleLimits {
    /// Records of one bundle.
    pub records: u64,
    /// Bytes of one bundle.
    pub bytes: u64,
}

impl Default for BundleLimits {
    fn default() -> Self {
        let limits = WriteLimits::default();
        Self {
            records: limits.max_records,
            bytes: limits.max_bytes,
        }
    }
}

/// What a bundle is asked for.
#[derive(Debug, Clone)]
pub struct BundleRequest {
    pub period: Period,
    /// `None`: all tenants.
    pub tenant: Option<Uuid>,
    pub filter: Filter,
    pub disclosure: Disclosure,
    /// Leaves of chains that must be in it whatever the period, such as those a report was made from.
    pub needed: HashMap<ChainId, u64>,
    pub reports: ReportFiles,
}

/// Files of a report that go into the bundle.
#[derive(Debug, Clone, Default)]
pub struct ReportFiles {
    pub json: Option<Vec<u8>>,
    pub pdf: Option<Vec<u8>>,
    pub csv: Option<Vec<u8>>,
}

/// A finished bundle; the file goes with the value.
#[derive(Debug)]
pub struct BundleFile {
    pub file: NamedTempFile,
    pub summary: Summary,
}

/// Makes bundles.
#[derive(Debug, Clone)]
pub struct BundleMaker {
    pub log: Log,
    pub reader: Reader,
    pub limits: BundleLimits,
}

impl BundleMaker {
    /// Makes the bundle.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub async fn make(&self, request: &BundleRequest) -> Result<BundleFile, BundleError> {
        let range = self.sealed_range(request).await?;
        let tip = self.log.checkpoint(range.tip_epoch).await?;
        let origin = String::from_utf8_lossy(&tip.note);
        let origin = origin.lines().next().unwrap_or_default().to_owned();
        let scope = scope_of(request, range, origin);
        let file = NamedTempFile::new()?;
        let output = BufWriter::new(file.reopen()?);
        let limits = WriteLimits {
            max_records: self.limits.records,
            max_bytes: self.limits.bytes,
        };
        let mut writer = BundleWriter::new(output, &scope, limits)?;
        for (kind, bytes) in [
            (MemberKind::ReportJson, &request.reports.json),
            (MemberKind::ReportPdf, &request.reports.pdf),
            (MemberKind::ReportCsv, &request.reports.csv),
        ] {
            if let Some(bytes) = bytes {
                writer.report(kind, bytes)?;
            }
        }
        self.write_log(&mut writer, range).await?;
        let planned = self.write_heads(&mut writer, &scope).await?;
        let absent = self.write_records(&mut writer, &scope, &planned).await?;
        self.write_erasures(&mut writer, range.tip_epoch, &planned.spans, &absent)
            .await?;
        let (_, summary) = writer.finish()?;
        Ok(BundleFile { file, summary })
    }

    /// The epochs, once everything of the period that is stored now is sealed.
    async fn sealed_range(&self, request: &BundleRequest) -> Result<EpochRange, BundleError> {
        let (from_us, to_us) = (request.period.from.0, request.period.to.0);
        let mut needed = records::needed(&self.reader, request.tenant, from_us, to_us).await?;
        for (chain, size) in &request.needed {
            let known = needed.entry(*chain).or_default();
            *known = (*known).max(*size);
        }
        let deadline = tokio::time::Instant::now() + SEAL_WAIT;
        loop {
            match epochs::range(&self.log, from_us, to_us, &needed).await {
                Err(RangeError::Unsealed | RangeError::NotYet) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(SEAL_POLL).await;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    async fn write_log(&self, writer: &mut Writer, range: EpochRange) -> Result<(), BundleError> {
        let before = match range.first_manifest().checked_sub(1) {
            Some(epoch) => self.log.log_after(epoch).await?,
            None => CompactRange::new(),
        };
        writer.before_range(&before)?;
        let mut epochs: Vec<u64> = range.base_epoch.into_iter().collect();
        epochs.extend(self.seen_by_others(range).await?);
        epochs.extend([range.last_epoch, range.tip_epoch]);
        epochs.sort_unstable();
        epochs.dedup();
        for epoch in epochs {
            writer.checkpoint(&self.log.checkpoint(epoch).await?)?;
        }
        if range.tip_epoch > range.last_epoch {
            let mut tree = TipTree::new(self.log.log_after(range.last_epoch).await?);
            for epoch in range.last_epoch + 1..=range.tip_epoch {
                tree.append(leaf_hash(&self.log.manifest(epoch).await?.0));
            }
            // The last epoch's log is never empty, so there is a proof.
            writer.tip_proof(&tree.proof().unwrap_or_default())?;
        }
        for epoch in range.first_manifest()..=range.last_epoch {
            writer.manifest(&self.log.manifest(epoch).await?.0)?;
        }
        Ok(())
    }

    /// The newest epochs of the range that witnesses cosigned and that an authority stamped.
    async fn seen_by_others(&self, range: EpochRange) -> Result<Vec<u64>, BundleError> {
        let first = range
            .first_manifest()
            .max(range.last_epoch.saturating_sub(EPOCHS_BACK));
        let (mut cosigned, mut stamped) = (None, None);
        for epoch in (first..=range.last_epoch).rev() {
            let files = self.log.checkpoint(epoch).await?;
            if cosigned.is_none() && files.cosigned.is_some() {
                cosigned = Some(epoch);
            }
            if stamped.is_none() && !files.tokens.is_empty() {
                stamped = Some(epoch);
            }
            if cosigned.is_some() && stamped.is_some() {
                break;
            }
        }
        Ok(cosigned.into_iter().chain(stamped).collect())
    }

    async fn write_heads(&self, writer: &mut Writer, scope: &Scope) -> Result<HeadsPlan, BundleError> {
        let base: Option<Manifest> = match scope.range.base_epoch {
            Some(epoch) => Some(self.log.manifest(epoch).await?.1),
            None => None,
        };
        let base = match &base {
            Some(manifest) => Some((
                self.log.heads(manifest).await?,
                self.log.frontiers(manifest).await?,
            )),
            None => None,
        };
        let last = self.log.manifest(scope.range.last_epoch).await?.1;
        let last = self.log.heads(&last).await?;
        let base = base.as_ref().map(|(heads, frontiers)| (heads, frontiers));
        let planned = plan(base, &last, scope.tenant).map_err(WriteError::from)?;
        writer.heads(
            planned.base.as_deref(),
            &planned.last,
            planned.chains,
            &planned.frontiers,
        )?;
        Ok(planned)
    }

    async fn write_records(
        &self,
        writer: &mut Writer,
        scope: &Scope,
        planned: &HeadsPlan,
    ) -> Result<Absent, BundleError> {
        let mut absent = Absent::default();
        for span in &planned.spans {
            let mut pages = Pages::new(&self.reader, *span);
            let mut index = span.first;
            loop {
                let page = pages.next().await?;
                if page.is_empty() && index >= span.end {
                    break;
                }
                if page.is_empty() {
                    let chain = span.chain;
                    return Err(BundleError::Missing { chain, index });
                }
                for row in page {
                    if row.chain_index != index {
                        let chain = span.chain;
                        return Err(BundleError::Missing { chain, index });
                    }
                    index += 1;
                    let stored = row.into_stored();
                    let openings = stored.templates.iter().filter_map(|template| {
                        Some(Opening {
                            slot: template.slot,
                            salt: template.salt.as_deref()?.try_into().ok()?,
                            text: &template.text,
                        })
                    });
                    let ciphertexts = stored.ciphertexts.iter().map(|sealed| Sealed {
                        slot: sealed.slot,
                        ciphertext: &sealed.ciphertext,
                    });
                    let (openings, ciphertexts) = (openings.collect(), ciphertexts.collect());
                    let entry = select(scope, &stored.leaf, &stored.header, openings, ciphertexts);
                    let entry = entry.map_err(WriteError::from)?;
                    let keys = absent_keys(scope, &entry).into_iter();
                    absent.keys.extend(keys.map(|key| (span.chain.tenant, key)));
                    if entry.header.is_empty()
                        && let Ok(leaf) = LeafView::new(entry.leaf)
                    {
                        absent.pruned.push(span.chain, leaf.index(), leaf.t_edge_us());
                    }
                    if absent.keys.len() > MAX_ABSENT_KEYS {
                        return Err(BundleError::TooMuchErased);
                    }
                    writer.record(&entry)?;
                }
            }
        }
        Ok(absent)
    }
}

pub(super) type Writer = BundleWriter<BufWriter<File>>;

fn scope_of(request: &BundleRequest, range: EpochRange, origin: String) -> Scope {
    Scope {
        coverage: COVERAGE.to_owned(),
        disclosure: request.disclosure,
        filter: request.filter.clone(),
        filter_text: request.filter.in_words().chars().take(1_000).collect(),
        format: FORMAT.to_owned(),
        from_us: request.period.from.0,
        origin,
        range,
        software: concat!("ai-audit-layer ", env!("CARGO_PKG_VERSION")).to_owned(),
        tenant: request.tenant,
        to_us: request.period.to.0,
    }
}

const COVERAGE: &str = "This bundle shows every record that the named epochs sealed, and nothing else. It cannot show \
    events that never reached the edge or the topic; records made after its last epoch, also late ones about its \
    period; that the clock of a source was right; that no copy of a destroyed key exists; what content that the filter \
    or the disclosure withholds says; or, for one tenant, that the tenant has no other chains. Columns of the database \
    are no evidence and not part of it. Without an independent witness it cannot show that the holder of the signing \
    key did not show another log to somebody else. Verify it with a trust policy that came another way than the bundle.";
