//! Bundles of a log in memory, and ways to take them apart and put them together again.
#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap};

use aal_bundle::plan::{TipTree, plan, select};
use aal_bundle::{
    Archive, BundleWriter, CheckpointFiles, Disclosure, EpochRange, Filter, MemberKind, Opening, Scope,
    Sealed, WriteLimits,
};
use aal_ledger::leaf_hash;
use aal_ledger::merkle::CompactRange;
use aal_verify::{BundleOptions, Report, StoredRecord, verify_bundle};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::common::{Log, ORIGIN, START_US, policy};

/// A scope of the whole log up to its last epoch.
pub fn scope_of(log: &Log) -> Scope {
    let last_epoch = log.epochs.len() as u64 - 1;
    Scope {
        coverage: "what this cannot show".to_owned(),
        disclosure: Disclosure {
            ciphertexts: true,
            templates: true,
        },
        filter: Filter::default(),
        filter_text: "every record".to_owned(),
        format: aal_bundle::scope::FORMAT.to_owned(),
        from_us: START_US - 1_000_000,
        origin: ORIGIN.to_owned(),
        range: EpochRange {
            base_epoch: None,
            last_epoch,
            tip_epoch: last_epoch,
        },
        software: "test".to_owned(),
        tenant: None,
        to_us: START_US + 3_600_000_000,
    }
}

/// A scope from the epoch after `base` to `last`.
pub fn scope_between(log: &Log, base: Option<u64>, last: u64) -> Scope {
    let mut scope = scope_of(log);
    scope.range.base_epoch = base;
    scope.range.last_epoch = last;
    scope
}

/// The bundle of that scope.
pub fn make(log: &Log, scope: &Scope) -> Vec<u8> {
    make_with(log, scope, |_| {})
}

/// As [`make`], with a hand in the report files.
pub fn make_with(log: &Log, scope: &Scope, reports: impl Fn(&mut BundleWriter<Vec<u8>>)) -> Vec<u8> {
    make_cosigned(log, scope, reports, &BTreeMap::new())
}

/// As [`make_with`], with cosigned checkpoints of epochs.
pub fn make_cosigned(
    log: &Log,
    scope: &Scope,
    reports: impl Fn(&mut BundleWriter<Vec<u8>>),
    cosigned: &BTreeMap<u64, Vec<u8>>,
) -> Vec<u8> {
    let range = scope.range;
    let epoch = |number: u64| &log.epochs[number as usize];
    let first = range.first_manifest();
    let mut writer = BundleWriter::new(Vec::new(), scope, WriteLimits::default()).unwrap();
    reports(&mut writer);
    let before = first
        .checked_sub(1)
        .map_or(CompactRange::new(), |number| epoch(number).log.clone());
    writer.before_range(&before).unwrap();
    let mut numbers: Vec<u64> = range.base_epoch.into_iter().collect();
    numbers.extend([range.last_epoch, range.tip_epoch]);
    numbers.extend(cosigned.keys());
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        let files = CheckpointFiles {
            note: epoch(number).checkpoint.clone(),
            cosigned: cosigned.get(&number).cloned(),
            ..CheckpointFiles::default()
        };
        writer.checkpoint(&files).unwrap();
    }
    if range.tip_epoch > range.last_epoch {
        let mut tree = TipTree::new(epoch(range.last_epoch).log.clone());
        for number in range.last_epoch + 1..=range.tip_epoch {
            tree.append(leaf_hash(&log.manifests[number as usize]));
        }
        writer.tip_proof(&tree.proof().unwrap()).unwrap();
    }
    for number in first..=range.last_epoch {
        writer.manifest(&log.manifests[number as usize]).unwrap();
    }
    let frontiers: HashMap<_, _> = range
        .base_epoch
        .map(|base| epoch(base).ranges.clone().into_iter().collect())
        .unwrap_or_default();
    let base = range.base_epoch.map(|base| (&epoch(base).heads, &frontiers));
    let planned = plan(base, &epoch(range.last_epoch).heads, scope.tenant).unwrap();
    writer
        .heads(
            planned.base.as_deref(),
            &planned.last,
            planned.chains,
            &planned.frontiers,
        )
        .unwrap();
    for span in &planned.spans {
        let records = log.stored().filter(|record| {
            (record.tenant, record.shard) == (span.chain.tenant, span.chain.shard)
                && (span.first..span.end).contains(&record.chain_index)
        });
        records.for_each(|record| write_record(&mut writer, scope, record));
    }
    writer.finish().unwrap().0
}

fn write_record(writer: &mut BundleWriter<Vec<u8>>, scope: &Scope, record: &StoredRecord) {
    let openings = record.templates.iter().map(|template| Opening {
        slot: template.slot,
        salt: template.salt.as_deref().unwrap().try_into().unwrap(),
        text: &template.text,
    });
    let ciphertexts = record.ciphertexts.iter().map(|stored| Sealed {
        slot: stored.slot,
        ciphertext: &stored.ciphertext,
    });
    let entry = select(
        scope,
        &record.leaf,
        &record.header,
        openings.collect(),
        ciphertexts.collect(),
    );
    writer.record(&entry.unwrap()).unwrap();
}

/// The report on these bytes under the log's policy.
pub fn verify(bundle: &[u8]) -> Report {
    verify_with(bundle, BundleOptions::default())
}

pub fn verify_with(bundle: &[u8], options: BundleOptions) -> Report {
    verify_bundle(bundle, &policy(), options).unwrap()
}

/// Names and data of all members.
pub fn members(bundle: &[u8]) -> Vec<(MemberKind, Vec<u8>)> {
    let mut archive = Archive::new(bundle);
    let mut members = Vec::new();
    while let Some(member) = archive.next_member().unwrap() {
        members.push((member.kind, archive.data(member).unwrap()));
    }
    members
}

/// An archive of raw names and data, with the one header of each.
pub fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, data) in members {
        out.extend(header(name, data.len() as u64));
        out.extend(data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1_024, 0);
    out
}

/// A ustar header, written a second time from the specification.
pub fn header(name: &str, size: u64) -> Vec<u8> {
    let mut header = vec![0u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    for (at, text) in [
        (100, "0000644"),
        (108, "0000000"),
        (116, "0000000"),
        (136, "00000000000"),
    ] {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[329..336].copy_from_slice(b"0000000");
    header[337..344].copy_from_slice(b"0000000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// The bundle with its members changed and its manifest.json made to agree: what a forger can do.
pub fn forge(bundle: &[u8], change: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> Vec<u8> {
    let mut named: Vec<(String, Vec<u8>)> = members(bundle)
        .into_iter()
        .map(|(kind, data)| (kind.name(), data))
        .collect();
    change(&mut named);
    let (manifest, _) = named.split_last_mut().unwrap();
    assert_eq!(manifest.0, "manifest.json");
    let mut value: serde_json::Value = serde_json::from_slice(&manifest.1).unwrap();
    let last = named.len() - 1;
    value["members"] = named[..last]
        .iter()
        .map(|(name, data)| {
            let digest: String = Sha256::digest(data)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            serde_json::json!({"name": name, "sha256": digest, "size": data.len()})
        })
        .collect();
    named[last].1 = aal_ledger::jcs::to_vec(&value).unwrap();
    archive(&named)
}

/// The data of a member by its name.
pub fn data<'m>(members: &'m mut [(String, Vec<u8>)], name: &str) -> &'m mut Vec<u8> {
    &mut members.iter_mut().find(|(found, _)| found == name).unwrap().1
}

/// A tenant of the default log.
pub fn tenant_one() -> Uuid {
    crate::common::tenant(1)
}
