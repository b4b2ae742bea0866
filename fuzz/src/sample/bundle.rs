//! Evidence bundles of the sample log.

use aal_bundle::{
    BundleWriter, CheckpointFiles, Disclosure, Entry, EpochRange, Filter, HeadLine, Opening, Scope, Sealed,
    WriteLimits,
};
use aal_ledger::merkle::prove;
use aal_ledger::{ChainHead, ChainId, Heads, Kind, LeafView};
use uuid::Uuid;

use super::log::{Log, Record, compact};
use super::{START_US, record_proof};

/// What a bundle of the sample is about.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub base_epoch: Option<u64>,
    pub last_epoch: u64,
    pub tenant: Option<u128>,
    /// Value of the filter `model`.
    pub model: Option<&'static str>,
    /// Texts of this key are left out: it was destroyed.
    pub erased_key: Option<u128>,
    pub ciphertexts: bool,
    /// Of events that came before the log's first day only the leaf is left.
    pub pruned: bool,
}

/// The bundle's bytes.
pub fn write(log: &Log, wanted: Wanted, origin: &str) -> Vec<u8> {
    let tip_epoch = log.epochs.len() as u64 - 1;
    let tenant = wanted.tenant.map(Uuid::from_u128);
    let scope = Scope {
        coverage: "a sample, which shows nothing".to_owned(),
        disclosure: Disclosure {
            ciphertexts: wanted.ciphertexts,
            templates: true,
        },
        filter: Filter::new(wanted.model.map(|model| ("model", model))).expect("a known filter"),
        filter_text: String::new(),
        format: aal_bundle::scope::FORMAT.to_owned(),
        from_us: START_US,
        origin: origin.to_owned(),
        range: EpochRange {
            base_epoch: wanted.base_epoch,
            last_epoch: wanted.last_epoch,
            tip_epoch,
        },
        software: "sample".to_owned(),
        tenant,
        to_us: START_US + 1_000_000_000,
    };
    let mut writer =
        BundleWriter::new(Vec::new(), &scope, WriteLimits::default()).expect("memory can be written");
    let first = wanted.base_epoch.unwrap_or(0);
    writer
        .before_range(&compact(&log.anchor, first))
        .expect("written");
    let mut sizes: Vec<u64> = wanted.base_epoch.into_iter().collect();
    sizes.extend([wanted.last_epoch, tip_epoch]);
    sizes.dedup();
    for epoch in &sizes {
        let note = log.epochs[*epoch as usize].note.clone();
        let files = CheckpointFiles {
            note,
            ..CheckpointFiles::default()
        };
        writer.checkpoint(&files).expect("written");
    }
    if tip_epoch > wanted.last_epoch {
        let proof = prove::consistency(&log.anchor, wanted.last_epoch + 1, tip_epoch + 1).expect("a proof");
        writer.tip_proof(&proof).expect("written");
    }
    for epoch in first..=wanted.last_epoch {
        writer
            .manifest(&log.epochs[epoch as usize].manifest)
            .expect("written");
    }
    write_heads(&mut writer, log, wanted);
    write_records(&mut writer, log, &scope, wanted);
    if wanted.erased_key.is_some() || wanted.pruned {
        write_erasures(&mut writer, log, wanted);
    }
    writer.finish().expect("written").0
}

fn write_heads(writer: &mut BundleWriter<Vec<u8>>, log: &Log, wanted: Wanted) {
    let text = |heads: &Heads| match wanted.tenant {
        None => heads.to_text(),
        Some(tenant) => tenant_lines(heads, Uuid::from_u128(tenant)),
    };
    let base = wanted.base_epoch.map(|epoch| &log.epochs[epoch as usize].heads);
    let last = &log.epochs[wanted.last_epoch as usize].heads;
    let chains = chains(last, wanted);
    let frontiers: String = chains
        .iter()
        .filter_map(|(chain, size)| {
            let old = base_size(base, chain);
            (old > 0 && *size > old)
                .then(|| aal_bundle::parts::frontier_line(chain, &compact(&log.trees[chain], old)))
        })
        .collect();
    let base_text = base.map(text);
    writer
        .heads(
            base_text.as_deref().map(str::as_bytes),
            text(last).as_bytes(),
            chains.len() as u64,
            frontiers.as_bytes(),
        )
        .expect("written");
}

