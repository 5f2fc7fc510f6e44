//! The names of properties that cross again and again: made once per VM instead of each time.

use super::properties::{self, Name, OwnName};
use super::text;
use crate::function::define;
use crate::vm::loaded;
use rquickjs::{Ctx, Object, Result, Value};
use std::borrow::{Borrow, Cow};
use std::cell::{Cell, OnceCell};

const NAMES: [&str; 46] = [
    "id",
    "kind",
    "role",
    "payload",
    "metadata",
    "text",
    "blocks",
    "data",
    "args",
    "name",
    "result",
    "error",
    "type",
    "seq",
    "timestampMs",
    "sessionId",
    "inferenceId",
    "turnId",
    "delta",
    "value",
    "done",
    // What the tool loop tells engines, and what describes a tool's arguments.
    "session_id",
    "inference_id",
    "tool_config",
    "enabled",
    "tool_choice",
    "max_iterations",
    "max_parallel_tools",
    "allowed_tools",
    "tool_definitions",
    "description",
    "parameters",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "tags",
    // Of the `ctx` of callbacks.
    "traceId",
    "deadlineMs",
    "engineName",
    "middlewareName",
    "toolName",
    "callId",
    "callName",
    "attempt",
];

/// Where each name is in the list, by its hash; `NONE` where there is none. A taken place moves it to the next.
const PLACES: [u8; 256] = places();
const NONE: u8 = u8::MAX;

const fn places() -> [u8; 256] {
    let mut places = [NONE; 256];
    let mut at = 0;
    while at < NAMES.len() {
        let mut place = hash(NAMES[at].as_bytes());
        while places[place as usize] != NONE {
            place = place.wrapping_add(1);
        }
        places[place as usize] = at as u8;
        at += 1;
    }
    places
}

/// No two of the names above share one.
const fn hash(name: &[u8]) -> u8 {
    match name {
        [] => 0,
        [first, .., last] => {
            let middle = name[name.len() / 2].wrapping_mul(3);
            first.wrapping_mul(2).wrapping_add(last.wrapping_mul(7)).wrapping_add(middle)
        }
        [only] => *only,
    }
}

/// Where a name is in the list.
fn position(name: &str) -> Option<usize> {
    let mut place = hash(name.as_bytes());
    loop {
        let at = usize::from(PLACES[usize::from(place)]);
        if NAMES.get(at)? == &name {
            return Some(at);
        }
        place = place.wrapping_add(1);
    }
}

/// The names of a VM, each made when it is first used.
pub(crate) struct Names<'js> {
    own: [OnceCell<OwnName<'js>>; NAMES.len()],
    /// Where a name was found last, by the end of its number.
    found: [Cell<u8>; 64],
}

impl<'js> Names<'js> {
    pub(crate) fn new() -> Self {
        Self {
            own: std::array::from_fn(|_| OnceCell::new()),
            found: std::array::from_fn(|_| Cell::new(NONE)),
        }
    }

    /// A property name as text.
    pub(crate) fn text(&self, ctx: &Ctx<'js>, name: Name<'_>) -> Result<Cow<'static, str>> {
        let found = &self.found[name.number() as usize % self.found.len()];
        let is_same = |own: &OnceCell<OwnName<'js>>| own.get().is_some_and(|own| own.name() == name);
        let at = usize::from(found.get());
        if self.own.get(at).is_some_and(is_same) {
            return Ok(Cow::Borrowed(NAMES[at]));
        }
        if let Some(at) = self.own.iter().position(is_same) {
            found.set(at as u8);
            return Ok(Cow::Borrowed(NAMES[at]));
        }
        let text = text(ctx, &properties::string(ctx, name)?)?;
        let Some(at) = position(&text) else { return Ok(Cow::Owned(text)) };
        self.own(ctx, at)?;
        Ok(Cow::Borrowed(NAMES[at]))
    }

    /// Defines an own property, as [`define`] does.
    pub(crate) fn define(
        &self,
        object: &Object<'js>,
        name: &str,
        value: impl Borrow<Value<'js>>,
    ) -> Result<()> {
        let value = value.borrow();
        match position(name) {
            Some(at) => properties::define(object, self.own(object.ctx(), at)?.name(), value),
            None => define(object, name, value),
        }
    }

    /// The same, with a number as its value.
    pub(crate) fn define_number(&self, object: &Object<'js>, name: &str, number: f64) -> Result<()> {
        self.define(object, name, Value::new_number(object.ctx().clone(), number))
    }

    /// The same, with a text as its value.
    pub(crate) fn define_text(&self, object: &Object<'js>, name: &str, text: &str) -> Result<()> {
        match position(name) {
            Some(at) => properties::define_text(object, self.own(object.ctx(), at)?.name(), text),
            None => define(object, name, text),
        }
    }

    fn own(&self, ctx: &Ctx<'js>, at: usize) -> Result<&OwnName<'js>> {
        loaded(&self.own[at], || OwnName::new(ctx, NAMES[at]))
    }
}
