//! What can go wrong between a caller and a VM.

use crate::JsError;
use std::time::Duration;

/// Why a call to the owner has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The owner is shutting down or gone.
    #[error("the runtime was shut down")]
    Closed,
    /// The caller went away before the job began.
    #[error("the call was cancelled before it began")]
    Cancelled,
    /// Too many jobs wait already.
    #[error("the runtime's queue is full: {capacity} jobs wait")]
    QueueFull {
        /// How many may wait.
        capacity: usize,
    },
    /// The job panicked: a bug in host code. The owner lives on.
    #[error("panic in {op}: {message}")]
    Panicked {
        /// The job.
        op: &'static str,
        /// What the panic said.
        message: String,
    },
    /// The job took longer than it may and was interrupted.
    #[error("interrupted after {} ms", after.as_millis())]
    Interrupted {
        /// How long it had run.
        after: Duration,
    },
    /// What would have settled the promise it waits for was interrupted.
    #[error(
        "what would have settled its promise was interrupted, because the time of a callback or of another run was over"
    )]
    Stranded,
    /// The VM could not be interrupted and was given up.
    #[error("the runtime was condemned: {why}")]
    Condemned {
        /// What it did.
        why: &'static str,
    },
    /// The VM needed more memory than it may have, and was given up.
    #[error("the runtime is out of memory")]
    OutOfMemory,
    /// Synchronous waits are nested too deeply.
    #[error("synchronous waits are nested more than {limit} deep")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
    /// Microtasks queued microtasks for too long. What is left goes on once, behind what waits.
    #[error("more than {limit} microtasks followed one job")]
    TooManyMicrotasks {
        /// How many may follow.
        limit: usize,
    },
    /// The script threw.
    #[error("{0}")]
    Script(JsError),
}

/// Why a synchronous wait ended without its future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The owner is shutting down.
    #[error("the runtime was shut down")]
    Shutdown,
    /// A deadline or token of something around the wait told it to end.
    #[error("stopped by what encloses the wait")]
    Stopped,
    /// The VM needs more memory than it may have.
    #[error("the runtime is out of memory")]
    OutOfMemory,
    /// Synchronous waits are nested too deeply.
    #[error("synchronous waits are nested more than {limit} deep")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
}

/// Why an owner could not be started. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The operating system gave no thread.
    #[error("could not start the runtime's thread")]
    Thread(#[source] std::io::Error),
    /// The engine could not be set up.
    #[error("could not set up the engine: {message}")]
    Engine {
        /// What the engine said.
        message: String,
    },
    /// The program's own set-up failed.
    #[error("could not set up the runtime: {message}")]
    Setup {
        /// What it said.
        message: String,
    },
}

/// Something went wrong where nobody waits for a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReport {
    /// What was being done: the name of a job, or `promise` for a rejection that nobody handles.
    pub op: &'static str,
    /// What went wrong.
    pub error: CallError,
}
