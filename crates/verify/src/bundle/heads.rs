//! Heads at the base and at the end of the range, and the frontiers between (docs/evidence-bundle.md sections 3.5, 3.6).

use std::collections::{BTreeMap, HashMap};

use aal_bundle::{FormError, HeadLine, parts};
use aal_ledger::merkle::{CompactRange, verify};
use aal_ledger::{ChainHead, ChainId, Heads, Manifest, ShardHead, leaf_hash};
use uuid::Uuid;

use crate::bundle::chains::ChainRange;
use crate::report::{Place, Tally, Verdict};

/// Leaves of one chain, and of all heads, that this verifier follows; beyond it sums could overflow.
const MAX_CHAIN: u64 = 1 << 62;

/// Chain heads of one epoch in their order, and all shards when the bundle is of all tenants.
#[derive(Debug, Default)]
pub(crate) struct EpochHeads {
    pub(crate) chains: Vec<ChainHead>,
    pub(crate) shards: BTreeMap<u32, ShardHead>,
}

fn identity(tally: &mut Tally, place: Place, what: impl Into<String>) {
    tally.refute(Verdict::Identity, place, what);
}

impl EpochHeads {
    /// `heads/base` or `heads/last` under the manifest of its epoch; `None`: no manifest vouches for it.
    pub(crate) fn read(
        name: &str,
        bytes: &[u8],
        tenant: Option<Uuid>,
        manifest: Option<&Manifest>,
        tally: &mut Tally,
    ) -> Result<EpochHeads, FormError> {
        if manifest.is_none() {
            let what = format!("no signed manifest vouches for {name}");
            tally.unproven(Verdict::Identity, Place::default(), what);
        }
        let heads = match tenant {
            None => Self::whole(name, bytes, manifest, tally)?,
            Some(tenant) => Self::part(name, bytes, tenant, manifest, tally)?,
        };
        match heads.chains.iter().find(|head| head.size > MAX_CHAIN) {
            Some(head) => Err(FormError::content(
                name,
                format!("chain {} is too long", head.chain),
            )),
            None => Ok(heads),
        }
    }

    fn whole(
        name: &str,
        bytes: &[u8],
        manifest: Option<&Manifest>,
        tally: &mut Tally,
    ) -> Result<EpochHeads, FormError> {
        let heads = Heads::parse(bytes).map_err(|error| FormError::content(name, error))?;
        if let Some(manifest) = manifest {
            tally.checked(Verdict::Identity, 1);
            if let Err(error) = manifest.check_heads(&heads) {
                identity(tally, Place::default(), format!("{name}: {error}"));
            }
        }
        Ok(EpochHeads {
            chains: heads.chains().to_vec(),
            shards: heads.shards().iter().map(|head| (head.shard, *head)).collect(),
        })
    }

    fn part(
        name: &str,
        bytes: &[u8],
        tenant: Uuid,
        manifest: Option<&Manifest>,
        tally: &mut Tally,
    ) -> Result<EpochHeads, FormError> {
        let lines = parts::parse_head_lines(name, bytes)?;
        for pair in lines.windows(2) {
            if pair[1].index != pair[0].index.saturating_add(1) || pair[1].line <= pair[0].line {
                return Err(FormError::content(name, "its lines do not follow each other"));
            }
        }
        if let Some(line) = lines.iter().find(|line| line.head.chain.tenant != tenant) {
            let problem = format!("chain {} is not of the scope's tenant", line.head.chain);
            return Err(FormError::content(name, problem));
        }
        if let Some(manifest) = manifest {
            lines
                .iter()
                .for_each(|line| check_line(name, line, manifest, tally));
        }
        let mut chains: Vec<ChainHead> = lines.iter().map(|line| line.head).collect();
        chains.dedup_by_key(|head| head.chain);
        if chains.len() != lines.len() {
            return Err(FormError::content(name, "a chain stands twice in it"));
        }
        Ok(EpochHeads {
            chains,
            shards: BTreeMap::new(),
        })
    }

    /// The chains that grew since `base`, in order.
    pub(crate) fn grown_since(
        &self,
        base: &EpochHeads,
        frontiers: Vec<(ChainId, CompactRange)>,
        tally: &mut Tally,
    ) -> Result<Vec<ChainRange>, FormError> {
        self.check_follows(base, tally);
        let before: HashMap<ChainId, &ChainHead> =
            base.chains.iter().map(|head| (head.chain, head)).collect();
        let mut frontiers = frontiers.into_iter();
        let mut ranges = Vec::new();
        for last in &self.chains {
            let Some(old) = before.get(&last.chain) else {
                ranges.push(ChainRange::from_the_beginning(*last));
                continue;
            };
            if old.size >= last.size {
                continue;
            }
            let frontier = frontiers.next().filter(|(chain, _)| *chain == last.chain);
            let (_, range) = frontier.ok_or_else(|| {
                FormError::content(
                    "frontiers",
                    format!("chain {} is missing or out of order", last.chain),
                )
            })?;
            tally.checked(Verdict::Identity, 1);
            if range.size() != old.size || range.root() != old.root {
                let what = "frontier has another size or root than the head of the base";
                identity(tally, Place::chain(last.chain), what);
            }
            if range.size() >= last.size {
                return Err(FormError::content(
                    "frontiers",
                    format!("chain {} is too long", last.chain),
                ));
            }
            ranges.push(ChainRange {
                chain: last.chain,
                base: range,
                base_leaf_hash: old.last_leaf_hash,
                last: *last,
            });
        }
        match frontiers.next() {
            Some((chain, _)) => Err(FormError::content(
                "frontiers",
                format!("chain {chain} did not grow"),
            )),
            None => Ok(ranges),
        }
    }

    /// Nothing vanished or shrank.
    fn check_follows(&self, base: &EpochHeads, tally: &mut Tally) {
        let now: HashMap<ChainId, &ChainHead> = self.chains.iter().map(|head| (head.chain, head)).collect();
        for old in &base.chains {
            tally.checked(Verdict::Identity, 1);
            let what = match now.get(&old.chain) {
                None => "chain of the base is missing in the last heads",
                Some(new) if new.size < old.size => "chain shrank between base and last heads",
                Some(new) if new.size == old.size && *new != old => "chain was rewritten at the same size",
                Some(_) => continue,
            };
            identity(tally, Place::chain(old.chain), what);
        }
        for (shard, old) in &base.shards {
            let grew = self
                .shards
                .get(shard)
                .is_some_and(|new| new.next_block >= old.next_block && new.next_offset >= old.next_offset);
            tally.checked(Verdict::Identity, 1);
            if !grew {
                identity(
                    tally,
                    Place::default(),
                    format!("shard {shard} is missing or shrank"),
                );
            }
        }
    }
}

fn check_line(name: &str, line: &HeadLine, manifest: &Manifest, tally: &mut Tally) {
    tally.checked(Verdict::Identity, 1);
    let hash = leaf_hash(line.line.as_bytes());
    let proven = verify::inclusion(
        manifest.head_count,
        line.index,
        &hash,
        &line.path,
        &manifest.heads_root,
    );
    if let Err(error) = proven {
        let what = format!("line of {name} is not in the heads: {error}");
        identity(tally, Place::chain(line.head.chain), what);
    }
}
