//! What a VM may use.

use std::time::Duration;

/// What a VM may use. The defaults suit a script that is not trusted with the whole machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Memory of the JS heap in bytes; `None`: as much as there is.
    pub memory: Option<usize>,
    /// Native stack that JS may use, in bytes. The thread has [`Limits::THREAD_STACK`]; more than half of that
    /// counts as half.
    pub stack: usize,
    /// How long one job or callback may compute before it is interrupted; waiting does not count. `None`: for ever.
    pub job_time: Option<Duration>,
    /// How many jobs may wait in the queue.
    pub queue: usize,
    /// How deep synchronous waits may be nested.
    pub depth: usize,
    /// How many microtasks may follow one job before others have their turn, and the host is told.
    pub microtasks: usize,
    /// The largest text that programs may give the engine to compile, in bytes. Whoever reads texts heeds it.
    pub source: usize,
}

impl Limits {
    /// The stack of the owner's thread, in bytes.
    pub const THREAD_STACK: usize = 8 * 1024 * 1024;
    const MOST_STACK: usize = Self::THREAD_STACK / 2;
    /// Below this, not even the set-up of an engine runs.
    const LEAST_STACK: usize = 128 * 1024;

    /// The stack limit that is safe to give to the engine: it aborts the process on others.
    pub(crate) fn engine_stack(&self) -> usize {
        self.stack.clamp(Self::LEAST_STACK, Self::MOST_STACK)
    }
}

impl Default for Limits {
    /// 256 MiB of memory, 2 MiB of stack, 30 s a job, 1,024 waiting jobs, 16 nested waits, 10,000,000 microtasks after
    /// a job, 16 MiB of source.
    fn default() -> Self {
        Self {
            memory: Some(256 * 1024 * 1024),
            stack: 2 * 1024 * 1024,
            job_time: Some(Duration::from_secs(30)),
            queue: 1024,
            depth: 16,
            microtasks: 10_000_000,
            source: 16 * 1024 * 1024,
        }
    }
}
