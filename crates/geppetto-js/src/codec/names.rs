//! The names of properties that cross again and again: looked up once per VM instead of made each time.

use super::text;
use crate::function::define;
use rquickjs::{Atom, Ctx, IntoAtom, IntoJs, Object, Result};
use std::borrow::Cow;

const NAMES: [&str; 41] = [
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

/// The names of a VM, and their atoms.
pub(crate) struct Names<'js>(Vec<(&'static str, Atom<'js>)>);

impl<'js> Names<'js> {
    pub(crate) fn new(ctx: &Ctx<'js>) -> Result<Self> {
        let named = NAMES.iter().map(|name| Ok((*name, name.into_atom(ctx)?)));
        named.collect::<Result<_>>().map(Self)
    }

    /// A name as the engine has it.
    fn atom(&self, ctx: &Ctx<'js>, name: &str) -> Result<Atom<'js>> {
        let known = self.0.iter().find(|(known, _)| *known == name);
        known.map_or_else(|| name.into_atom(ctx), |(_, atom)| Ok(atom.clone()))
    }

    /// A property name as text.
    pub(crate) fn text(&self, ctx: &Ctx<'js>, atom: &Atom<'js>) -> Result<Cow<'static, str>> {
        match self.0.iter().find(|(_, known)| known == atom) {
            Some((name, _)) => Ok(Cow::Borrowed(name)),
            None => text(ctx, atom.to_js_string()?.as_value()).map(Cow::Owned),
        }
    }

    /// Defines an own property, as [`define`] does.
    pub(crate) fn define<V: IntoJs<'js>>(&self, object: &Object<'js>, name: &str, value: V) -> Result<()> {
        define(object, self.atom(object.ctx(), name)?, value)
    }
}
