//! Makes a synthetic bundle of many records and verifies it, each in a process of its own, and prints time and peak
//! memory beside SHA-256 of the same bytes.
//!
//! `cargo run --release -p audit-verify --example large-bundle -- [records] [threads]`

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use aal_bundle::plan::{plan, select};
use aal_bundle::scope::FORMAT;
use aal_bundle::{
    BundleWriter, CheckpointFiles, Disclosure, EpochRange, Filter, Opening, Scope, Sealed, WriteLimits,
};
use aal_ledger::hash::{ciphertext_hash, plaintext_commitment, sha256, topic_hash};
use aal_ledger::leaf::{AEAD_AES_256_SIV, AEAD_NONE, NO_TIME};
use aal_ledger::merkle::CompactRange;
use aal_ledger::{
    ChainHead, ChainId, Checkpoint, Hash, Heads, Kind, Leaf, Manifest, NoteSigner, ShardHead, Slot,
    TrustPolicy, ZERO_HASH, leaf_hash,
};
use aal_verify::{BundleOptions, check_leaves, verify_bundle};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const ORIGIN: &str = "bench.example.com/anchor";
const START_US: i64 = 1_790_000_000_000_000;
const DEFAULT_RECORDS: u64 = 1_000_000;
const TEMPLATE: &str =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"May the loan be granted to [[PERSON:k1:00]]?\"}]}";
const SALT: [u8; 32] = [0x5a; 32];

type Failure = Box<dyn Error>;

fn signer() -> Result<NoteSigner, Failure> {
    Ok(NoteSigner::from_seed(ORIGIN, &[1; 32])?)
}

fn policy() -> Result<TrustPolicy, Failure> {
    Ok(TrustPolicy::parse(&TrustPolicy::render(
        ORIGIN,
        signer()?.verifier_key(),
        &[],
    ))?)
}

/// Leaf and header number `index` of the one chain.
fn record(index: u64, prev_leaf_hash: Hash) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    let t_edge_us = START_US + index as i64;
    let event_id = Uuid::from_u128(0xe000_0000 + u128::from(index));
    let header = format!(
        "{{\"application\":\"loan-desk\",\"content\":\"redacted\",\"cost\":\"0.000600\",\"currency\":\"USD\",\
         \"edge_at_us\":{t_edge_us},\"environment\":\"production\",\"event_id\":\"{event_id}\",\
         \"finish_reasons\":[\"stop\"],\"input_tokens\":120,\"kind\":\"event\",\"model\":\"gpt-4o-2024-08-06\",\
         \"occurred_at_us\":{t_edge_us},\"operation\":\"chat\",\"output_tokens\":30,\"pii\":{{\"PERSON\":1}},\
         \"provider\":\"openai\",\"status\":200,\"usage\":{{\"input_text\":120,\"output_text\":30}}}}"
    )
    .into_bytes();
    let slot = |number, aead, padded_len, ct_hash, pt_commit| Slot {
        slot: number,
        subject_key_id: Uuid::from_u128(0xc0),
        key_ver: 1,
        aead,
        padded_len,
        ct_hash,
        pt_commit,
        key_commit: [0x78; 32],
    };
    let template = plaintext_commitment(&SALT, TEMPLATE.as_bytes());
    let sealed = ciphertext_hash(AEAD_AES_256_SIV, &[0x80; 48]);
    let leaf = Leaf {
        kind: Kind::Event,
        tenant: Uuid::from_u128(1),
        shard: 0,
        index,
        prev_leaf_hash,
        event_id,
        source_id: Uuid::nil(),
        source_epoch: 0,
        source_seq: 0,
        topic_hash: topic_hash("audit.events"),
        partition: 0,
        offset: index,
        t_source_us: NO_TIME,
        t_edge_us,
        avro_schema_hash: [0x61; 32],
        pipeline_hash: [0x62; 32],
        header_hash: sha256(&header),
        ingress_receipt_hash: ZERO_HASH,
        slots: vec![
            slot(0, AEAD_NONE, 0, ZERO_HASH, template),
            slot(16, AEAD_AES_256_SIV, 32, sealed, [0x77; 32]),
        ],
    };
    Ok((leaf.encode()?, header))
}

