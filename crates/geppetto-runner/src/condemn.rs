//! Giving up a VM: one that cannot be interrupted, or that wanted more memory than it may have.
//!
//! Whatever waits for it is told, and it is never touched again. Its thread, or its memory, is left behind.

use crate::CallError;
use crate::shared::Shared;
use crate::stats::Counters;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the process has left behind in VMs that were given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftBehind {
    /// Threads that compute what cannot be interrupted. One that comes to its end after all is counted no longer.
    pub threads: usize,
    /// VMs that ran out of memory and are never freed.
    pub vms: usize,
    /// The bytes of their heaps.
    pub bytes: usize,
}

static THREADS: AtomicUsize = AtomicUsize::new(0);
static VMS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// What the process has left behind so far.
#[must_use]
pub fn left_behind() -> LeftBehind {
    LeftBehind {
        threads: THREADS.load(Ordering::Relaxed),
        vms: VMS.load(Ordering::Relaxed),
        bytes: BYTES.load(Ordering::Relaxed),
    }
}

/// Why a VM is given up whose script wanted too much memory.
pub(crate) const OUT_OF_MEMORY: &str = "its script needs more memory than it may have";

impl CallError {
    /// What those hear who want something of a VM that was given up.
    pub(crate) fn condemned(why: &'static str) -> Self {
        if why == OUT_OF_MEMORY { Self::OutOfMemory } else { Self::Condemned { why } }
    }
}

impl Shared {
    /// Why the VM was given up, if it was.
    pub(crate) fn condemned(&self) -> Option<&'static str> {
        self.condemned.get().copied()
    }

    /// Gives the VM up. The first call does it: refuses what waits and what comes, answers the jobs that run, tells
    /// the host, and says that the VM is gone.
    pub(crate) fn condemn(&self, why: &'static str) {
        if self.condemned.set(why).is_err() {
            return;
        }
        let error = CallError::condemned(why);
        tracing::error!(name = self.name, why, "a runtime was condemned");
        // If it comes back from what it computes, it does not go on.
        self.budget.kill.at(self.clock.now());
        if !self.is_owner_thread() {
            THREADS.fetch_add(1, Ordering::Relaxed);
            self.is_left_behind.store(true, Ordering::Release);
            self.lower_priority();
        }
        self.stopping.cancel();
        for job in self.queue.close() {
            Counters::count(&self.counters.cancelled);
            job.work.refuse(error.clone());
        }
        if !self.is_owner_thread() {
            for running in self.running.take() {
                running.refuse(error.clone());
            }
        }
        if let Some(on_condemned) = &self.on_condemned {
            let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| on_condemned(why)));
            if told.is_err() {
                tracing::error!("the handler of condemned runtimes panicked");
            }
        }
        self.report("condemned", error);
        if !self.is_owner_thread() {
            self.stopped.cancel();
        }
    }

    /// The thread has come to its end after all.
    pub(crate) fn came_back(&self) {
        if self.is_left_behind.swap(false, Ordering::Acquire) {
            THREADS.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Its memory is never given back.
    pub(crate) fn leaked(&self) {
        VMS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(self.budget.memory.heap(), Ordering::Relaxed);
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
