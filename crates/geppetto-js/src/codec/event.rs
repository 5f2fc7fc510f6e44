//! Events as scripts see them. `completion`, `args` and `value` are computed when they are read, on prototypes: they
//! cost nothing to a listener that does not look, and are no part of the JSON.

use super::json;
use crate::fault::Fault;
use crate::function::{Members, define};
use crate::handle::{self, HandleState};
use geppetto_events::{Completion, Event, EventBody};
use rquickjs::{Ctx, IntoJs, Object, Result, Value};
use serde_json::Value as Json;

/// The text so far of a `partial`.
struct PartialEvent(Completion);

impl HandleState for PartialEvent {
    const NAME: &'static str = "Object";

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
            define(&object, "delta", &**delta)?;
            Ok(object.into_value())
        }
        _ => general(ctx, event),
    }
}

fn common(object: &Object<'_>, event: &Event) -> Result<()> {
    define(object, "type", event.event_type().as_str())?;
    #[allow(clippy::cast_precision_loss, reason = "neither counts nor times reach 2^53")]
    {
        define(object, "seq", event.seq as f64)?;
        define(object, "timestampMs", event.timestamp_ms as f64)?;
    }
    define(object, "sessionId", event.run.session_id.as_str())?;
    define(object, "inferenceId", event.run.inference_id.as_str())?;
    define(object, "turnId", event.run.turn_id.as_str())
}

/// Any other event, through its JSON form.
fn general<'js>(ctx: &Ctx<'js>, event: &Event) -> Result<Value<'js>> {
    let object = Object::new(ctx.clone())?;
    common(&object, event)?;
    let body = serde_json::to_value(&event.body).unwrap_or_default();
    for (name, value) in body.as_object().into_iter().flatten() {
        let encoded = match (name.as_str(), value.as_object()) {
            ("toolCall", Some(call)) => parsed::<false>(ctx, call, "input")?,
            ("toolResult", Some(result)) => parsed::<true>(ctx, result, "result")?,
            _ => json::encode(ctx, value)?,
        };
        define(&object, name.as_str(), encoded)?;
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
    for (name, value) in fields {
        define(&object, name.as_str(), json::encode(ctx, value)?)?;
    }
    Ok(object.into_value())
}
