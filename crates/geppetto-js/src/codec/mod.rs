//! Values between JS and Rust, by hand: own properties are read, own properties are defined, and everything is
//! bounded. What one side cannot hold is an error that names its place, never a silent change.
//!
//! | JS | Rust |
//! |---|---|
//! | `undefined` | an absent property; `null` in arrays |
//! | numbers | whole ones below 2⁶³ as integers, others as floats; `-0` is `0`; `NaN` and infinities are errors |
//! | strings, keys | UTF-8; a lone surrogate becomes U+FFFD, as in `TextEncoder`; two keys that become one are an error |
//! | array holes | `null` |
//! | properties | own and enumerable ones; symbol keys and named properties of arrays are left out, as in JSON |
//! | `Date` | its ISO string |
//! | instances of a script's classes | their own properties; `toJSON` is not called: as a property it is a function |
//! | BigInt, symbols, functions, Promises, Proxies, `Map`, `Set`, errors, binary data, handles, cycles | errors |
//! | getters, Proxies' traps that throw | an error with the path, and what was thrown as its `cause` |
//!
//! The other way an integer that a JS number cannot hold becomes the nearest one that it can, as in `JSON.parse`: one
//! that a script leaves alone stays exact. In a tool's arguments it is an error that asks for a string.
//!
//! What comes back of a turn is compared with what was handed out while it is read: what is equal is shared and nothing
//! is made of it.

pub(crate) mod block;
mod cost;
pub(crate) mod event;
pub(crate) mod json;
pub(crate) mod names;
pub(crate) mod properties;
pub(crate) mod shapes;
pub(crate) mod strings;
pub(crate) mod turn;

use crate::fault::Fault;
use crate::vm::Vm;
pub(crate) use properties::length;
use properties::{Items, OwnNames};
use rquickjs::{Ctx, Object, Result, Value};
pub(crate) use strings::text;

/// A value that cannot cross, and where in it.
#[derive(Debug)]
pub(crate) struct CodecError {
    /// Innermost first.
    path: Vec<String>,
    message: String,
    /// What the script's own code threw while it was being read.
    thrown: Option<rquickjs::Error>,
}

impl CodecError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into(), thrown: None }
    }

    pub(crate) fn in_key(mut self, key: &str) -> Self {
        self.path.push(format!(".{key}"));
        self
    }

    pub(crate) fn in_index(mut self, index: usize) -> Self {
        self.path.push(format!("[{index}]"));
        self
    }

    /// As a fault, the path behind `root`.
    pub(crate) fn fault(self, root: &str) -> Fault {
        let path = format!("{root}{}", shown(&self.path));
        match self.thrown {
            Some(error) => Fault::Read { error, path },
            None => Fault::Type(format!("{path}: {}", self.message)),
        }
    }
}

/// A text of at most about `limit` bytes: what is too much is left out of its middle.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let (start, end) = (text.floor_char_boundary(limit / 2), text.ceil_char_boundary(text.len() - limit / 2));
    format!("{}… ({} bytes) …{}", &text[..start], end - start, &text[end..])
}

impl From<rquickjs::Error> for CodecError {
    fn from(error: rquickjs::Error) -> Self {
        let message = error.to_string();
        Self { path: Vec::new(), message, thrown: error.is_exception().then_some(error) }
    }
}

/// The names of an object's own enumerable properties.
pub(crate) fn names(object: &Object<'_>) -> Result<Vec<String>> {
    let (ctx, vm) = (object.ctx(), Vm::of(object.ctx()));
    OwnNames::of(object)?.iter().map(|name| Ok(vm.names.text(ctx, name)?.into_owned())).collect()
}

