//! The shapes of what crosses often. The engine shares a shape among all objects that have the same properties in the same
//! order, and forgets it with the last of them: an object with its first few, kept for each step of the way, makes the next
//! one cheap.

use super::properties;
use crate::vm::Vm;
use rquickjs::{Ctx, Object, Result, Value};

/// Of turns, blocks, their payloads and events, in the order in which they are encoded.
const PLAIN: [&[&str]; 10] = [
    &["id", "blocks", "metadata", "data"],
    &["id", "blocks", "data"],
    &["id", "kind", "role", "payload", "metadata"],
    &["id", "kind", "payload", "metadata"],
    &["id", "name", "args"],
    &["id", "result"],
    &["text"],
    &["text", "images"],
    &["type", "seq", "timestampMs", "sessionId", "inferenceId", "turnId"],
    &["session_id", "inference_id"],
];

/// Objects that nobody sees, which hold the shapes.
pub(crate) struct Shapes<'js>(#[allow(dead_code, reason = "they only have to be there")] Vec<Object<'js>>);

impl<'js> Shapes<'js> {
    /// Those of plain objects.
    pub(crate) fn plain(ctx: &Ctx<'js>) -> Result<Self> {
        Self::of(&Vm::of(ctx).object_prototype.clone(), &PLAIN)
    }

    /// Those of objects with this prototype, and properties that come in one of these orders.
    pub(crate) fn of(prototype: &Object<'js>, orders: &[&[&str]]) -> Result<Self> {
        let ctx = prototype.ctx();
        let names = &Vm::of(ctx).names;
        let none = Value::new_undefined(ctx.clone());
        let mut objects = Vec::new();
        let mut last: &[&str] = &[];
        for (at, order) in orders.iter().enumerate() {
            let known = order.iter().zip(last).take_while(|(name, known)| name == known).count();
            // The first of them begins with the empty one.
            for length in (known + usize::from(at > 0))..=order.len() {
                let object = properties::inheriting(prototype)?;
                for name in &order[..length] {
                    names.define(&object, name, &none)?;
                }
                objects.push(object);
            }
            last = order;
        }
        Ok(Self(objects))
    }
}
