//! What is kept of a body that passes: its chunks without copying them, up to a limit; beyond it only count and digest.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Room for captured bytes, shared by all calls. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    left: Arc<AtomicUsize>,
}

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            left: Arc::new(AtomicUsize::new(bytes)),
        }
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            });
        taken.is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// One body as it passes.
#[derive(Debug)]
pub(crate) struct Capture {
    room: Room,
    limit_bytes: usize,
    chunks: Vec<Bytes>,
    held_bytes: usize,
    total_bytes: u64,
    /// Of everything so far; only once the body is too long to be kept.
    digest: Option<Sha256>,
}

impl Capture {
    pub(crate) fn new(room: Room, limit_bytes: usize) -> Self {
        Self {
            room,
            limit_bytes,
            chunks: Vec::new(),
            held_bytes: 0,
            total_bytes: 0,
            digest: None,
        }
    }

    /// Notes one chunk. It costs a reference, not a copy, as long as the body is within its limit.
    pub(crate) fn push(&mut self, chunk: &Bytes) {
        self.total_bytes += chunk.len() as u64;
        if self.digest.is_none() {
            let fits = self.held_bytes + chunk.len() <= self.limit_bytes;
            if fits && self.room.take(chunk.len()) {
                self.held_bytes += chunk.len();
                self.chunks.push(chunk.clone());
                return;
            }
            let mut digest = Sha256::new();
            self.chunks.iter().for_each(|held| digest.update(held));
            self.digest = Some(digest);
        }
        if let Some(digest) = &mut self.digest {
            digest.update(chunk);
        }
    }

    /// What was noted so far; the capture is empty afterwards.
    pub(crate) fn take(&mut self) -> Captured {
        Captured {
            room: self.room.clone(),
            chunks: mem::take(&mut self.chunks),
            held_bytes: mem::take(&mut self.held_bytes),
            total_bytes: mem::take(&mut self.total_bytes),
            sha256: self.digest.take().map(|digest| digest.finalize().into()),
        }
    }

    /// The bytes noted so far, copied: for an intent, which is made while the body is still needed.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.chunks.concat()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.room.give_back(self.held_bytes);
    }
}

/// A body that has passed. Gives its room back when dropped.
#[derive(Debug)]
pub(crate) struct Captured {
    room: Room,
    chunks: Vec<Bytes>,
    held_bytes: usize,
    /// Length of the whole body, in bytes.
    pub(crate) total_bytes: u64,
    /// Digest of the whole body, when only its beginning was kept.
    pub(crate) sha256: Option<[u8; 32]>,
}

impl Captured {
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The kept bytes in one piece.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.chunks.concat()
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        self.room.give_back(self.held_bytes);
    }
}

/// A capture that the task of the client's connection fills and the end of the call reads.
#[derive(Clone, Debug)]
pub(crate) struct SharedCapture(Arc<Mutex<Capture>>);

impl SharedCapture {
    pub(crate) fn new(capture: Capture) -> Self {
        Self(Arc::new(Mutex::new(capture)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Capture> {
        // Nothing panics while the lock is held; a poisoned capture would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_within_its_limit_is_kept_whole() {
        let room = Room::new(100);
        let mut capture = Capture::new(room.clone(), 10);
        capture.push(&Bytes::from_static(b"hello "));
        capture.push(&Bytes::from_static(b"you"));
        let captured = capture.take();
        assert_eq!((captured.bytes(), captured.sha256), (b"hello you".to_vec(), None));
        assert_eq!(room.left.load(Ordering::Relaxed), 91);
        drop(captured);
        drop(capture);
        assert_eq!(room.left.load(Ordering::Relaxed), 100, "the room comes back once");
    }

    #[test]
    fn a_longer_body_leaves_its_beginning_length_and_digest() {
        let whole = b"hello you there";
        for room_bytes in [100, 8] {
            let mut capture = Capture::new(Room::new(room_bytes), 10);
            for chunk in whole.chunks(5) {
                capture.push(&Bytes::copy_from_slice(chunk));
            }
            let captured = capture.take();
            assert_eq!(captured.total_bytes, 15);
            assert_eq!(captured.sha256, Some(Sha256::digest(whole).into()));
            assert!(whole.starts_with(&captured.bytes()));
            assert_eq!(captured.held_bytes(), if room_bytes == 100 { 10 } else { 5 });
        }
    }
}
