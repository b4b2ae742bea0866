//! Inclusion proofs from tiles, by the code that answers `/api/v1/audit/logs/{id}/proof`.

use std::path::Path;
use std::time::{Duration, Instant};

use aal_ledger::merkle::{CompactRange, verify};
use aal_ledger::tile::{Filled, GrowingTiles, Resource};
use aal_ledger::{Hash, leaf_hash};
use query_api::TileReader;

use crate::Failure;
use crate::percentiles::Percentiles;
use crate::report::Report;

const PROOFS: u64 = 2_000;
const FOLDER: &str = "chain/bench/0";

/// Builds a tree of tiles in a directory and makes proofs of leaves all over it, each verified.
pub(crate) async fn measure(report: &mut Report, leaves: u64) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let began = Instant::now();
    let root = build(directory.path(), leaves)?;
    report.raw(
        format!("tile tree of {leaves} leaves: filled and written"),
        leaves as f64 / began.elapsed().as_secs_f64(),
        "leaves/s",
    );
    let store = aal_service::objects::open(&format!("file://{}", directory.path().display()))?;
    let reader = TileReader::new(store);
    let mut durations: Vec<Duration> = Vec::new();
    for number in 0..PROOFS {
        // A step that has no factor in common with the size visits leaves all over the tree.
        let index = number.wrapping_mul(6_700_417) % leaves;
        let began = Instant::now();
        let proof = reader.inclusion(FOLDER, index, leaves).await?;
        durations.push(began.elapsed());
        let proof = proof.ok_or("a tile is missing")?;
        verify::inclusion(leaves, index, &leaf(index), &proof, &root)?;
    }
    let name =
        format!("inclusion proof from tiles in a directory, {leaves} leaves (promise: p99 below 20 ms)");
    report.latency(name, &Percentiles::of(durations), None);
    Ok(())
}

fn entry(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn leaf(number: u64) -> Hash {
    leaf_hash(&entry(number))
}

/// Writes the tiles, not the bundles, which no proof needs; gives the root.
fn build(directory: &Path, leaves: u64) -> Result<Hash, Failure> {
    let (mut tiles, mut range) = (GrowingTiles::new(), CompactRange::new());
    for number in 0..leaves {
        let hash = leaf(number);
        range.append(hash);
        write(directory, tiles.append(&entry(number), hash)?)?;
    }
    write(directory, tiles.partials_since(0))?;
    Ok(range.root())
}

fn write(directory: &Path, filled: Vec<Filled>) -> Result<(), Failure> {
    for Filled { resource, bytes } in filled {
        if matches!(resource, Resource::Entries { .. }) {
            continue;
        }
        let path = directory.join(FOLDER).join(resource.path());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, bytes)?;
    }
    Ok(())
}
