//! What only a witness, or a head that somebody kept, can know: forks and rollbacks that are consistent in themselves.
//!
//! Each such case is unproven (3) under the policy that asks for the witness, and refuted (1) as soon as the witness's copy
//! of the newest checkpoint, or one kept elsewhere, is at hand.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aal_ledger::{
    Checkpoint, Manifest, NoteSigner, hash::parse_hex, leaf_hash, merkle::CompactRange, tile::GrowingTiles,
};

use super::{
    anchor::{ORIGIN, flip, remove},
    campaign::{Campaign, MACHINE, Purpose, frozen, keep, put},
};

pub async fn run(campaign: &mut Campaign) {
    let kept = keep_heads(campaign).await;
    let cosigned = newest_cosigned(campaign);
    let pinned = campaign.pinned();
    campaign.judge_with(
        "control: untouched, under the policy that pins the witness",
        Purpose::Control,
        0,
        &pinned,
        &["--max-age", "86400"],
    );
    let path = [campaign.epoch_file(cosigned, "cosigned")];
    let end = fs::read(&path[0]).expect("it exists").len() - 20;
    campaign.with_files(
        &path,
        |paths| flip(&paths[0], end),
        |campaign| campaign.judge_by("a wrong cosignature", 1, &pinned, &[]),
    );
    let other = campaign.epoch_file(1, "checkpoint");
    campaign.with_files(
        &path,
        |paths| {
            fs::copy(&other, &paths[0]).map(drop).expect("it can be copied");
        },
        |campaign| {
            campaign.judge_by("another epoch's checkpoint as the cosigned one", 1, &pinned, &[]);
        },
    );
    let stripped = cosigned_files(campaign);
    campaign.with_files(
        &stripped,
        |paths| paths.iter().for_each(|path| remove(path)),
        |campaign| campaign.judge_by("the witness stripped", 3, &pinned, &[]),
    );
    signed_fork(campaign, &kept, &stripped);
    old_machine(campaign, &kept).await;
}

/// Files with the newest head as somebody kept it, and as the witness gives it.
pub async fn keep_heads(campaign: &Campaign) -> [PathBuf; 2] {
    let files = campaign.files.path();
    let note = campaign.epoch_file(campaign.snapshot.epoch, "checkpoint");
    let kept = files.join("kept.note");
    fs::copy(note, &kept).expect("it can be copied");
    let witness = campaign.witness.as_ref().expect("the full campaign has one");
    let seen = files.join("witness.note");
    fs::write(&seen, witness.kept_head().await).expect("written");
    [kept, seen]
}

fn newest_cosigned(campaign: &Campaign) -> u64 {
    (0..=campaign.snapshot.epoch)
        .rev()
        .find(|number| campaign.epoch_file(*number, "cosigned").exists())
        .expect("the witness cosigned")
}

fn cosigned_files(campaign: &Campaign) -> Vec<PathBuf> {
    (0..=campaign.snapshot.epoch)
        .map(|number| campaign.epoch_file(number, "cosigned"))
        .filter(|path| path.exists())
        .collect()
}

/// Judges a state that only a witness can know under the pinned policy, then with each kept head.
fn judge_all(campaign: &mut Campaign, name: &str, policy: &Path, alone: &[&str], kept: &[PathBuf; 2]) {
    campaign.judge_by(&format!("{name}, alone"), 3, policy, alone);
    let plain = campaign.plain();
    for (whose, head) in [
        ("a head kept elsewhere", &kept[0]),
        ("the witness's copy", &kept[1]),
    ] {
        let head = head.display().to_string();
        campaign.judge_by(
            &format!("{name}, beside {whose}"),
            1,
            &plain,
            &["--known-head", &head],
        );
    }
}

/// Somebody with the sealer's key signs another newest epoch, and rewrites the log's tiles to fit.
fn signed_fork(campaign: &mut Campaign, kept: &[PathBuf; 2], stripped: &[PathBuf]) {
    let newest = campaign.snapshot.epoch;
    let pinned = campaign.pinned();
    let text = |number: u64| fs::read_to_string(campaign.epoch_file(number, "manifest")).expect("text");
    let mut manifest = Manifest::parse(text(newest).as_bytes()).expect("a manifest");
    manifest.closed_us += 1;
    let mut texts: Vec<String> = (0..newest).map(text).collect();
    texts.push(manifest.to_text());
    let (mut log, mut tiles) = (CompactRange::new(), GrowingTiles::new());
    for text in &texts {
        log.append(leaf_hash(text.as_bytes()));
        let full = tiles.append(text.as_bytes(), leaf_hash(text.as_bytes()));
        assert_eq!(full.expect("it fits").len(), 0, "less than 256 epochs");
    }
    let seed = fs::read_to_string(campaign.pipeline.data().join("keys/sealer.key")).expect("the key");
    let seed = parse_hex(seed.trim()).expect("hex");
    let signer = NoteSigner::from_seed(ORIGIN, &seed).expect("a key");
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: log.size(),
        root: log.root(),
    };
    let mut written = vec![
        (
            campaign.epoch_file(newest, "manifest"),
            manifest.to_text().into_bytes(),
        ),
        (
            campaign.epoch_file(newest, "checkpoint"),
            checkpoint.sign(&[&signer]).expect("it can be signed"),
        ),
    ];
    let folder = campaign.anchor().join("log");
    let partial = tiles.partials_since(0).into_iter();
    written.extend(partial.map(|tile| (folder.join(tile.resource.path()), tile.bytes)));
    let mut paths: Vec<PathBuf> = written.iter().map(|(path, _)| path.clone()).collect();
    let write = |_: &[PathBuf]| {
        for (path, bytes) in &written {
            fs::write(path, bytes).expect("it can be written");
        }
    };
    let lenient = lenient(campaign);
    campaign.with_files(&paths, write, |campaign| {
        campaign.judge_by(
            "a fork signed with the sealer's key, beside its witness",
            1,
            &pinned,
            &[],
        );
    });
    paths.extend_from_slice(stripped);
    let write_and_strip = |all: &[PathBuf]| {
        write(all);
        stripped.iter().for_each(|path| remove(path));
    };
    campaign.with_files(&paths, write_and_strip, |campaign| {
        let name = "a fork signed with the sealer's key, its witness stripped";
        judge_all(campaign, name, &lenient, &[], kept);
    });
}

/// The pinned policy where one algorithm is enough, for whoever holds one key only.
fn lenient(campaign: &Campaign) -> PathBuf {
    let policy = fs::read_to_string(campaign.pinned()).expect("a policy");
    let path = campaign.files.path().join("lenient.toml");
    let lenient = policy.replace("require_every_algorithm = true\n", "");
    assert_ne!(lenient, policy);
    fs::write(&path, lenient).expect("written");
    path
}

/// Everything of the machine as it was at an earlier time: consistent in itself, down to the last byte.
async fn old_machine(campaign: &mut Campaign, kept: &[PathBuf; 2]) {
    let data = campaign.pipeline.data();
    campaign.pipeline.terminate().await;
    keep(&data, &MACHINE, "frozen");
    put(&data, &MACHINE, "old");
    campaign.pipeline.restart_with(frozen()).await;
    let pinned = campaign.pinned();
    let name = "the whole machine as it was before, and standing still";
    judge_all(campaign, name, &pinned, &["--max-age", "5"], kept);
    campaign.pipeline.terminate().await;
    put(&data, &MACHINE, "frozen");
    campaign.pipeline.restart_with(frozen()).await;
}
