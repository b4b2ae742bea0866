//! Whatever file operation a witness is killed at, it never cosigns two histories and never forgets what it answered.

mod common;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use aal_ledger::{Checkpoint, Note, WitnessPolicy};
use aal_witness::{AddError, Disk, State, WitnessKeys};
use common::{Log, ORIGIN};

/// Files with what of them is durable; the power fails at the operation counted down to.
#[derive(Default)]
struct Media {
    /// What a running process sees.
    seen: BTreeMap<String, Vec<u8>>,
    /// What is there after a power cut: bytes that were synced, under names that were synced.
    durable: BTreeMap<String, Vec<u8>>,
    synced_bytes: BTreeMap<String, Vec<u8>>,
    operations_left: Option<u32>,
    /// Whether the operation that fails still takes effect in part.
    is_torn: bool,
    operations: u32,
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Media>>);

impl Memory {
    /// Counts one operation; false when the power is gone, `Some(true)` as error when it goes in the middle of this one.
    fn step(media: &mut Media) -> Result<(), bool> {
        media.operations += 1;
        match &mut media.operations_left {
            None => Ok(()),
            Some(0) => Err(false),
            Some(left) => {
                *left -= 1;
                if *left == 0 { Err(media.is_torn) } else { Ok(()) }
            }
        }
    }

    fn cut(&self, after: u32, is_torn: bool) {
        let mut media = self.0.lock().unwrap();
        media.operations_left = Some(after + 1);
        media.is_torn = is_torn;
    }

    /// A new process after a kill (the system's caches stay) or after a power cut (they do not).
    fn restart(&self, is_power_cut: bool) {
        let mut media = self.0.lock().unwrap();
        media.operations_left = None;
        if is_power_cut {
            media.seen = media.durable.clone();
            media.synced_bytes = media.durable.clone();
        }
    }

    fn operations(&self) -> u32 {
        self.0.lock().unwrap().operations
    }
}

fn killed<T>() -> io::Result<T> {
    Err(io::Error::other("killed"))
}

impl Disk for Memory {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().seen.get(name).cloned())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut media = self.0.lock().unwrap();
        let done = Memory::step(&mut media);
        match done {
            Ok(()) => media.seen.insert(name.to_owned(), bytes.to_vec()),
            Err(true) => media
                .seen
                .insert(name.to_owned(), bytes[..bytes.len() / 2].to_vec()),
            Err(false) => return killed(),
        };
        media.synced_bytes.remove(name);
        if done.is_ok() { Ok(()) } else { killed() }
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut media = self.0.lock().unwrap();
        let done = Memory::step(&mut media);
        if done != Err(false) {
            let bytes = media.seen.get(name).cloned().unwrap_or_default();
            media.synced_bytes.insert(name.to_owned(), bytes);
        }
        if done.is_ok() { Ok(()) } else { killed() }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut media = self.0.lock().unwrap();
        let done = Memory::step(&mut media);
        if done != Err(false) {
            let bytes = media.seen.remove(from).unwrap_or_default();
            media.seen.insert(to.to_owned(), bytes);
            // Bytes that were never synced may be lost although the name is there.
            let synced = media.synced_bytes.remove(from).unwrap_or_default();
            media.synced_bytes.insert(to.to_owned(), synced);
        }
        if done.is_ok() { Ok(()) } else { killed() }
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut media = self.0.lock().unwrap();
        let done = Memory::step(&mut media);
        if done != Err(false) {
            media.durable = media.synced_bytes.clone();
        }
        if done.is_ok() { Ok(()) } else { killed() }
    }
}

fn open(disk: &Memory) -> State {
    let keys = WitnessKeys::open(disk, "witness.example/w").unwrap();
    let policy = WitnessPolicy::parse(common::policy_text().as_bytes()).unwrap();
    State::open(Box::new(disk.clone()), keys, &policy, || 1_700_000_000).unwrap()
}

fn stands_at(state: &State) -> u64 {
    let note = state.last_note(ORIGIN).unwrap();
    note.map_or(0, |note| Checkpoint::parse_text(&note.text).unwrap().size)
}

