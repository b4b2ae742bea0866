//! What the ledger's own acts say about content that is absent: erasures and prunes, by tenant, kept for a while.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use aal_ledger::{ChainId, PrunedRun, Prunes};
use aal_store::{Store, StoreError};
use uuid::Uuid;

use crate::{rows, walk::unexplained};

/// How long a list of erased keys is believed before it is read again.
const ERASURES_FRESH: Duration = Duration::from_secs(60);

/// Lists that were read, and when.
#[derive(Debug, Default)]
pub(crate) struct Explained {
    erased: HashMap<Uuid, (Instant, HashSet<Uuid>)>,
    prunes: HashMap<Uuid, (Instant, Prunes)>,
}

impl Explained {
    /// The data keys that recorded erasures of a tenant name; read again when one of `wanted` is not among them.
    pub(crate) async fn erased_keys(
        &mut self,
        store: &Store,
        tenant: Uuid,
        wanted: &[Uuid],
    ) -> Result<HashSet<Uuid>, StoreError> {
        if let Some((read_at, keys)) = self.erased.get(&tenant)
            && read_at.elapsed() < ERASURES_FRESH
            && unexplained(wanted, keys).is_empty()
        {
            return Ok(keys.clone());
        }
        let keys = rows::erased_keys(store, tenant).await?;
        self.erased.insert(tenant, (Instant::now(), keys.clone()));
        Ok(keys)
    }

    /// Whether recorded prunes allow a record, read after `since`, to be pruned. A prune is told before anything is
    /// removed, so a list that is younger than the record's row knows it.
    pub(crate) async fn is_prune_told(
        &mut self,
        store: &Store,
        chain: ChainId,
        run: &PrunedRun,
        since: Instant,
    ) -> Result<bool, StoreError> {
        if let Some((read_at, prunes)) = self.prunes.get(&chain.tenant) {
            let is_told = prunes.unexplained(chain, run).is_none();
            if is_told || *read_at > since {
                return Ok(is_told);
            }
        }
        let prunes = rows::prunes(store, chain.tenant).await?;
        let is_told = prunes.unexplained(chain, run).is_none();
        // After the rows were read, whatever the clock's grain.
        self.prunes.insert(chain.tenant, (Instant::now(), prunes));
        Ok(is_told)
    }
}
