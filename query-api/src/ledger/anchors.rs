//! The anchor log as the sealer keeps it in the object store (docs/ledger-format.md, section 7.1).

use std::sync::{Arc, Mutex, PoisonError};

use aal_ledger::hash::to_hex;
use aal_ledger::merkle::CompactRange;
use aal_ledger::tile::number_path;
use aal_ledger::{ChainHead, ChainId, Hash, Heads, Manifest, leaf_hash};
use aal_service::Problem;
use aal_service::times::rfc3339_us;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};
use warp::reply::Response;

use crate::call::{Call, json};
use crate::ledger::tile_reader::TileReader;

/// Objects above this size are not read.
const MAX_OBJECT_BYTES: u64 = 256 * 1024 * 1024;
/// Of an object that is too long to be what its name says, this much is shown to verifiers.
const SHOWN_OF_TOO_LONG: u64 = 64 * 1024;
/// Epochs of one answer.
const MAX_EPOCHS: u32 = 1_000;

/// Reads the anchor log.
#[derive(Debug)]
pub(crate) struct Anchors {
    store: Arc<dyn ObjectStore>,
    tiles: TileReader,
    /// The newest epoch as it was read last: epochs never change, so only its number is asked for again.
    newest: Mutex<Option<Arc<Newest>>>,
}

/// The newest epoch with its heads.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) epoch: Epoch,
    pub(crate) heads: Heads,
}

impl Newest {
    pub(crate) fn head(&self, chain: ChainId) -> Option<&ChainHead> {
        self.heads.chains().iter().find(|head| head.chain == chain)
    }
}

/// One sealed epoch.
#[derive(Debug)]
pub(crate) struct Epoch {
    pub(crate) manifest: Manifest,
    pub(crate) manifest_text: String,
    pub(crate) checkpoint_text: String,
}

