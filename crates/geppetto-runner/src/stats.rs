//! What an owner has done.

use crate::memory::Memory;
use std::sync::atomic::{AtomicU64, Ordering};

/// What an owner has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Jobs that wait now.
    pub queue_depth: usize,
    /// Jobs taken from the queue and run.
    pub run: u64,
    /// Jobs run at once, because their caller was on the owner's thread.
    pub inline: u64,
    /// Jobs not run, because their caller was gone or the owner closed.
    pub cancelled: u64,
    /// Jobs that were interrupted or too deep.
    pub failed: u64,
    /// Jobs that panicked.
    pub panicked: u64,
    /// Bytes of the engine's heap.
    pub heap_bytes: usize,
    /// Bytes that Rust keeps for the VM, as far as they are counted against its limit.
    pub kept_bytes: usize,
}

/// The counters behind [`Stats`]. Written by the owner's thread, read by anyone.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) run: AtomicU64,
    pub(crate) inline: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) panicked: AtomicU64,
}

impl Counters {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self, queue_depth: usize, memory: &Memory) -> Stats {
        Stats {
            heap_bytes: memory.heap(),
            kept_bytes: memory.kept(),
            queue_depth,
            run: self.run.load(Ordering::Relaxed),
            inline: self.inline.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            panicked: self.panicked.load(Ordering::Relaxed),
        }
    }
}
