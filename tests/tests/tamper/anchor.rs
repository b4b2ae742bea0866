//! The anchor store's files, by somebody who may write there but does not hold the sealer's key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aal_ledger::{Checkpoint, Note, NoteSigner};

use super::campaign::Campaign;

/// Exit status of `audit verify` when the service cannot give what it must.
const UNREADABLE: i32 = 2;

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("it exists");
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("it can be written");
}

/// Swaps two files' contents.
fn swap(a: &Path, b: &Path) {
    let (first, second) = (fs::read(a).expect("it exists"), fs::read(b).expect("it exists"));
    fs::write(a, second).expect("it can be written");
    fs::write(b, first).expect("it can be written");
}

/// The note of a checkpoint, signed anew.
fn resign(path: &Path, origin: &str, signer: &NoteSigner) {
    let note = Note::parse(&fs::read(path).expect("it exists")).expect("a note");
    let mut checkpoint = Checkpoint::parse_text(&note.text).expect("a checkpoint");
    checkpoint.origin = origin.to_owned();
    fs::write(path, checkpoint.sign(&[signer]).expect("it can be signed")).expect("it can be written");
}

pub async fn run(campaign: &mut Campaign) {
    let anchor = campaign.anchor();
    let newest: u64 = fs::read_to_string(anchor.join("latest"))
        .expect("epochs were sealed")
        .trim()
        .parse()
        .expect("a number");
    assert!((4..1000).contains(&newest), "{newest} epochs");
    let epoch = |number: u64, name: &str| anchor.join("epoch").join(format!("{number:03}")).join(name);
    let (first, middle) = (epoch(0, "manifest"), epoch(newest / 2, "manifest"));
    let last = epoch(newest, "manifest");
    let note = epoch(newest, "checkpoint");

    for (name, path, at) in [
        ("the first manifest: a digit of opened", &first, 110),
        ("a manifest in the middle: a digit of previous", &middle, 40),
        ("the newest manifest: its last digit", &last, usize::MAX - 1),
        ("the checkpoint: its origin", &note, 2),
        ("the checkpoint: its root", &note, 30),
        ("the checkpoint: its signature", &note, 150),
    ] {
        campaign.file_case(name, 1, std::slice::from_ref(path), |paths| {
            flip(
                &paths[0],
                at.min(fs::read(&paths[0]).expect("it exists").len() - 2),
            )
        });
    }
    campaign.file_case(
        "two manifests swapped",
        1,
        &[first.clone(), middle.clone()],
        |paths| swap(&paths[0], &paths[1]),
    );
    campaign.file_case(
        "the newest manifest replaced by the one before",
        1,
        &[last.clone(), epoch(newest - 1, "manifest")],
        |paths| {
            fs::copy(&paths[1], &paths[0])
                .map(drop)
                .expect("it can be copied");
        },
    );
    let own = |name: &str| NoteSigner::from_seed(name, &[3; 32]).expect("a key");
    let origin = "audit.local/anchor";
    campaign.file_case(
        "the checkpoint signed by another key of the same name",
        1,
        std::slice::from_ref(&note),
        |paths| resign(&paths[0], origin, &own(origin)),
    );
    campaign.file_case(
        "the checkpoint signed by a key of another name",
        1,
        std::slice::from_ref(&note),
        |paths| resign(&paths[0], origin, &own("audit.local/other")),
    );
    campaign.file_case(
        "the checkpoint of another origin",
        1,
        std::slice::from_ref(&note),
        |paths| {
            resign(&paths[0], "audit.local/other", &own("audit.local/other"));
        },
    );
    campaign.file_case(
        "an old checkpoint in place of the newest",
        1,
        &[note.clone(), epoch(newest / 2, "checkpoint")],
        |paths| {
            fs::copy(&paths[1], &paths[0])
                .map(drop)
                .expect("it can be copied");
        },
    );
    heads(campaign, &anchor, &last);
    missing(campaign, &middle, &last, &note);
}

/// The heads file that the newest manifest names.
fn heads(campaign: &mut Campaign, anchor: &Path, manifest: &Path) {
    let text = fs::read_to_string(manifest).expect("it exists");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("heads "))
        .expect("it names heads");
    let root = line.split(' ').nth(1).expect("a root");
    let path = anchor.join("heads").join(root);
    assert!(path.exists(), "{} is missing", path.display());
    campaign.file_case("the heads: a bit", 1, std::slice::from_ref(&path), |paths| {
        flip(&paths[0], 80)
    });
    campaign.file_case(
        "the heads: a line dropped",
        1,
        std::slice::from_ref(&path),
        |paths| {
            let text = fs::read_to_string(&paths[0]).expect("text");
            let rest = text.split_once('\n').expect("lines").1;
            fs::write(&paths[0], rest).expect("it can be written");
        },
    );
    campaign.file_case("the heads: emptied", 1, std::slice::from_ref(&path), |paths| {
        fs::write(&paths[0], "").expect("it can be written");
    });
}

/// What is missing cannot be read: never a pass, and no refutation either.
fn missing(campaign: &mut Campaign, middle: &PathBuf, last: &PathBuf, note: &PathBuf) {
    for (name, expected, path) in [
        ("a manifest in the middle removed", UNREADABLE, middle),
        ("the newest manifest removed", 1, last),
        ("the newest checkpoint removed", 1, note),
    ] {
        campaign.file_case(name, expected, std::slice::from_ref(path), |paths| {
            fs::remove_file(&paths[0]).expect("it can be removed");
        });
    }
}
