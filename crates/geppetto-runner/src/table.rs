//! JS values that Rust keeps: they live in a table on the owner's thread; what travels is a small handle.

use crate::local::Local;
use crate::shared::Shared;
use rquickjs::{Ctx, Function, Persistent, Value};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// The values, by id. Dropped before the VM.
#[derive(Default)]
pub(crate) struct Table {
    slots: RefCell<Slots>,
}

#[derive(Default)]
struct Slots {
    values: Vec<Option<Persistent<Value<'static>>>>,
    free: Vec<usize>,
}

impl Table {
    fn insert(&self, value: Persistent<Value<'static>>) -> usize {
        let mut slots = self.slots.borrow_mut();
        match slots.free.pop() {
            Some(id) => {
                slots.values[id] = Some(value);
                id
            }
            None => {
                slots.values.push(Some(value));
                slots.values.len() - 1
            }
        }
    }

    /// Drops the values with these ids, outside the table: dropping one may run code that looks at the table.
    pub(crate) fn remove(&self, ids: Vec<usize>) {
        for id in ids {
            let value = {
                let mut slots = self.slots.borrow_mut();
                let value = slots.values.get_mut(id).and_then(Option::take);
                if value.is_some() {
                    slots.free.push(id);
                }
                value
            };
            drop(value);
        }
    }

    pub(crate) fn clear(&self) {
        let slots = std::mem::take(&mut *self.slots.borrow_mut());
        drop(slots);
    }

    pub(crate) fn len(&self) -> usize {
        let slots = self.slots.borrow();
        slots.values.len() - slots.free.len()
    }
}

/// A JS value that Rust keeps alive. It may go to any thread, but gives its value only on its owner's. Clones share
/// the value; it is released, between jobs, when the last is dropped.
#[derive(Clone)]
pub struct JsRef {
    slot: Arc<Slot>,
}

struct Slot {
    id: usize,
    shared: Arc<Shared>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.release(self.id);
    }
}

impl JsRef {
    /// Keeps a value.
    #[must_use]
    pub fn new<'js>(local: &Local, value: Value<'js>) -> Self {
        let ctx = value.ctx().clone();
        let id = local.table().insert(Persistent::save(&ctx, value));
        Self { slot: Arc::new(Slot { id, shared: local.shared().clone() }) }
    }

    /// The value; `None` on another thread than its owner's, or once its VM is gone.
    #[must_use]
    pub fn get<'js>(&self, ctx: &Ctx<'js>) -> Option<Value<'js>> {
        let local = Local::current().filter(|local| Arc::ptr_eq(local.shared(), &self.slot.shared))?;
        let value = local.table().slots.borrow().values.get(self.slot.id)?.clone()?;
        value.restore(ctx).ok()
    }
}

impl JsRef {
    /// The value, if it is a function; as [`get`](JsRef::get).
    #[must_use]
    pub fn function<'js>(&self, ctx: &Ctx<'js>) -> Option<Function<'js>> {
        self.get(ctx)?.into_function()
    }
}

impl fmt::Debug for JsRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsRef({})", self.slot.id)
    }
}
