//! What a VM uses of memory: the engine's heap, counted by an allocator of our own, and what Rust keeps for it.
//!
//! The engine does not survive every refusal: its compiler, for one, frees what it has freed. So nothing is ever
//! refused. A VM beyond its limit is interrupted, and gets what little it needs until it notices; one that wants more
//! than that waits in its allocator for ever, and is given up.
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
    /// What the VM may have, once its engine stands.
    limit: AtomicUsize,
    heap: AtomicUsize,
    kept: AtomicUsize,
    /// Set when the VM went beyond its limit, and never taken back.
    exhausted: AtomicBool,
    /// What the VM had when the collector last ran for it.
    collected: AtomicUsize,
}

impl Memory {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            limit: AtomicUsize::new(MOST),
            heap: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
            exhausted: AtomicBool::new(false),
            collected: AtomicUsize::new(0),
        })
    }

    /// Holds the VM to its limit from now on. Until its engine stands there is nothing that could be interrupted.
    pub(crate) fn enforce(&self, limit: Option<usize>) {
        self.limit.store(limit.unwrap_or(MOST).min(MOST), Ordering::Relaxed);
    }

    /// Whether the VM wanted more than it may have.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Relaxed)
    }

    /// Bytes of the engine's heap.
    pub(crate) fn heap(&self) -> usize {
        self.heap.load(Ordering::Relaxed)
    }

    /// Bytes that Rust keeps for the VM.
    pub(crate) fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// What it would have with `more` bytes.
    fn wanted(&self, more: usize) -> usize {
        self.heap().saturating_add(self.kept()).saturating_add(more)
    }

    /// Whether the VM has grown so much that the engine's collector should look for what nobody needs any more: it sees its
    /// own heap grow, and not what that holds of Rust's.
    pub(crate) fn must_collect(&self) -> bool {
        let used = self.wanted(0);
        let room = self.limit.load(Ordering::Relaxed).saturating_sub(used);
        // By half of all, as the engine does, and before there is no room.
        self.kept() > LEAST_COLLECTED && self.has_grown((used / 2).min(room / 2).max(LEAST_COLLECTED))
    }

    /// Whether the VM has grown by more than this since the collector last ran for it.
    fn has_grown(&self, bytes: usize) -> bool {
        self.wanted(0) > self.collected.load(Ordering::Relaxed).saturating_add(bytes)
    }

    /// Whether the collector may find something.
    pub(crate) fn may_collect(&self) -> bool {
        self.has_grown(LEAST_COLLECTED)
    }

    /// The collector has run.
    pub(crate) fn collected(&self) {
        self.collected.store(self.wanted(0), Ordering::Relaxed);
    }

    /// Whether the VM gets `more` bytes. Beyond its limit that is remembered, and it gets small blocks only, up to the
    /// reserve.
    fn allows(&self, more: usize) -> bool {
        let wanted = self.wanted(more);
        let limit = self.limit.load(Ordering::Relaxed);
        if wanted <= limit {
            return true;
        }
        self.exhausted.store(true, Ordering::Relaxed);
        more <= SMALL && wanted <= limit + RESERVE
    }

    /// Only the owner's thread does.
    fn set_heap(&self, bytes: usize) {
        self.heap.store(bytes, Ordering::Relaxed);
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

    /// Whether the VM may have so many bytes more: who asks first can refuse what would end it.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.0.wanted(bytes) <= self.0.limit.load(Ordering::Relaxed)
    }

    /// It is kept no longer.
    pub fn remove(&self, bytes: usize) {
        self.0.kept.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A VM beyond its limit gets no larger block than this, in bytes…
const SMALL: usize = 64 * 1024;
/// … and no more than this beyond its limit, in bytes: enough to come to where it is interrupted.
const RESERVE: usize = 16 * 1024 * 1024;
/// The collector does not run for fewer bytes that Rust keeps.
const LEAST_COLLECTED: usize = 1024 * 1024;
/// No limit is above this: sizes up to it can be added to without overflow.
const MOST: usize = usize::MAX / 4;
/// What the allocator puts before each block, as large as its alignment.
const HEADER: usize = 8;

fn size_of(pointer: *mut u8) -> usize {
    // SAFETY: every pointer that comes here was allocated by `RustAllocator`, which keeps its size in front of it.
    HEADER + unsafe { RustAllocator::usable_size(pointer) }
}

/// Gives the engine memory as long as its VM may have it.
pub(crate) struct Heap {
    memory: Arc<Memory>,
    /// Gives the VM up.
    give_up: Box<dyn Fn()>,
}

impl Heap {
    pub(crate) fn new(memory: Arc<Memory>, give_up: impl Fn() + 'static) -> Self {
        Self { memory, give_up: Box::new(give_up) }
    }

    /// A block of `size` more bytes, which is never null: who cannot have it does not return.
    fn give(&self, size: usize, allocate: impl FnOnce() -> *mut u8) -> *mut u8 {
        let pointer = if self.memory.allows(size) { allocate() } else { std::ptr::null_mut() };
        if pointer.is_null() {
            (self.give_up)();
            loop {
                std::thread::park();
            }
        }
        self.memory.set_heap(self.memory.heap() + size_of(pointer));
        pointer
    }
}

// SAFETY: every pointer comes from `RustAllocator` and goes back to it.
unsafe impl Allocator for Heap {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        self.give(size, || RustAllocator.alloc(size))
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        // Of nothing, and of more than can be: as the engine's own allocator has it.
        match count.checked_mul(size) {
            None | Some(0) => std::ptr::null_mut(),
            Some(total) => self.give(total, || RustAllocator.calloc(count, size)),
        }
    }

    unsafe fn dealloc(&mut self, pointer: *mut u8) {
        self.memory.set_heap(self.memory.heap() - size_of(pointer));
        // SAFETY: the pointer was allocated here.
        unsafe { RustAllocator.dealloc(pointer) }
    }

    unsafe fn realloc(&mut self, pointer: *mut u8, new_size: usize) -> *mut u8 {
        let old_size = size_of(pointer);
        // SAFETY: the pointer was allocated here.
        let moved = self
            .give(new_size.saturating_sub(old_size), || unsafe { RustAllocator.realloc(pointer, new_size) });
        self.memory.set_heap(self.memory.heap() - old_size);
        moved
    }

    unsafe fn usable_size(pointer: *mut u8) -> usize {
        // SAFETY: the pointer was allocated here.
        unsafe { RustAllocator::usable_size(pointer) }
    }
}
