//! Events as scripts see them. `completion`, `args` and `value` are computed when they are read, on prototypes: they
//! cost nothing to a listener that does not look, and are no part of the JSON.

use super::json;
use crate::fault::Fault;
use crate::function::Members;
use crate::handle::{self, HandleState};
use crate::vm::Vm;
use geppetto_events::{Completion, Event, EventBody, RunIds};
use rquickjs::{Ctx, IntoJs, Object, Result, Value};
use serde_json::Value as Json;
use std::sync::Arc;

/// The text so far of a `partial`.
struct PartialEvent(Completion);

impl HandleState for PartialEvent {
    const NAME: &'static str = "Object";
    const ORDERS: &'static [&'static [&'static str]] =
        &[&["type", "seq", "timestampMs", "sessionId", "inferenceId", "turnId", "delta"]];

    fn members(members: &Members<'_>) -> Result<()> {
        members.getter("completion", |call| {
            let completion = call.this::<Self>()?.0.text();
            Ok(completion.into_js(call.ctx())?)
        })?;
        Ok(())
    }
}

/// The parsed form of a JSON text beside it: `args` of a tool call's `input`, `value` of a tool's `result`.
struct Parsed<const RESULT: bool>(Option<String>);

impl<const RESULT: bool> HandleState for Parsed<RESULT> {
    const NAME: &'static str = "Object";

    fn members(members: &Members<'_>) -> Result<()> {
        members.getter(if RESULT { "value" } else { "args" }, |call| {
            let state = call.this::<Self>()?;
            let Some(text) = &state.0 else { return Ok(call.undefined()) };
            let parsed: Json = serde_json::from_str(text)
                .map_err(|error| Fault::Plain(format!("the model's JSON cannot be read: {error}")))?;
            Ok(json::encode(call.ctx(), &parsed)?)
        })?;
        Ok(())
    }
}

pub(crate) fn encode<'js>(ctx: &Ctx<'js>, event: &Event) -> Result<Value<'js>> {
    match &event.body {
        EventBody::Partial { delta, completion } | EventBody::PartialThinking { delta, completion } => {
            let object = handle::create_open(ctx, PartialEvent(completion.clone()))?;
            common(&object, event)?;
            Vm::of(ctx).names.define_text(&object, "delta", delta)?;
            Ok(object.into_value())
        }
        _ => general(ctx, event),
    }
}

fn common<'js>(object: &Object<'js>, event: &Event) -> Result<()> {
    let vm = Vm::of(object.ctx());
    vm.names.define(object, "type", vm.words.event_type(object.ctx(), event.event_type())?)?;
    #[allow(clippy::cast_precision_loss, reason = "neither counts nor times reach 2^53")]
    {
        vm.names.define_number(object, "seq", event.seq as f64)?;
        vm.names.define_number(object, "timestampMs", event.timestamp_ms as f64)?;
    }
    define_ids(object, &vm, &event.run)
}

/// The ids of a run, as `sessionId`, `inferenceId` and `turnId`.
pub(crate) fn define_ids<'js>(object: &Object<'js>, vm: &Vm<'js>, run: &Arc<RunIds>) -> Result<()> {
    let [session_id, inference_id, turn_id] = run_ids(object.ctx(), vm, run)?;
    vm.names.define(object, "sessionId", session_id)?;
    vm.names.define(object, "inferenceId", inference_id)?;
    vm.names.define(object, "turnId", turn_id)
}

/// The ids of a run as text of the VM: a run has many events, and its ids are the same in all.
fn run_ids<'js>(ctx: &Ctx<'js>, vm: &Vm<'js>, run: &Arc<RunIds>) -> Result<[Value<'js>; 3]> {
    if let Some((known, ids)) = &*vm.run_ids.borrow()
        && Arc::ptr_eq(known, run)
    {
        return Ok(ids.clone());
    }
    let ids = [run.session_id.as_str(), run.inference_id.as_str(), run.turn_id.as_str()];
    let [session_id, inference_id, turn_id] = ids.map(|id| id.into_js(ctx));
    let ids = [session_id?, inference_id?, turn_id?];
    let before = vm.run_ids.replace(Some((run.clone(), ids.clone())));
    drop(before);
    Ok(ids)
}

/// Any other event, through its JSON form.
fn general<'js>(ctx: &Ctx<'js>, event: &Event) -> Result<Value<'js>> {
    Vm::of(ctx).keep_shapes(ctx)?;
    let object = Object::new(ctx.clone())?;
    let names = &Vm::of(ctx).names;
    common(&object, event)?;
    let body = serde_json::to_value(&event.body).unwrap_or_default();
    for (name, value) in body.as_object().into_iter().flatten() {
        let encoded = match (name.as_str(), value.as_object()) {
            ("toolCall", Some(call)) => parsed::<false>(ctx, call, "input")?,
            ("toolResult", Some(result)) => parsed::<true>(ctx, result, "result")?,
            _ => json::encode(ctx, value)?,
        };
        names.define(&object, name, encoded)?;
    }
    Ok(object.into_value())
}

fn parsed<'js, const RESULT: bool>(
    ctx: &Ctx<'js>,
    fields: &geppetto_turns::Map,
    text: &str,
) -> Result<Value<'js>> {
    let text = fields.get(text).and_then(Json::as_str).map(str::to_owned);
    let object = handle::create_open(ctx, Parsed::<RESULT>(text))?;
    let names = &Vm::of(ctx).names;
    for (name, value) in fields {
        json::define(&object, names, name, value)?;
    }
    Ok(object.into_value())
}