/// The chain is made twice, for its head and for the records: so nothing of it need be kept.
fn make(records: u64, path: &Path) -> Result<(), Failure> {
    let started = Instant::now();
    let mut range = CompactRange::new();
    let mut last = ZERO_HASH;
    for index in 0..records {
        last = leaf_hash(&record(index, last)?.0);
        range.append(last);
    }
    let chain = ChainId {
        tenant: Uuid::from_u128(1),
        shard: 0,
    };
    let head = ChainHead {
        chain,
        size: records,
        root: range.root(),
        last_leaf_hash: last,
    };
    let shard = ShardHead {
        shard: 0,
        next_block: 1,
        next_offset: records,
    };
    let heads = Heads::new([head], [shard])?;
    let closed_us = START_US + records as i64 + 1_000_000;
    let manifest = Manifest {
        epoch: 0,
        previous: ZERO_HASH,
        opened_us: START_US,
        closed_us,
        incarnation: Uuid::from_u128(0xa1),
        policy_hash: policy()?.hash,
        timestamp_hash: ZERO_HASH,
        witness_hash: ZERO_HASH,
        head_count: heads.line_count(),
        heads_root: heads.root(),
        leaf_count: records,
    };
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: 1,
        root: manifest.leaf_hash(),
    };
    let scope = Scope {
        coverage: "A synthetic bundle for measuring.".to_owned(),
        disclosure: Disclosure {
            ciphertexts: true,
            templates: true,
        },
        filter: Filter::default(),
        filter_text: "every record".to_owned(),
        format: FORMAT.to_owned(),
        from_us: START_US,
        origin: ORIGIN.to_owned(),
        range: EpochRange {
            base_epoch: None,
            last_epoch: 0,
            tip_epoch: 0,
        },
        software: "large-bundle".to_owned(),
        tenant: None,
        to_us: closed_us,
    };
    let output = BufWriter::new(File::create(path)?);
    let mut writer = BundleWriter::new(output, &scope, WriteLimits::default())?;
    writer.before_range(&CompactRange::new())?;
    writer.checkpoint(&CheckpointFiles {
        note: checkpoint.sign(&[&signer()?])?,
        ..CheckpointFiles::default()
    })?;
    writer.manifest(manifest.to_text().as_bytes())?;
    let planned = plan(None, &heads, None)?;
    writer.heads(None, &planned.last, planned.chains, &planned.frontiers)?;
    let mut last = ZERO_HASH;
    for index in 0..records {
        let (leaf, header) = record(index, last)?;
        last = leaf_hash(&leaf);
        let opening = Opening {
            slot: 0,
            salt: &SALT,
            text: TEMPLATE.as_bytes(),
        };
        let sealed = Sealed {
            slot: 16,
            ciphertext: &[0x80; 48],
        };
        writer.record(&select(&scope, &leaf, &header, vec![opening], vec![sealed])?)?;
    }
    let (_, summary) = writer.finish()?;
    println!(
        "made      {} records, {} bytes in {:.1} s, peak memory {} MiB",
        summary.counts.leaves,
        summary.bytes,
        started.elapsed().as_secs_f64(),
        peak_mib()?
    );
    Ok(())
}

fn verify(path: &Path, threads: usize) -> Result<(), Failure> {
    let started = Instant::now();
    let input = BufReader::with_capacity(1 << 20, File::open(path)?);
    let options = BundleOptions {
        threads,
        ..BundleOptions::default()
    };
    let report = verify_bundle(input, &policy()?, options)?;
    let seconds = started.elapsed().as_secs_f64();
    if report.exit_code() != 0 {
        return Err(format!("the bundle does not verify:\n{report}").into());
    }
    let (records, bytes) = (report.records as f64, std::fs::metadata(path)?.len() as f64);
    println!(
        "verified  on {threads} threads in {seconds:.2} s: {:.0} records/s, {:.0} MB/s, peak memory {} MiB",
        records / seconds,
        bytes / seconds / 1e6,
        peak_mib()?
    );
    Ok(())
}

/// Leaves alone, on one core, beside SHA-256 of the same bytes.
fn leaves(records: u64) -> Result<(), Failure> {
    let mut stored = Vec::new();
    let mut last = ZERO_HASH;
    for index in 0..records.min(200_000) {
        let leaf = record(index, last)?.0;
        last = leaf_hash(&leaf);
        stored.push(leaf);
    }
    let count = stored.len() as f64;
    let fastest = |work: &dyn Fn()| {
        let once = || {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64()
        };
        (0..5).map(|_| once()).fold(f64::MAX, f64::min)
    };
    let raw = fastest(&|| {
        stored.iter().for_each(|leaf| {
            black_box(Sha256::digest(leaf));
        });
    });
    let checked = fastest(&|| {
        black_box(check_leaves(stored.iter().map(Vec::as_slice)).is_ok());
    });
    check_leaves(stored.iter().map(Vec::as_slice))?;
    println!(
        "leaves    of {} bytes, one core: {:.0}/s checked, {:.0}/s SHA-256 of the same bytes, ratio {:.2}",
        stored.first().map_or(0, Vec::len),
        count / checked,
        count / raw,
        raw / checked
    );
    Ok(())
}

/// The process's peak resident memory.
fn peak_mib() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmHWM")?;
    Ok(kib.parse::<u64>()? / 1_024)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["make", records, path] => return make(records.parse()?, Path::new(path)),
        ["verify", threads, path] => return verify(Path::new(path), threads.parse()?),
        _ => {}
    }
    let records: u64 = arguments
        .first()
        .map_or(Ok(DEFAULT_RECORDS), |text| text.parse())?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let most: usize = arguments.get(1).map_or(Ok(cores), |text| text.parse())?;
    leaves(records)?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("large.audit.tar");
    let path = path
        .to_str()
        .ok_or("the temporary directory's name is not UTF-8")?;
    let run = |arguments: &[&str]| -> Result<(), Failure> {
        let status = Command::new(std::env::current_exe()?).args(arguments).status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{arguments:?} failed").into())
        }
    };
    run(&["make", &records.to_string(), path])?;
    for threads in 1..=most {
        run(&["verify", &threads.to_string(), path])?;
    }
    Ok(())
}
