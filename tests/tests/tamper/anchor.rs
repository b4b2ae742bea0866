//! The anchor store's files, by somebody who may write there but does not hold the sealer's key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aal_ledger::{Checkpoint, Note, NoteSigner};

use super::campaign::Campaign;

/// First line of the pipeline's checkpoints.
pub const ORIGIN: &str = "audit.local/anchor";

pub fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("it exists");
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("it can be written");
}

/// Swaps two files' contents.
pub fn swap(a: &Path, b: &Path) {
    let (first, second) = (fs::read(a).expect("it exists"), fs::read(b).expect("it exists"));
    fs::write(a, second).expect("it can be written");
    fs::write(b, first).expect("it can be written");
}

pub fn remove(path: &Path) {
    fs::remove_file(path).expect("it can be removed");
}

fn replace(path: &Path, by: &Path) {
    fs::copy(by, path).map(drop).expect("it can be copied");
}

/// The note of a checkpoint, signed anew.
fn resign(path: &Path, origin: &str, signer: &NoteSigner) {
    let note = Note::parse(&fs::read(path).expect("it exists")).expect("a note");
    let mut checkpoint = Checkpoint::parse_text(&note.text).expect("a checkpoint");
    checkpoint.origin = origin.to_owned();
    fs::write(path, checkpoint.sign(&[signer]).expect("it can be signed")).expect("it can be written");
}

pub async fn run(campaign: &mut Campaign) {
    let newest = campaign.snapshot.epoch;
    assert!(newest > 4, "{newest} epochs");
    let manifest = |number: u64| campaign.epoch_file(number, "manifest");
    let (first, middle, last) = (manifest(0), manifest(newest / 2), manifest(newest));
    let before_last = manifest(newest - 1);
    let note = campaign.epoch_file(newest, "checkpoint");
    let old_note = campaign.epoch_file(newest / 2, "checkpoint");

    let end = |path: &Path| fs::read(path).expect("it exists").len() - 2;
    for (name, path, at) in [
        ("the first manifest: a bit of its magic", &first, 3),
        ("the first manifest: a bit of opened", &first, 110),
        ("a manifest in the middle: a bit of previous", &middle, 40),
        ("the newest manifest: a bit of its magic", &last, 3),
        ("the newest manifest: a bit of heads_root", &last, end(&last) - 30),
        ("the newest manifest: its last digit", &last, end(&last)),
        ("the checkpoint: its origin", &note, 2),
        ("the checkpoint: its root", &note, 30),
        ("the checkpoint: its signature", &note, 150),
        ("the checkpoint: its end", &note, end(&note)),
    ] {
        campaign.file_case(name, std::slice::from_ref(path), |paths| flip(&paths[0], at));
    }
    let two = [first.clone(), middle.clone()];
    campaign.file_case("two manifests swapped", &two, |paths| swap(&paths[0], &paths[1]));
    let two = [last.clone(), before_last];
    campaign.file_case("the newest manifest replaced by the one before", &two, |paths| {
        replace(&paths[0], &paths[1]);
    });
    for (name, path) in [
        ("the first manifest removed", &first),
        ("a manifest in the middle removed", &middle),
        ("the newest manifest removed", &last),
        ("the newest checkpoint removed", &note),
    ] {
        campaign.file_case(name, std::slice::from_ref(path), |paths| remove(&paths[0]));
    }
    for (name, path) in [
        ("the newest manifest emptied", &last),
        ("the newest checkpoint emptied", &note),
    ] {
        campaign.file_case(name, std::slice::from_ref(path), |paths| {
            fs::write(&paths[0], "").expect("it can be written");
        });
    }
    campaign.file_case(
        "the newest manifest and checkpoint made no text",
        &[last.clone(), note.clone()],
        |paths| {
            for path in paths {
                fs::write(path, [0xff, 0xfe, 0x00]).expect("it can be written");
            }
        },
    );
    let two = [note.clone(), old_note];
    campaign.file_case("an old checkpoint in place of the newest", &two, |paths| {
        replace(&paths[0], &paths[1]);
    });
    signed_by_others(campaign, &note);
    heads(campaign, &last);
    hints(campaign, &last).await;
}

