//! Promises that were rejected and that nobody handles.
//!
//! The engine tells of a rejection at once, and again when a handler is attached, which for an awaited promise is a
//! moment later. So rejections are kept until the microtasks have run, and only what is left is reported.

use crate::JsError;
use crate::current;
use rquickjs::{Ctx, Persistent, Value};
use std::cell::RefCell;
use std::collections::VecDeque;

#[derive(Default)]
pub(crate) struct Rejections {
    /// Each promise with its reason, in the order in which they were rejected.
    pending: RefCell<VecDeque<(Persistent<Value<'static>>, Persistent<Value<'static>>)>>,
}

impl Rejections {
    /// What the engine tells of a promise.
    pub(crate) fn track<'js>(&self, ctx: &Ctx<'js>, promise: Value<'js>, reason: Value<'js>, handled: bool) {
        let promise = Persistent::save(ctx, promise);
        if handled {
            let mut pending = self.pending.borrow_mut();
            // Most were rejected just now, or first of many that are awaited together.
            let last = pending.len().wrapping_sub(1);
            let mut from_both_ends = (0..pending.len().div_ceil(2)).flat_map(|at| [last - at, at]);
            let found = from_both_ends.find(|at| pending[*at].0 == promise);
            let removed = found.and_then(|found| pending.remove(found));
            drop(pending);
            drop(removed);
        } else if !current::is_kill(&reason) {
            // That something was interrupted is told where it was.
            self.pending.borrow_mut().push_back((promise, Persistent::save(ctx, reason)));
        }
    }

    /// The rejections that are left, as what was thrown. Each is read when it is asked for: all together may be more than
    /// the VM may have.
    pub(crate) fn take<'a>(&self, ctx: &'a Ctx<'_>) -> impl Iterator<Item = JsError> + 'a {
        let pending = std::mem::take(&mut *self.pending.borrow_mut());
        let reasons = pending.into_iter().filter_map(|(_, reason)| reason.restore(ctx).ok());
        reasons.map(|reason| JsError::from_value(&reason))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending.borrow().is_empty()
    }

    pub(crate) fn clear(&self) {
        let pending = std::mem::take(&mut *self.pending.borrow_mut());
        drop(pending);
    }
}
