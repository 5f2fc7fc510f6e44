//! The names of properties that cross again and again: looked up once per VM instead of made each time.

use super::properties::{self, Name, OwnName};
use super::text;
use crate::function::define;
use rquickjs::{Ctx, IntoJs, Object, Result};
use std::borrow::Cow;

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

/// The names of a VM.
pub(crate) struct Names<'js>(Vec<(&'static str, OwnName<'js>)>);

impl<'js> Names<'js> {
    pub(crate) fn new(ctx: &Ctx<'js>) -> Result<Self> {
        let named = NAMES.iter().map(|name| Ok((*name, OwnName::new(ctx, name)?)));
        named.collect::<Result<_>>().map(Self)
    }

    /// A property name as text.
    pub(crate) fn text(&self, ctx: &Ctx<'js>, name: Name<'_>) -> Result<Cow<'static, str>> {
        match self.0.iter().find(|(_, known)| known.name() == name) {
            Some((text, _)) => Ok(Cow::Borrowed(text)),
            None => text(ctx, &properties::string(ctx, name)?).map(Cow::Owned),
        }
    }

    /// Defines an own property, as [`define`] does.
    pub(crate) fn define<V: IntoJs<'js>>(&self, object: &Object<'js>, name: &str, value: V) -> Result<()> {
        match self.0.iter().find(|(known, _)| *known == name) {
            Some((_, known)) => properties::define(object, known.name(), &value.into_js(object.ctx())?),
            None => define(object, name, value),
        }
    }
}
