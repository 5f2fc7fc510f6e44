//! How a runtime is: what a host shows its operators.

/// Whether a runtime takes work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It takes work.
    Running,
    /// It is shutting down: what runs gets its grace.
    Stopping,
    /// Its VM is gone.
    Stopped,
    /// Its VM was given up: it could not be interrupted, or wanted too much memory.
    Condemned,
}

/// How a runtime is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether it takes work.
    pub status: Status,
    /// How many runs that scripts started go on.
    pub active_runs: usize,
    /// How many runs, timers and host operations of scripts are pending; none: it is idle.
    pub pending: usize,
    /// How many calls wait for the VM.
    pub queue_depth: usize,
}
