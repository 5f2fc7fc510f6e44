//! The queued calls that run now: whoever gives the owner up answers them in its place.

use crate::CallError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Something that somebody waits for an answer from.
pub(crate) trait Refuse: Send + Sync {
    /// Answers with an error, unless it was answered.
    fn refuse(&self, error: CallError);
}

/// The calls that run now, outermost first: a synchronous wait runs others inside one.
#[derive(Default)]
pub(crate) struct Running(Mutex<Vec<Arc<dyn Refuse>>>);

impl Running {
    fn calls(&self) -> MutexGuard<'_, Vec<Arc<dyn Refuse>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call runs until the guard is dropped.
    pub(crate) fn enter(&self, call: Arc<dyn Refuse>) -> impl Drop + '_ {
        self.calls().push(call);
        Leave(self)
    }

    /// All of them, to be answered by somebody else.
    pub(crate) fn take(&self) -> Vec<Arc<dyn Refuse>> {
        std::mem::take(&mut *self.calls())
    }
}

struct Leave<'a>(&'a Running);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let left = self.0.calls().pop();
        drop(left);
    }
}
