//! Lists of destroyed keys in the object store: a copy beside the ledger and the control store, so that no single
//! restored backup can bring a key back unnoticed. Ids only; nothing about anybody.

use aal_ledger::jcs;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::request::Erasure;

/// Folder of everything about erasures.
pub const FOLDER: &str = "erasures";
const FORMAT: &str = "aal/erased-keys/v1";
/// A list that is longer is not ours.
const MAX_LIST_BYTES: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
struct List {
    format: String,
    erasure: Uuid,
    tenant: Uuid,
    keys: Vec<Uuid>,
}

/// Why a list was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("the object store: {0}")]
    Store(#[from] object_store::Error),
    #[error("the list {0} is not one of erased keys; look why it was changed, and restore it")]
    Form(String),
}

/// `erasures/<tenant>/<id>/<name>`.
pub fn place(tenant: Uuid, id: Uuid, name: &str) -> Path {
    Path::from_iter([FOLDER, &tenant.to_string(), &id.to_string(), name])
}

/// Writes the list of an erasure.
pub(crate) async fn write(objects: &dyn ObjectStore, erasure: &Erasure) -> Result<(), ListError> {
    let list = List {
        format: FORMAT.to_owned(),
        erasure: erasure.id,
        tenant: erasure.tenant,
        keys: erasure.keys.clone(),
    };
    let place = place(erasure.tenant, erasure.id, "keys.json");
    let value = serde_json::to_value(&list).map_err(|_| ListError::Form(place.to_string()))?;
    let bytes = jcs::to_vec(&value).map_err(|_| ListError::Form(place.to_string()))?;
    objects.put(&place, bytes.into()).await?;
    Ok(())
}

/// Every key of every list, with its tenant. Lists of erasures that are not past the decision do not exist.
pub(crate) async fn read_all(objects: &dyn ObjectStore) -> Result<Vec<(Uuid, Uuid, Uuid)>, ListError> {
    let mut keys = Vec::new();
    let found: Vec<_> = objects
        .list(Some(&Path::from(FOLDER)))
        .try_collect()
        .await
        .or_else(|error| match error {
            object_store::Error::NotFound { .. } => Ok(Vec::new()),
            other => Err(other),
        })?;
    for object in found {
        if object.location.filename() != Some("keys.json") {
            continue;
        }
        let bad = || ListError::Form(object.location.to_string());
        if object.size > MAX_LIST_BYTES {
            return Err(bad());
        }
        let bytes = objects.get(&object.location).await?.bytes().await?;
        let list: List = serde_json::from_slice(&bytes).map_err(|_| bad())?;
        if list.format != FORMAT {
            return Err(bad());
        }
        keys.extend(list.keys.iter().map(|key| (list.erasure, list.tenant, *key)));
    }
    Ok(keys)
}
