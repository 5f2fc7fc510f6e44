//! What an owner's thread shares with the rest of the world.

use crate::budget::Budget;
use crate::job::Job;
use crate::memory::Memory;
use crate::queue::Queue;
use crate::running::Running;
use crate::stats::Counters;
use crate::{CallError, ErrorHandler, ErrorReport, OwnerOptions};
use geppetto_time::Clock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What an owner's thread shares with the rest of the world.
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue: Queue<Job>,
    pub(crate) counters: Counters,
    pub(crate) on_error: ErrorHandler,
    pub(crate) on_condemned: Option<Arc<dyn Fn(&'static str) + Send + Sync>>,
    pub(crate) budget: Budget,
    /// A call that waits longer is logged.
    pub(crate) slow_wait: Duration,
    /// The queued calls that run now.
    pub(crate) running: Running,
    /// Why the VM was given up, once it was.
    pub(crate) condemned: OnceLock<&'static str>,
    /// The bytes that its VM counts as left behind with, while the thread is.
    pub(crate) left_behind: AtomicUsize,
    #[cfg(target_os = "linux")]
    pub(crate) system_thread: OnceLock<rustix::process::Pid>,
    /// Told when a shutdown shortens the grace of an earlier one.
    pub(crate) kill_changed: Notify,
    /// Cancelled when a shutdown begins: synchronous waits end, and so does whatever the program ties to it.
    pub(crate) stopping: CancellationToken,
    /// Cancelled by the thread as its last act: the VM is gone.
    pub(crate) stopped: CancellationToken,
    /// Ids of JS values that nobody holds any more. Pushed by any thread, emptied by the owner's between jobs.
    releases: Mutex<Vec<usize>>,
    /// Whether `releases` has anything, so that the owner need not lock to find it empty.
    has_releases: AtomicBool,
    /// Told when microtasks were interrupted: promises they should have settled may stay pending for ever.
    pub(crate) microtasks_killed: Notify,
    /// How many continuations were interrupted because something they may belong to had to end.
    pub(crate) continuations_interrupted: AtomicU64,
    /// Set by the thread when it ends.
    pub(crate) ended: AtomicBool,
}

impl Shared {
    pub(crate) fn new(options: &OwnerOptions) -> Self {
        let memory = Memory::new();
        Self {
            name: options.name.clone(),
            clock: options.clock.clone(),
            queue: Queue::new(options.limits.queue),
            counters: Counters::default(),
            on_error: options.on_error.clone(),
            on_condemned: options.on_condemned.clone(),
            budget: Budget::new(options.clock.clone(), memory),
            running: Running::default(),
            slow_wait: options.slow_wait,
            condemned: OnceLock::new(),
            left_behind: AtomicUsize::new(0),
            #[cfg(target_os = "linux")]
            system_thread: OnceLock::new(),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            releases: Mutex::default(),
            has_releases: AtomicBool::new(false),
            kill_changed: Notify::new(),
            microtasks_killed: Notify::new(),
            continuations_interrupted: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_owner_thread(&self) -> bool {
        self.budget.thread.get() == Some(&std::thread::current().id())
    }

    pub(crate) fn report(&self, op: &'static str, error: CallError) {
        let report = ErrorReport { op, error };
        // A handler that panics must not take the owner with it.
        let handled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (self.on_error)(&report)));
        if handled.is_err() {
            tracing::error!(op, error = %report.error, "the error handler panicked");
        }
    }

    /// Begins a shutdown; later calls only shorten the grace of the running job.
    pub(crate) fn begin_shutdown(&self, grace: Duration) {
        self.budget.kill.at(self.clock.after(grace));
        self.kill_changed.notify_waiters();
        // The cause first: whoever finds the queue closed reads it.
        self.stopping.cancel();
        for job in self.queue.close() {
            Counters::count(&self.counters.cancelled);
            job.work.refuse(CallError::Closed);
        }
    }

    pub(crate) fn release(&self, id: usize) {
        self.releases.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        self.has_releases.store(true, Ordering::Release);
        if !self.is_owner_thread() {
            self.queue.notify();
        }
    }

    pub(crate) fn take_releases(&self) -> Vec<usize> {
        if !self.has_releases.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        std::mem::take(&mut *self.releases.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