#[test]
fn a_kill_at_any_file_operation_loses_no_answer() {
    let log = Log::of(40);
    let sizes = [1, 2, 9, 17, 40];
    // One run without a kill counts the operations.
    let calm = Memory::default();
    let state = open(&calm);
    let before = calm.operations();
    for pair in [0, 1, 2, 9, 17, 40].windows(2) {
        state.add(&log.request(pair[0], pair[1])).unwrap();
    }
    let operations = calm.operations() - before;
    assert_eq!(
        operations,
        4 * sizes.len() as u32,
        "write, sync, rename, sync names"
    );

    let mut killed_at = 0;
    for kill_after in 0..operations {
        for (is_torn, is_power_cut) in [(false, false), (true, false), (false, true), (true, true)] {
            let disk = Memory::default();
            let mut state = open(&disk);
            disk.cut(kill_after, is_torn);
            let mut answered = 0;
            for size in sizes {
                match state.add(&log.request(answered, size)) {
                    Ok(lines) => {
                        assert_eq!(lines.len(), 2);
                        answered = size;
                    }
                    Err(AddError::Disk(_)) => break,
                    Err(error) => panic!("kill at {kill_after}: {error}"),
                }
            }
            assert!(answered < 40, "the kill came");
            killed_at += 1;
            disk.restart(is_power_cut);
            state = open(&disk);
            let stands = stands_at(&state);
            assert!(
                stands >= answered,
                "kill at {kill_after}: {answered} was answered, {stands} is known"
            );

            // A fork before what was answered is refused, and the log itself can always go on.
            if answered > 0 {
                let fork = Log::forked_at(40, answered - 1);
                for old in [0, answered, stands] {
                    let size = old.max(1);
                    assert!(
                        state.add(&fork.request(old, size.max(stands))).is_err(),
                        "kill at {kill_after}"
                    );
                }
            }
            for line in state.add(&log.request(stands, 40)).unwrap() {
                let note = Note {
                    text: log.checkpoint(40).to_text(),
                    signatures: vec![line],
                };
                let keys = WitnessKeys::open(&disk, "witness.example/w")
                    .unwrap()
                    .verifier_keys();
                assert_eq!(note.signed_by(&keys).unwrap().len(), 1);
            }
            assert_eq!(stands_at(&state), 40);
        }
    }
    assert_eq!(killed_at, operations * 4);
}

#[test]
fn damaged_or_foreign_state_stops_the_witness() {
    let log = Log::of(9);
    let disk = Memory::default();
    open(&disk).add(&log.request(0, 9)).unwrap();
    let name = {
        let media = disk.0.lock().unwrap();
        media
            .seen
            .keys()
            .find(|name| name.ends_with(".checkpoint"))
            .unwrap()
            .clone()
    };
    let keys = || WitnessKeys::open(&disk, "witness.example/w").unwrap();
    let policy = WitnessPolicy::parse(common::policy_text().as_bytes()).unwrap();
    let good = disk.0.lock().unwrap().seen[&name].clone();
    let older = Log::of(3).request(0, 3).note.to_bytes();
    let mut flipped = good.clone();
    flipped[40] ^= 1;
    for bytes in [Vec::new(), good[..good.len() - 1].to_vec(), flipped, older] {
        disk.0.lock().unwrap().seen.insert(name.clone(), bytes);
        let opened = State::open(Box::new(disk.clone()), keys(), &policy, || 5);
        assert!(opened.unwrap_err().to_string().contains("restore it"));
    }
    disk.0.lock().unwrap().seen.insert(name, good);
    assert!(State::open(Box::new(disk.clone()), keys(), &policy, || 5).is_ok());
    let none = WitnessPolicy::parse(b"quorum none\n").unwrap();
    assert!(State::open(Box::new(disk.clone()), keys(), &none, || 5).is_err());
}

#[test]
fn requests_at_once_never_roll_back() {
    let log = Arc::new(Log::of(64));
    let state = Arc::new(open(&Memory::default()));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (log, state) = (Arc::clone(&log), Arc::clone(&state));
            std::thread::spawn(move || {
                let mut highest = 0;
                while highest < 64 {
                    let size = stands_at(&state);
                    assert!(size >= highest, "rolled back from {highest} to {size}");
                    highest = size;
                    // Losing the race to another thread is a refusal like any other.
                    let _ = state.add(&log.request(size, (size + 3).min(64)));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(stands_at(&state), 64);
}
