//! What a VM uses of memory: the engine's heap, counted by an allocator of our own, and what Rust keeps for it.
//!
//! The engine's own limit would refuse before anybody hears of it, and what it throws then a script may catch. Here a
//! refusal is remembered: such a VM is given up.
#![allow(
    unsafe_code,
    reason = "an allocator of the engine is an unsafe trait; every call goes to one that is tested"
)]

use rquickjs::allocator::{Allocator, RustAllocator};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The memory of one VM. The owner's thread allocates; what Rust keeps is counted from any thread.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    heap: AtomicUsize,
    kept: AtomicUsize,
    /// Set when something was refused, and never taken back.
    refused: AtomicBool,
}

impl Memory {
    pub(crate) fn new(limit: Option<usize>) -> Arc<Self> {
        Arc::new(Self {
            limit: limit.unwrap_or(usize::MAX).min(MOST),
            heap: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
            refused: AtomicBool::new(false),
        })
    }

    /// Whether the VM wanted more than it may have.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Bytes of the engine's heap.
    pub(crate) fn heap(&self) -> usize {
        self.heap.load(Ordering::Relaxed)
    }

    /// Bytes that Rust keeps for the VM.
    pub(crate) fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// Whether `more` bytes fit; if not, that is remembered.
    fn allows(&self, more: usize) -> bool {
        let wanted = self.heap().saturating_add(self.kept()).saturating_add(more);
        if !self.is_exhausted() {
            if wanted <= self.limit {
                return true;
            }
            self.refused.store(true, Ordering::Relaxed);
        }
        // Now the script ends. What the engine needs to say so is small, and all else fails at once.
        more <= LAST_SIZE && wanted <= self.limit + RESERVE
    }

    /// Only the owner's thread does.
    fn set_heap(&self, bytes: usize) {
        self.heap.store(bytes, Ordering::Relaxed);
    }

    fn allocated(&self, pointer: *mut u8) -> *mut u8 {
        if !pointer.is_null() {
            self.set_heap(self.heap() + size_of(pointer));
        }
        pointer
    }
}

/// What Rust keeps for a VM counts against its limit: whoever keeps something says so, and takes it back. Clones
/// count for the same VM.
#[derive(Debug, Clone)]
pub struct MemoryAccount(pub(crate) Arc<Memory>);

impl MemoryAccount {
    /// Something is kept. Beyond the limit the VM ends as if its script had asked for as much.
    pub fn add(&self, bytes: usize) {
        self.0.allows(bytes);
        self.0.kept.fetch_add(bytes, Ordering::Relaxed);
    }

    /// It is kept no longer.
    pub fn remove(&self, bytes: usize) {
        self.0.kept.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Once a VM is out of memory it gets no larger block than this, in bytes…
const LAST_SIZE: usize = 1024;
/// … and no more than this beyond its limit, in bytes.
const RESERVE: usize = 64 * 1024;
/// No limit is above this: sizes up to it can be added to without overflow.
const MOST: usize = usize::MAX / 4;
/// What the allocator puts before each block, as large as its alignment.
const HEADER: usize = 8;

fn size_of(pointer: *mut u8) -> usize {
    // SAFETY: every pointer that comes here was allocated by `RustAllocator`, which keeps its size in front of it.
    HEADER + unsafe { RustAllocator::usable_size(pointer) }
}

/// Gives the engine memory as long as its VM may have it.
pub(crate) struct Heap(pub(crate) Arc<Memory>);

// SAFETY: every pointer comes from `RustAllocator` and goes back to it; a refusal is a null pointer.
unsafe impl Allocator for Heap {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        if !self.0.allows(size) {
            return std::ptr::null_mut();
        }
        self.0.allocated(RustAllocator.alloc(size))
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        match count.checked_mul(size) {
            Some(total) if self.0.allows(total) => self.0.allocated(RustAllocator.calloc(count, size)),
            _ => std::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&mut self, pointer: *mut u8) {
        self.0.set_heap(self.0.heap() - size_of(pointer));
        // SAFETY: the pointer was allocated here.
        unsafe { RustAllocator.dealloc(pointer) }
    }

    unsafe fn realloc(&mut self, pointer: *mut u8, new_size: usize) -> *mut u8 {
        let old_size = size_of(pointer);
        if !self.0.allows(new_size.saturating_sub(old_size)) {
            return std::ptr::null_mut();
        }
        // SAFETY: the pointer was allocated here.
        let moved = unsafe { RustAllocator.realloc(pointer, new_size) };
        if !moved.is_null() {
            self.0.set_heap(self.0.heap() - old_size);
        }
        self.0.allocated(moved)
    }

    unsafe fn usable_size(pointer: *mut u8) -> usize {
        // SAFETY: the pointer was allocated here.
        unsafe { RustAllocator::usable_size(pointer) }
    }
}
