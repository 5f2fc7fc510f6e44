//! Giving up a VM: one that cannot be interrupted, or that wanted more memory than it may have.
//!
//! Whatever waits for it is told, and it is never touched again. A thread that does not come back is left behind with
//! its VM.

use crate::CallError;
use crate::shared::Shared;
use crate::stats::Counters;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the process has left behind in VMs that were given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftBehind {
    /// Threads that compute what cannot be interrupted, or wait for memory. One that comes to its end after all is
    /// counted no longer.
    pub threads: usize,
    /// The bytes of the heaps of their VMs when they were given up.
    pub bytes: usize,
}

static THREADS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// What the process has left behind so far.
#[must_use]
pub fn left_behind() -> LeftBehind {
    LeftBehind { threads: THREADS.load(Ordering::Relaxed), bytes: BYTES.load(Ordering::Relaxed) }
}

/// Why a VM is given up whose script wanted too much memory.
pub(crate) const OUT_OF_MEMORY: &str = "its script needs more memory than it may have";

impl Shared {
    /// Why the VM was given up, if it was.
    pub(crate) fn condemned(&self) -> Option<&'static str> {
        self.condemned.get().copied()
    }

    /// Gives up a VM whose thread does not come back. On a thread of its own: neither what the host does when it hears
    /// of it nor the host's allocator may wait for the thread that found out.
    pub(crate) fn condemn_stuck(self: &Arc<Self>, why: &'static str) {
        let shared = self.clone();
        let thread = std::thread::Builder::new().name("geppetto-condemn".to_owned());
        if thread.spawn(move || shared.condemn(why, true)).is_err() {
            self.condemn(why, true);
        }
    }

    /// Gives the VM up. Whoever is first tells everybody; a thread that is stuck is answered for, whoever was first.
    pub(crate) fn condemn(&self, why: &'static str, is_stuck: bool) {
        let is_first = self.condemned.set(why).is_ok();
        if is_first {
            self.end_what_goes_on(why);
        }
        if is_stuck && !self.stopped.is_cancelled() {
            self.leave_behind();
        }
        // At last: whatever the host does about it, nobody waits for that.
        if is_first {
            self.report("condemned", self.gone());
        }
    }

    /// Answers for a thread that does not come back.
    fn leave_behind(&self) {
        let bytes = self.budget.memory.heap();
        if self.left_behind.swap(bytes, Ordering::AcqRel) == 0 {
            THREADS.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_add(bytes, Ordering::Relaxed);
            self.lower_priority();
        }
        self.running.give_up(self.gone());
        self.stopped.cancel();
        if self.ended.load(Ordering::SeqCst) {
            self.came_back();
        }
    }

    /// Refuses what waits and what comes, and ends what the program has going on.
    fn end_what_goes_on(&self, why: &'static str) {
        tracing::error!(name = self.name, why, "a runtime was condemned");
        // If it comes back from what it computes, it does not go on.
        self.budget.kill.at(self.clock.now());
        self.stopping.cancel();
        for job in self.queue.close() {
            Counters::count(&self.counters.cancelled);
            job.work.refuse(self.gone());
        }
        if let Some(on_condemned) = &self.on_condemned {
            let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| on_condemned(why)));
            if told.is_err() {
                tracing::error!("the handler of condemned runtimes panicked");
            }
        }
    }

    /// Why the VM takes no more jobs.
    pub(crate) fn gone(&self) -> CallError {
        match self.condemned() {
            None => CallError::Closed,
            Some(OUT_OF_MEMORY) => CallError::OutOfMemory,
            Some(why) => CallError::Condemned { why },
        }
    }

    /// The thread has come to its end after all.
    pub(crate) fn came_back(&self) {
        let bytes = self.left_behind.swap(0, Ordering::Acquire);
        if bytes > 0 {
            THREADS.fetch_sub(1, Ordering::Relaxed);
            BYTES.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// What computes for nobody leaves the processor to others.
    #[cfg(target_os = "linux")]
    fn lower_priority(&self) {
        if let Some(thread) = self.system_thread.get() {
            let lowered = rustix::process::setpriority_process(Some(*thread), 19);
            if let Err(error) = lowered {
                tracing::warn!(%error, "could not lower the priority of a thread that was left behind");
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn lower_priority(&self) {}
}
