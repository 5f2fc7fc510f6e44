//! Promises that were rejected and that nobody handles.
//!
//! The engine tells of a rejection at once, and again when a handler is attached, which for an awaited promise is a
//! moment later. So rejections are kept until the microtasks have run, and only what is left is reported.

use crate::JsError;
use rquickjs::{Ctx, Persistent, Value};
use std::cell::RefCell;

#[derive(Default)]
pub(crate) struct Rejections {
    pending: RefCell<Vec<(Persistent<Value<'static>>, Persistent<Value<'static>>)>>,
}

impl Rejections {
    /// What the engine tells of a promise.
    pub(crate) fn track<'js>(&self, ctx: &Ctx<'js>, promise: Value<'js>, reason: Value<'js>, handled: bool) {
        let promise = Persistent::save(ctx, promise);
        if handled {
            let mut pending = self.pending.borrow_mut();
            let found = pending.iter().position(|(known, _)| *known == promise);
            let removed = found.map(|found| pending.swap_remove(found));
            drop(pending);
            drop(removed);
        } else {
            self.pending.borrow_mut().push((promise, Persistent::save(ctx, reason)));
        }
    }

    /// The rejections that are left, as what was thrown.
    pub(crate) fn take(&self, ctx: &Ctx<'_>) -> Vec<JsError> {
        let pending = std::mem::take(&mut *self.pending.borrow_mut());
        let reasons = pending.into_iter().filter_map(|(_, reason)| reason.restore(ctx).ok());
        reasons.map(|reason| JsError::from_value(&reason)).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending.borrow().is_empty()
    }

    pub(crate) fn clear(&self) {
        let pending = std::mem::take(&mut *self.pending.borrow_mut());
        drop(pending);
    }
}
