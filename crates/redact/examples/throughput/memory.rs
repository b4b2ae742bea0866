//! Counts what is allocated. The only unsafe code of the crate, in this example alone: a global allocator can be
//! written in no other way.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
pub(crate) struct Counted;

// SAFETY: every call is passed on unchanged to the system's allocator; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's layout is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `pointer` came from `alloc` above with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What a piece of work used.
pub(crate) struct Used {
    pub most: usize,
    pub count: usize,
}

/// Runs `work` alone and tells what it used at most, its result included.
pub(crate) fn most_used_by<T>(work: impl FnOnce() -> T) -> (T, Used) {
    let before = IN_USE.load(Ordering::Relaxed);
    let count = COUNT.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let result = work();
    let used = Used {
        most: MOST.load(Ordering::Relaxed) - before,
        count: COUNT.load(Ordering::Relaxed) - count,
    };
    (result, used)
}