/// Reads the own enumerable properties of an object one after the other.
pub(crate) fn each<'js>(
    vm: &Vm<'js>,
    object: &Object<'js>,
    mut read: impl FnMut(&str, &Value<'js>) -> std::result::Result<(), CodecError>,
) -> std::result::Result<(), CodecError> {
    let ctx = object.ctx();
    for own in OwnNames::of(object)?.iter() {
        let name = vm.names.text(ctx, own)?;
        let value = properties::get(object, own).map_err(CodecError::from);
        value.and_then(|value| read(&name, &value)).map_err(|error| error.in_key(&name))?;
    }
    Ok(())
}

/// Reads the items of an array one after the other.
pub(crate) fn items<'js, T>(
    array: &Object<'js>,
    mut read: impl FnMut(usize, &Value<'js>) -> std::result::Result<T, CodecError>,
) -> std::result::Result<Vec<T>, CodecError> {
    let length = length(array)?;
    let mut items = Vec::with_capacity(length.min(1024));
    for index in 0..length {
        #[allow(clippy::cast_possible_truncation, reason = "arrays have at most 2^32 - 1 items")]
        let item = properties::item(array, index as u32).map_err(CodecError::from);
        items.push(item.and_then(|item| read(index, &item)).map_err(|error| error.in_index(index))?);
    }
    Ok(items)
}

/// A path, innermost first, as text. One that is very deep, as that of a cycle, is shown in part.
fn shown(path: &[String]) -> String {
    let names: Vec<String> = path.iter().rev().map(|name| shortened(name, 100)).collect();
    if names.len() <= 16 {
        return names.concat();
    }
    format!("{}…{}", names[..8].concat(), names[names.len() - 4..].concat())
}

/// Whether a value is an error: one of the engine's, or a `DOMException`, which is none of them.
pub(crate) fn is_error(value: &Value<'_>) -> bool {
    value.is_error() || value.is_object() && kind_of(value).as_deref() == Some("DOMException")
}

/// What kind of object a value is that is not plain: `Map`, `Date`, `Uint8Array`, …
pub(crate) fn kind_of(value: &Value<'_>) -> Option<String> {
    let ctx = value.ctx();
    if is_forged(value) {
        return None;
    }
    let kind: Result<Option<String>> =
        Vm::of(ctx).prelude(ctx).and_then(|prelude| prelude.kind_of.call((value.clone(),)));
    kind.inspect_err(|_| drop(ctx.catch())).ok().flatten()
}

/// Whether a value has the prototype of a handle without being one.
fn is_forged(value: &Value<'_>) -> bool {
    if value.is_proxy() {
        return false;
    }
    let vm = Vm::of(value.ctx());
    let prototypes = vm.prototypes.borrow();
    let mut next = value.as_object().and_then(Object::get_prototype);
    for _ in 0..8 {
        // What a Proxy inherits from is told by its trap, which may do anything.
        let Some(prototype) = next.filter(|prototype| !prototype.is_proxy()) else { return false };
        if prototypes.values().any(|(known, _)| *known == prototype) {
            return true;
        }
        next = prototype.get_prototype();
    }
    false
}

const AT_ONCE: usize = 1024;

/// An array of values.
pub(crate) fn array<'js>(
    ctx: &Ctx<'js>,
    items: impl IntoIterator<Item = Result<Value<'js>>>,
) -> Result<Value<'js>> {
    let mut items = items.into_iter().fuse();
    // At once, but for those of lists that are long: they would be held twice.
    let mut first = Items::with_capacity(ctx, items.size_hint().0.min(AT_ONCE));
    for item in items.by_ref().take(AT_ONCE) {
        first.push(&item?);
    }
    let array = first.into_array()?;
    for (index, item) in (AT_ONCE..).zip(items) {
        #[allow(clippy::cast_possible_truncation, reason = "no list has 2^32 items in memory")]
        properties::define_item(&array, index as u32, &item?)?;
    }
    Ok(array.into_value())
}

/// A value as `console` shows it.
pub(crate) fn inspected<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> Result<String> {
    let shown: Value<'js> = Vm::of(ctx).inspection(ctx)?.shown.call((value,))?;
    text(ctx, &shown)
}
