//! Documents that another service prepared: data-subject exports by the query API, which holds the keys, and erasure
//! certificates by the eraser. Here they become files for people; nothing is added to them.

use aal_control::Job;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::Value;

use crate::csv::long_form;
use crate::make::{Content, MadeFile, MakeError, Maker};
use crate::model::sha256;
use crate::pdf::{Stamp, stamp_pages};
use crate::request::Format;

const SUBJECT_EXPORT: &str = "subject_export";
const CERTIFICATE: &str = "erasure_certificate";
/// Longest document that is rendered.
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;

/// Whether jobs of this kind render a prepared document.
pub(crate) fn is_document(kind: &str) -> bool {
    kind == SUBJECT_EXPORT || kind == CERTIFICATE
}

/// The files of a document: the JSON byte for byte, and the other formats from it.
///
/// # Errors
/// See [`MakeError`].
pub(crate) async fn make(
    maker: &Maker,
    objects: &dyn ObjectStore,
    job: &Job,
) -> Result<Vec<MadeFile>, MakeError> {
    let key = job.request["document"].as_str().unwrap_or_default();
    let bad = |reason: &str| MakeError::Document {
        key: key.to_owned(),
        reason: reason.to_owned(),
    };
    let found = match objects.get(&Path::from(key)).await {
        Err(object_store::Error::NotFound { .. }) => return Err(bad("it is no longer there")),
        found => found?,
    };
    if found.meta.size > MAX_DOCUMENT_BYTES {
        return Err(bad("it is longer than 64 MiB"));
    }
    let json = found.bytes().await?.to_vec();
    let document: Value = serde_json::from_slice(&json).map_err(|_| bad("it is not JSON"))?;
    let mut files = Vec::new();
    for format in formats(&job.request) {
        let bytes = match format {
            Format::Json => json.clone(),
            Format::Csv => long_form(&document),
            Format::Pdf => match pdf(maker, job, &document, &json).await {
                // The machine-readable files are the ones that must not fail for want of a renderer.
                Err(MakeError::NoRenderer(reason)) => {
                    tracing::warn!(job = %job.id, reason, "document made without pdf");
                    continue;
                }
                made => made?,
            },
            Format::Bundle => continue,
        };
        let content = Content::Bytes(bytes);
        files.push(MadeFile { format, content });
    }
    Ok(files)
}

fn formats(request: &Value) -> Vec<Format> {
    let names = request["format"].as_array().into_iter().flatten();
    let known = [Format::Pdf, Format::Csv, Format::Json];
    names
        .filter_map(Value::as_str)
        .filter_map(|name| known.into_iter().find(|format| format.name() == name))
        .collect()
}

async fn pdf(maker: &Maker, job: &Job, document: &Value, json: &[u8]) -> Result<Vec<u8>, MakeError> {
    let renderer = maker
        .renderer
        .as_ref()
        .map_err(|reason| MakeError::NoRenderer(reason.clone()))?;
    let (html, kind) = if job.kind == CERTIFICATE {
        (maker.templates.certificate(document)?, "Erasure certificate")
    } else {
        (maker.templates.subject_export(document)?, "Data-subject export")
    };
    let plain = renderer.render(html).await?;
    let stamp = Stamp {
        heading: format!("AI Audit Layer \u{b7} {kind}"),
        identity: format!("{} \u{b7} JSON SHA-256 {}", job.id, sha256(json)),
        title: job.title.clone(),
        generated_at_us: job.created_us,
    };
    Ok(stamp_pages(&plain, &stamp)?.0)
}
