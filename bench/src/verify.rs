//! The verifier on one core, against hashing the same bytes and nothing else.

use std::hint::black_box;

use aal_ledger::TrustPolicy;
use aal_verify::{Status, StoredRecord, Verdict, Verifier, check_leaves};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    Failure, inputs,
    inputs::Sizes,
    kafka,
    percentiles::fastest,
    report::{Limit, Report},
    running::{Running, seed},
    verify_cores,
};

/// Records are held in memory as they are read, so that reading them is not on the clock.
const MOST_RECORDS: usize = 20_000;

#[derive(Deserialize)]
pub(crate) struct EpochLine {
    manifest: String,
    #[serde(default)]
    pub(crate) heads: Option<String>,
}

/// Reads sealed records through the API as `audit verify` does, then checks them with the clock running.
pub(crate) async fn measure(running: &mut Running, sizes: Sizes, report: &mut Report) -> Result<(), Failure> {
    let fresh = inputs::events(seed::VERIFY, sizes.events.min(MOST_RECORDS as u64));
    let messages = inputs::messages(&fresh, running.tenant, &running.receipt)?;
    kafka::produce(&running.producer, aal_kafka::EVENTS, &messages).await?;
    running.sent(messages.len() as u64);
    running.all_stored().await?;
    running.pipeline.sealed().await;

    let policy = std::fs::read_to_string(running.pipeline.data().join("trust-policy.toml"))?;
    let policy = TrustPolicy::parse(&policy)?;
    let checkpoints: Value = serde_json::from_str(&text(running, "/api/v1/checkpoints?limit=1").await?)?;
    let latest = &checkpoints["latest"];
    let checkpoint = latest["checkpoint"].as_str().ok_or("there is no checkpoint")?;
    let upto = latest["epoch"].as_u64().ok_or("the checkpoint has no epoch")?;
    let epochs = lines::<EpochLine>(running, &format!("/api/v1/verify/epochs?to={upto}")).await?;
    let chains: Value = serde_json::from_str(&text(running, "/api/v1/verify/chains").await?)?;
    let mut records: Vec<StoredRecord> = Vec::new();
    for chain in chains["chains"].as_array().ok_or("there are no chains")? {
        let (tenant, shard) = (chain["tenant"].as_str().unwrap_or_default(), &chain["shard"]);
        let path = format!("/api/v1/verify/records?tenant={tenant}&shard={shard}");
        if records.len() < MOST_RECORDS {
            records.extend(lines::<StoredRecord>(running, &path).await?);
        }
    }

    let bytes: Vec<Vec<u8>> = records.iter().map(hashed_bytes).collect();
    let hashing = fastest(|| {
        bytes.iter().for_each(|bytes| {
            black_box(Sha256::digest(bytes));
        });
    });
    let raw = records.len() as f64 / hashing.as_secs_f64();

    leaves_alone(&records, report)?;
    let mut verdicts = None;
    let verifying = fastest(|| {
        let mut verifier = Verifier::new(policy.clone());
        verifier.checkpoint(checkpoint.as_bytes());
        for line in &epochs {
            verifier.manifest(line.manifest.as_bytes());
            line.heads
                .iter()
                .for_each(|heads| verifier.heads(heads.as_bytes()));
        }
        records.iter().for_each(|record| verifier.record(record));
        verdicts = Some(verifier.finish());
    });
    let rate = records.len() as f64 / verifying.as_secs_f64();
    let verdicts = verdicts.ok_or("nothing was verified")?;
    if verdicts.verdict(Verdict::Content).status == Status::Fail {
        return Err(format!("the records do not verify:\n{verdicts}").into());
    }
    let size: usize = bytes.iter().map(Vec::len).sum();
    report.rate(
        "verification, one core",
        rate,
        "records/s",
        &Limit::new("SHA-256 of the same bytes, records/s", raw),
    );
    report.note(format!(
        "{} records were verified, {} bytes each on average",
        records.len(),
        size / records.len().max(1)
    ));
    let stored = running.pipeline.count("1").await;
    verify_cores::measure(running, stored, report)
}

/// Leaves of the longest chain: decoded, hashed, linked and summed up to the root, and nothing else.
fn leaves_alone(records: &[StoredRecord], report: &mut Report) -> Result<(), Failure> {
    let chains = records.chunk_by(|a, b| (a.tenant, a.shard) == (b.tenant, b.shard));
    let longest = chains
        .max_by_key(|chain| chain.len())
        .ok_or("there are no records")?;
    let leaves: Vec<&[u8]> = longest.iter().map(|record| record.leaf.as_slice()).collect();
    let hashing = fastest(|| {
        leaves.iter().for_each(|leaf| {
            black_box(Sha256::digest(leaf));
        });
    });
    check_leaves(leaves.iter().copied())?;
    let checking = fastest(|| {
        black_box(check_leaves(leaves.iter().copied()).is_ok());
    });
    let count = leaves.len() as f64;
    report.rate(
        "verification of leaves alone, one core",
        count / checking.as_secs_f64(),
        "leaves/s",
        &Limit::new(
            "SHA-256 of the same bytes, leaves/s",
            count / hashing.as_secs_f64(),
        ),
    );
    let bytes: usize = leaves.iter().map(|leaf| leaf.len()).sum();
    let average = bytes / leaves.len().max(1);
    report.note(format!(
        "{} leaves of one chain were verified, {average} bytes each on average",
        leaves.len()
    ));
    Ok(())
}

/// The bytes that a verifier cannot but hash.
fn hashed_bytes(record: &StoredRecord) -> Vec<u8> {
    let mut bytes = [&record.leaf[..], &record.header[..]].concat();
    record
        .templates
        .iter()
        .for_each(|template| bytes.extend_from_slice(&template.text));
    record
        .ciphertexts
        .iter()
        .for_each(|sealed| bytes.extend_from_slice(&sealed.ciphertext));
    bytes
}

async fn text(running: &Running, path: &str) -> Result<String, Failure> {
    let url = format!("http://{}{path}", running.pipeline.endpoints.console);
    let answer = running.http.get(url).bearer_auth(&running.token).send().await?;
    Ok(answer.error_for_status()?.text().await?)
}

pub(crate) async fn lines<T: DeserializeOwned>(running: &Running, path: &str) -> Result<Vec<T>, Failure> {
    let text = text(running, path).await?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