impl Anchors {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            tiles: TileReader::new(Arc::clone(&store)),
            store,
            newest: Mutex::new(None),
        }
    }

    /// Tiles of the anchor log and of the chains.
    pub(crate) fn tiles(&self) -> &TileReader {
        &self.tiles
    }

    /// An object; `None` when there is none.
    pub(crate) async fn bytes(&self, name: &str) -> Result<Option<Bytes>, Problem> {
        let found = match self.store.get(&Path::from(name)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(down(name, &error)),
        };
        if found.meta.size > MAX_OBJECT_BYTES {
            return Err(unreadable(name, "it is too long"));
        }
        found.bytes().await.map(Some).map_err(|error| down(name, &error))
    }

    /// The text of an object; `None` when there is none.
    async fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        let Some(bytes) = self.bytes(name).await? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes.to_vec());
        text.map(Some).map_err(|_| unreadable(name, "it is not UTF-8"))
    }

    /// The text of an object for a verifier, who judges it: what is not UTF-8 or too long stays unlike anything valid.
    pub(crate) async fn shown(&self, name: &str) -> Result<Option<String>, Problem> {
        let lossy = |bytes: Bytes| String::from_utf8_lossy(&bytes).into_owned();
        let path = Path::from(name);
        let size = match self.store.head(&path).await {
            Ok(meta) => meta.size,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(down(name, &error)),
        };
        if size <= MAX_OBJECT_BYTES {
            return Ok(self.bytes(name).await?.map(lossy));
        }
        let beginning = self.store.get_range(&path, 0..SHOWN_OF_TOO_LONG).await;
        beginning
            .map(|bytes| Some(lossy(bytes)))
            .map_err(|error| down(name, &error))
    }

    /// The epoch that verification ends with: the one that `latest` names, or a newer one that has a checkpoint; when
    /// there is no such hint, the newest with a checkpoint. What `latest` names may be gone, which is a finding.
    pub(crate) async fn tip(&self) -> Result<Option<u64>, Problem> {
        let hint = self.hint().await?;
        let start = hint.unwrap_or(0);
        if hint.is_none() && !self.has_checkpoint(start).await? {
            return Ok(None);
        }
        // Double the step until an epoch is missing, then halve the interval.
        let (mut present, mut step) = (start, 1_u64);
        while self.has_checkpoint(present.saturating_add(step)).await? {
            present = present.saturating_add(step);
            step = step.saturating_mul(2);
        }
        let mut absent = present.saturating_add(step);
        while absent - present > 1 {
            let middle = present + (absent - present) / 2;
            if self.has_checkpoint(middle).await? {
                present = middle;
            } else {
                absent = middle;
            }
        }
        Ok(Some(present))
    }

    async fn has_checkpoint(&self, epoch: u64) -> Result<bool, Problem> {
        let name = format!("epoch/{}/checkpoint", number_path(epoch));
        match self.store.head(&Path::from(name.as_str())).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(down(&name, &error)),
        }
    }

    /// The newest complete epoch; `None` before the first one.
    pub(crate) async fn latest(&self) -> Result<Option<Epoch>, Problem> {
        match self.latest_number().await? {
            Some(number) => self.epoch(number).await,
            None => Ok(None),
        }
    }

    /// What `latest` says; it is a hint only, so where it is gone or no number the epochs themselves are asked.
    async fn latest_number(&self) -> Result<Option<u64>, Problem> {
        match self.hint().await? {
            Some(number) => Ok(Some(number)),
            None => self.tip().await,
        }
    }

    async fn hint(&self) -> Result<Option<u64>, Problem> {
        let text = self.shown("latest").await?;
        Ok(text.and_then(|text| text.trim_end().parse().ok()))
    }

    /// The newest complete epoch and its heads; `None` before the first one.
    pub(crate) async fn newest(&self) -> Result<Option<Arc<Newest>>, Problem> {
        let Some(number) = self.latest_number().await? else {
            return Ok(None);
        };
        let known = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.epoch.manifest.epoch == number) {
            return Ok(Some(known));
        }
        let Some(epoch) = self.epoch(number).await? else {
            return Ok(None);
        };
        let (_, heads) = self.heads(&epoch.manifest).await?;
        let newest = Arc::new(Newest { epoch, heads });
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&newest));
        Ok(Some(newest))
    }

    /// An epoch's checkpoint with the witnesses' lines; `None` when no witness signed it.
    pub(crate) async fn cosigned(&self, number: u64) -> Result<Option<String>, Problem> {
        self.text(&format!("epoch/{}/cosigned", number_path(number)))
            .await
    }

    /// One epoch; `None` when it is not sealed.
    pub(crate) async fn epoch(&self, number: u64) -> Result<Option<Epoch>, Problem> {
        let Some((manifest, manifest_text)) = self.manifest(number).await? else {
            return Ok(None);
        };
        let name = format!("epoch/{}/checkpoint", number_path(number));
        let Some(checkpoint_text) = self.text(&name).await? else {
            return Ok(None);
        };
        Ok(Some(Epoch {
            manifest,
            manifest_text,
            checkpoint_text,
        }))
    }

    /// A manifest as it is stored.
    pub(crate) async fn manifest_text(&self, number: u64) -> Result<Option<String>, Problem> {
        self.text(&format!("epoch/{}/manifest", number_path(number)))
            .await
    }

    async fn manifest(&self, number: u64) -> Result<Option<(Manifest, String)>, Problem> {
        let name = format!("epoch/{}/manifest", number_path(number));
        let Some(text) = self.text(&name).await? else {
            return Ok(None);
        };
        let manifest =
            Manifest::parse(text.as_bytes()).map_err(|error| unreadable(&name, &error.to_string()))?;
        Ok(Some((manifest, text)))
    }

    /// The heads that a manifest names, as they are stored.
    pub(crate) async fn heads_text(&self, manifest: &Manifest) -> Result<String, Problem> {
        let name = format!("heads/{}", to_hex(&manifest.heads_root));
        self.text(&name)
            .await?
            .ok_or_else(|| unreadable(&name, "it is missing"))
    }

    /// The heads that a manifest names, as text and read.
    pub(crate) async fn heads(&self, manifest: &Manifest) -> Result<(String, Heads), Problem> {
        let name = format!("heads/{}", to_hex(&manifest.heads_root));
        let text = self.heads_text(manifest).await?;
        let heads = Heads::parse(text.as_bytes()).map_err(|error| unreadable(&name, &error.to_string()))?;
        manifest
            .check_heads(&heads)
            .map_err(|error| unreadable(&name, &error.to_string()))?;
        Ok((text, heads))
    }

    /// The path from an epoch's manifest to the root of the anchor log after it, nearest hash first.
    ///
    /// The newest leaf's siblings are the perfect subtrees before it, which the sealer saves with each
    /// epoch. Where that is missing, the manifests are read. The caller checks the path either way.
    pub(crate) async fn path_of(&self, epoch: u64) -> Result<Vec<Hash>, Problem> {
        let Some(before) = epoch.checked_sub(1) else {
            return Ok(Vec::new());
        };
        let range = match self.saved_log(before).await? {
            Some(range) => range,
            None => self.log_of_manifests(before).await?,
        };
        Ok(range.hashes().iter().rev().copied().collect())
    }

    async fn saved_log(&self, epoch: u64) -> Result<Option<CompactRange>, Problem> {
        let bytes = self.bytes(&format!("epoch/{}/log", number_path(epoch))).await?;
        let range = bytes.and_then(|bytes| CompactRange::from_bytes(&bytes).ok());
        Ok(range.filter(|range| range.size() == epoch + 1))
    }

    async fn log_of_manifests(&self, epoch: u64) -> Result<CompactRange, Problem> {
        let mut log = CompactRange::new();
        for number in 0..=epoch {
            let missing = || unreadable(&format!("manifest of epoch {number}"), "it is missing");
            let text = self.manifest_text(number).await?.ok_or_else(missing)?;
            log.append(leaf_hash(text.as_bytes()));
        }
        Ok(log)
    }
}

