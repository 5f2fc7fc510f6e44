//! A job that waits in the queue.

use crate::queue::Item;
use crate::{CallError, Local};
use std::time::Instant;

/// A job that waits in the queue: run on the owner's thread, or told why it was not.
pub(crate) struct Job {
    pub(crate) op: &'static str,
    pub(crate) scope: Option<u64>,
    /// When it was queued.
    pub(crate) since: Instant,
    pub(crate) work: Box<dyn Work>,
}

/// What a job does with either of its ends.
pub(crate) trait Work: Send {
    /// Whether the caller is gone, so that nobody wants the result.
    fn is_abandoned(&self) -> bool;
    /// Runs it.
    fn run(self: Box<Self>, local: &Local);
    /// Says why it will not be run.
    fn refuse(self: Box<Self>, error: CallError);
}

impl Item for Job {
    fn scope(&self) -> Option<u64> {
        self.scope
    }
}
