//! Appending to a clone of a turn costs the same at 10 and at 10,000 blocks, counted in allocated bytes: a measure
//! that, unlike time, is the same on every machine.

use geppetto_turns::{Block, Turn};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "a counting allocator has to implement the allocator's trait")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes allocated for 100 times "clone the turn and append a block", on average.
fn bytes_per_append(blocks: usize) -> usize {
    let turn: Turn = (0..blocks).map(|n| Block::user(n.to_string())).collect();
    let mut kept = Vec::with_capacity(100);
    let before = ALLOCATED.load(Ordering::Relaxed);
    for _ in 0..100 {
        kept.push(turn.clone().with(Block::user("next")));
    }
    (ALLOCATED.load(Ordering::Relaxed) - before) / 100
}

#[test]
fn appending_costs_the_same_at_10_and_at_10_000_blocks() {
    let short = bytes_per_append(10);
    let long = bytes_per_append(10_000);
    // One leaf of the vector's tree is copied, and the few nodes above it; never the list.
    assert!(long < short + 4_096, "{short} bytes at 10 blocks, {long} at 10,000");
}