fn down(name: &str, error: &object_store::Error) -> Problem {
    tracing::warn!(%error, name, "anchor store failed");
    Problem::unavailable("the anchor store does not answer; try again").with_retry_after(5)
}

fn unreadable(name: &str, why: &str) -> Problem {
    tracing::error!(name, why, "anchor object cannot be used");
    Problem::internal(format!(
        "the anchor store's {name} cannot be used: {why}; run audit verify"
    ))
}

fn epoch_json(epoch: &Epoch, with_manifest: bool) -> Value {
    let manifest = &epoch.manifest;
    let mut value = json!({
        "epoch": manifest.epoch, "sealed_at": rfc3339_us(manifest.closed_us), "chains": manifest.head_count,
        "leaves": manifest.leaf_count, "manifest_hash": to_hex(&manifest.hash()),
    });
    if with_manifest {
        value["manifest"] = epoch.manifest_text.clone().into();
    }
    value
}

/// `GET /api/v1/checkpoints`: the newest epochs, newest first; with `manifests=true` their manifests too.
pub(crate) async fn checkpoints(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["limit", "before", "manifests"])?;
    let limit = query.limit(20, MAX_EPOCHS)?;
    let with_manifests = query.boolean("manifests")?.unwrap_or(false);
    let anchors = &call.app.anchors;
    let Some(latest) = anchors.latest().await? else {
        return json(&json!({"origin": origin(&call), "latest": null, "items": []}));
    };
    let end = query
        .parsed::<u64>("before", "an epoch number")?
        .unwrap_or(u64::MAX);
    let mut next = end.min(latest.manifest.epoch + 1);
    let mut items = Vec::new();
    while next > 0 && items.len() < limit as usize {
        next -= 1;
        let missing = || unreadable(&format!("epoch {next}"), "it is missing");
        let epoch = anchors.epoch(next).await?.ok_or_else(missing)?;
        items.push(epoch_json(&epoch, with_manifests));
    }
    json(&json!({
        "origin": origin(&call),
        "latest": {"epoch": latest.manifest.epoch, "checkpoint": latest.checkpoint_text,
                   "manifest": latest.manifest_text},
        "items": items,
    }))
}

fn origin(call: &Call) -> Option<String> {
    call.app.trust.as_ref().map(|trust| trust.origin.clone())
}

/// `GET /api/v1/checkpoints/{epoch}`: one epoch with everything a verifier needs of it.
pub(crate) async fn checkpoint(call: Call) -> Result<Response, Problem> {
    let text = call.request.path.first().map_or("", String::as_str);
    let number = text
        .parse()
        .map_err(|_| Problem::bad_request("what the path holds for the epoch is not a number"))?;
    let unknown = || Problem::not_found("this epoch is not sealed");
    let epoch = call.app.anchors.epoch(number).await?.ok_or_else(unknown)?;
    let (heads, _) = call.app.anchors.heads(&epoch.manifest).await?;
    let mut value = epoch_json(&epoch, true);
    value["checkpoint"] = epoch.checkpoint_text.into();
    // Heads name every tenant's chains: they are for those who may see every tenant.
    if call.scope.tenants == aal_control::TenantScope::All {
        value["heads"] = heads.into();
    }
    json(&value)
}
