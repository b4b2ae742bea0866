//! At a start: whatever was destroyed stays destroyed, whichever backup was restored.
//!
//! Three lists say what was: the ledger's `erasure_done` records, the control store's own note, and the lists in the
//! object store. A key on any of them is deleted where it is back, and rows that hold its texts again are emptied.

use std::collections::{BTreeMap, BTreeSet};

use aal_control::{Control, ControlError};
use aal_store::{Rewriting, Store, StoreError};
use object_store::ObjectStore;
use uuid::Uuid;

use crate::lists::{self, ListError};
use crate::rows;
use crate::runner::load;

/// Open requests read in one go.
const PAGE: u32 = 100;

/// What was found and done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reapplied {
    /// Destroyed keys on all lists together.
    pub known: usize,
    /// Keys that were back and were deleted again.
    pub deleted: Vec<Uuid>,
    /// Keys whose texts stand in rows again; they are being emptied.
    pub emptying: Vec<Uuid>,
}

/// Why the lists could not be applied; nothing is to be served before they are.
#[derive(Debug, thiserror::Error)]
pub enum ReapplyError {
    #[error("the list of erasures in the record store: {0}")]
    Store(#[from] StoreError),
    #[error("the list of erasures in the control store: {0}")]
    Control(#[from] ControlError),
    #[error("the lists of erasures in the object store: {0}")]
    List(#[from] ListError),
    #[error("the record store cannot empty rows that a restore brought back: {0}")]
    Rewriting(String),
}

/// Applies every list. Call it before anything is served or consumed; it may be called at any time.
///
/// # Errors
/// A list that cannot be read: then nothing may be served.
pub async fn reapply(
    store: &Store,
    control: &Control,
    objects: Option<&dyn ObjectStore>,
    now_us: i64,
) -> Result<Reapplied, ReapplyError> {
    let mut destroyed: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    let noted = control.erased_keys(i64::MIN).await?;
    let mut add = |tenant: Uuid, key: Uuid| destroyed.entry(tenant).or_default().insert(key);
    for (tenant, key) in rows::keys_in_ledger(store).await? {
        add(tenant, key);
    }
    for (tenant, key, _) in &noted {
        add(*tenant, *key);
    }
    if let Some(objects) = objects {
        for (_, tenant, key) in lists::read_all(objects).await? {
            add(tenant, key);
        }
    }
    let noted: BTreeSet<(Uuid, Uuid)> = noted.into_iter().map(|(tenant, key, _)| (tenant, key)).collect();
    let under_way = keys_under_way(control).await?;
    let mut done = Reapplied::default();
    for (tenant, keys) in &destroyed {
        done.known += keys.len();
        let keys: Vec<Uuid> = keys.iter().copied().collect();
        let back = control.remaining_keys(*tenant, &keys).await?;
        let unknown = keys.iter().filter(|key| !noted.contains(&(*tenant, **key)));
        let wanted: BTreeSet<Uuid> = back.iter().chain(unknown).copied().collect();
        if !wanted.is_empty() {
            let wanted: Vec<Uuid> = wanted.into_iter().collect();
            control.destroy_keys(*tenant, &wanted, now_us).await?;
            control.scrub().await?;
        }
        done.deleted.extend(back);
        // An erasure under way empties its rows itself, in its own time.
        let settled: Vec<Uuid> = keys
            .iter()
            .copied()
            .filter(|key| !under_way.contains(key))
            .collect();
        let again = rows::texts_again(store, *tenant, &settled).await?;
        if again.is_empty() {
            continue;
        }
        if let Rewriting::Failing(reason) = rows::empty(store, *tenant, &again).await? {
            return Err(ReapplyError::Rewriting(reason));
        }
        done.emptying.extend(again);
    }
    if !done.deleted.is_empty() || !done.emptying.is_empty() {
        tracing::error!(
            keys = done.deleted.len(),
            texts = done.emptying.len(),
            "a restored backup has brought erased data back; it is removed again before anything is served"
        );
    }
    Ok(done)
}

/// Keys of erasures that are not finished.
async fn keys_under_way(control: &Control) -> Result<BTreeSet<Uuid>, ControlError> {
    let mut keys = BTreeSet::new();
    let mut after = None;
    loop {
        let page = control.erasures().open(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(keys) };
        after = Some((last.requested_us, last.id));
        // A form that cannot be read is reported by the runner; its rows are then emptied here.
        keys.extend(
            page.into_iter()
                .filter_map(|row| load(row).ok())
                .flat_map(|erasure| erasure.keys),
        );
    }
}