fn signed_by_others(campaign: &mut Campaign, note: &Path) {
    let own = |name: &str| NoteSigner::from_seed(name, &[3; 32]).expect("a key");
    let (other, note) = ("audit.local/other", [note.to_owned()]);
    campaign.file_case(
        "the checkpoint signed by another key of the same name",
        &note,
        |paths| resign(&paths[0], ORIGIN, &own(ORIGIN)),
    );
    campaign.file_case("the checkpoint signed by a key of another name", &note, |paths| {
        resign(&paths[0], ORIGIN, &own(other))
    });
    campaign.file_case("the checkpoint of another origin", &note, |paths| {
        resign(&paths[0], other, &own(other));
    });
}

/// Name of the heads that a manifest commits to.
fn heads_root(manifest: &Path) -> String {
    let text = fs::read_to_string(manifest).expect("it exists");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("heads "))
        .expect("it names heads");
    line.split(' ').nth(1).expect("a root").to_owned()
}

/// The heads file that the newest manifest names.
fn heads(campaign: &mut Campaign, manifest: &Path) {
    let heads = [campaign.anchor().join("heads").join(heads_root(manifest))];
    let text = fs::read_to_string(&heads[0]).expect("text");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let repeated = format!("{}{text}", lines[0]);
    let reordered = format!("{}{}{}", lines[1], lines[0], lines[2..].concat());
    campaign.file_case("the heads: a bit", &heads, |paths| flip(&paths[0], 80));
    for (name, text) in [
        ("the heads: a line dropped", lines[1..].concat()),
        ("the heads: a line twice", repeated),
        ("the heads: two lines exchanged", reordered),
        ("the heads: emptied", String::new()),
    ] {
        campaign.file_case(name, &heads, |paths| {
            fs::write(&paths[0], text).expect("it can be written");
        });
    }
    campaign.file_case("the heads: removed", &heads, |paths| remove(&paths[0]));
}

/// Hints: no evidence rests on them, so without more nothing is refuted, and they hide nothing either.
async fn hints(campaign: &mut Campaign, manifest: &Path) {
    let newest = campaign.snapshot.epoch;
    let latest = campaign.anchor().join("latest");
    let back = format!("{}\n", newest / 2);
    campaign.hint_case("hint: latest removed", &latest, remove);
    campaign.hint_case("hint: latest is no number", &latest, |path| {
        fs::write(path, "soon").expect("it can be written");
    });
    let frontier = campaign.anchor().join("frontier").join(heads_root(manifest));
    campaign.hint_case("hint: a bit of the frontier", &frontier, |path| flip(path, 60));
    campaign.hint_case("hint: the frontier removed", &frontier, remove);
    let log = campaign.epoch_file(newest, "log");
    campaign.hint_case("hint: the saved tree of the anchor log", &log, |path| {
        flip(path, 12);
    });
    let served = campaign.anchor().join("log/checkpoint");
    campaign.hint_case("hint: the served copy of the checkpoint removed", &served, remove);
    for (name, text) in [
        ("latest names an epoch that is not there", "999\n"),
        ("latest set back to an old epoch", back.as_str()),
    ] {
        campaign.file_case(name, std::slice::from_ref(&latest), |paths| {
            fs::write(&paths[0], text).expect("it can be written");
        });
    }
    let target = campaign.target.clone();
    let sealed = campaign.snapshot.sealed(&target.tenant, target.shard);
    let delete = format!(
        "ALTER TABLE records DELETE WHERE {} AND chain_index >= {}",
        target.chain(),
        sealed - 1
    );
    campaign.pipeline.execute(&delete).await;
    for (name, text) in [
        (
            "latest set back, and the rows deleted that were sealed last",
            Some(back.as_str()),
        ),
        ("latest removed, and the rows deleted that were sealed last", None),
    ] {
        campaign.file_case(
            name,
            std::slice::from_ref(&latest),
            |paths: &[PathBuf]| match text {
                Some(text) => fs::write(&paths[0], text).expect("it can be written"),
                None => remove(&paths[0]),
            },
        );
    }
    campaign.restore().await;
}