/// Chains of the bundle in the order of the heads, with their sizes.
fn chains(heads: &Heads, wanted: Wanted) -> Vec<(ChainId, u64)> {
    let all = heads.chains().iter();
    all.filter(|head| {
        wanted
            .tenant
            .is_none_or(|tenant| head.chain.tenant == Uuid::from_u128(tenant))
    })
    .map(|head| (head.chain, head.size))
    .collect()
}

fn base_size(base: Option<&Heads>, chain: &ChainId) -> u64 {
    let head = base.and_then(|heads| heads.chains().iter().find(|head| head.chain == *chain));
    head.map_or(0, |head| head.size)
}

fn tenant_lines(heads: &Heads, tenant: Uuid) -> String {
    let tree = super::tree_of(heads);
    let lines = heads.to_text();
    let rows = lines.lines().enumerate();
    rows.filter(|(_, line)| line.starts_with(&format!("chain {tenant}/")))
        .map(|(index, line)| {
            let path = prove::inclusion(&tree, index as u64, heads.line_count()).expect("it is there");
            HeadLine {
                index: index as u64,
                path,
                head: ChainHead::parse_line(line).expect("our line is one"),
                line: line.to_owned(),
            }
            .to_text()
        })
        .collect()
}

fn write_records(writer: &mut BundleWriter<Vec<u8>>, log: &Log, scope: &Scope, wanted: Wanted) {
    let base = wanted.base_epoch.map(|epoch| &log.epochs[epoch as usize].heads);
    for (chain, size) in chains(&log.epochs[wanted.last_epoch as usize].heads, wanted) {
        let old = base_size(base, &chain);
        for record in &log.records[&chain][old as usize..size as usize] {
            write_record(writer, record, scope, wanted);
        }
    }
}

fn write_record(writer: &mut BundleWriter<Vec<u8>>, record: &Record, scope: &Scope, wanted: Wanted) {
    let leaf = LeafView::new(&record.leaf).expect("our leaf is one");
    if wanted.pruned && leaf.t_edge_us() < START_US {
        let (openings, ciphertexts) = (Vec::new(), Vec::new());
        let bare = Entry {
            is_match: false,
            leaf: &record.leaf,
            header: &[],
            openings,
            ciphertexts,
        };
        return writer.record(&bare).expect("written");
    }
    let header = aal_ledger::jcs::Members::read(&record.header).expect("our header is canonical");
    let time_us = aal_bundle::filter::time_us(&leaf, &header);
    let is_match = scope.filter.accepts(&leaf, &header) && (scope.from_us..scope.to_us).contains(&time_us);
    let key = wanted.erased_key.map(Uuid::from_u128);
    let is_erased = leaf.slots().any(|slot| Some(slot.subject_key_id()) == key);
    let shows = is_match && !is_erased;
    let openings = record.openings.iter().filter(|_| shows);
    let sealed = record.ciphertexts.iter().filter(|_| shows && wanted.ciphertexts);
    let entry = Entry {
        is_match,
        leaf: &record.leaf,
        header: &record.header,
        openings: openings
            .map(|(slot, salt, text)| Opening {
                slot: *slot,
                salt,
                text,
            })
            .collect(),
        ciphertexts: sealed
            .map(|(slot, ciphertext)| Sealed {
                slot: *slot,
                ciphertext,
            })
            .collect(),
    };
    writer.record(&entry).expect("written");
}

/// Proofs of the `erasure_done` and `prune` leaves after the range.
fn write_erasures(writer: &mut BundleWriter<Vec<u8>>, log: &Log, wanted: Wanted) {
    let last = &log.epochs[wanted.last_epoch as usize].heads;
    for (chain, records) in &log.records {
        for (index, record) in records
            .iter()
            .enumerate()
            .skip(base_size(Some(last), chain) as usize)
        {
            let kind = LeafView::new(&record.leaf).expect("our leaf is one").kind();
            if matches!(kind, Kind::ErasureDone | Kind::Prune) {
                let proof = record_proof(log, *chain, index as u64);
                writer.erasure(&record.header, &proof).expect("written");
            }
        }
    }
}
