//! The `ctx` that callbacks get: the ids and deadline as plain fields, and what a callback may do as methods that
//! work without their `this`.

use crate::call::{Call, function};
use crate::codec::event::define_ids;
use crate::codec::json;
use crate::fault::{Fallible, Fault};
use crate::function::{Members, define};
use crate::globals::abort;
use crate::handle::{self, HandleState};
use crate::vm::Vm;
use geppetto_events::LogLevel;
use geppetto_inference::{RunContext, RunToken, log_line};
use geppetto_runner::JsError;
use geppetto_toolloop::ToolContext;
use geppetto_turns::Map;
use rquickjs::{Ctx, Object, Result, Value};

/// The state of a context; `STREAMS` ones may stream text.
struct CallbackContext<const STREAMS: bool> {
    run: Option<RunContext>,
    /// Of a call outside a run.
    token: RunToken,
}

impl<const STREAMS: bool> HandleState for CallbackContext<STREAMS> {
    const NAME: &'static str = "Context";
    const ORDERS: &'static [&'static [&'static str]] = &[
        &["sessionId", "inferenceId", "turnId", "timestampMs", "engineName"],
        &["sessionId", "inferenceId", "turnId", "timestampMs", "middlewareName", "engineName"],
        &["sessionId", "inferenceId", "turnId", "timestampMs", "toolName", "callId", "callName", "attempt"],
        &["sessionId", "inferenceId", "turnId", "timestampMs", "deadlineMs", "engineName"],
    ];

    fn members(members: &Members<'_>) -> Result<()> {
        members.getter("signal", |call| {
            let this = call.this::<Self>()?;
            let run = this.run.as_ref();
            let token = run.map_or_else(|| this.token.clone(), deadline_token);
            let signal = abort::signal(call.ctx(), token, run.map(|run| run.core().clone()))?;
            own(call, "signal", &signal);
            Ok(signal)
        })?;
        members.getter("emit", |call| {
            let run = call.this::<Self>()?.run.clone();
            bound(call, "emit", 2, move |call| {
                let name = text_arg(call, 0, "emit: name")?;
                let data = crate::native::json(call, 1, "emit: data")?;
                let run =
                    run.as_ref().ok_or_else(|| Fault::Plain("emit works only inside a run".to_owned()))?;
                run.emit(name, data)?;
                Ok(call.undefined())
            })
        })?;
        members.getter("log", |call| {
            let run = call.this::<Self>()?.run.clone();
            let log = Object::new(call.ctx().clone())?;
            for level in LogLevel::ALL {
                let run = run.clone();
                let method = function(call.ctx(), level.as_str(), 2, move |call| {
                    write_log(call, *level, run.as_ref())?;
                    Ok(call.undefined())
                })?;
                define(&log, level.as_str(), method)?;
            }
            Ok(log.into_value())
        })?;
        if STREAMS {
            members
                .getter("partial", |call| stream(call, ("partial", "partial: delta"), RunContext::partial))?;
            members.getter("thinking", |call| {
                stream(call, ("thinking", "thinking: delta"), RunContext::thinking)
            })?;
        }
        Ok(())
    }
}

/// The token of a callback, with its deadline: a callback that computes past it reads that live.
pub(crate) fn deadline_token(run: &RunContext) -> RunToken {
    let deadline = run.deadline().map(|deadline| RunToken::at(run.clock().clone(), deadline.at()));
    RunToken::child_of(deadline.iter().chain([run.token()]))
}

impl<const STREAMS: bool> CallbackContext<STREAMS> {
    fn create<'js>(ctx: &Ctx<'js>, run: &RunContext) -> Result<Object<'js>> {
        let state = Self { run: Some(run.clone()), token: run.token().clone() };
        let object = handle::create_open(ctx, state)?;
        common(ctx, &object, run)?;
        Ok(object)
    }
}

/// The context of an engine.
pub(crate) fn for_engine<'js>(ctx: &Ctx<'js>, run: &RunContext) -> Result<Object<'js>> {
    CallbackContext::<true>::create(ctx, run)
}

/// The context of a middleware.
pub(crate) fn for_middleware<'js>(ctx: &Ctx<'js>, run: &RunContext) -> Result<Object<'js>> {
    let object = CallbackContext::<true>::create(ctx, run)?;
    let names = &Vm::of(ctx).names;
    if let Some(name) = &run.origin().middleware_name {
        names.define_text(&object, "middlewareName", name)?;
    }
    names.define_text(&object, "engineName", run.engine_name())?;
    Ok(object)
}

/// The context of a tool handler or a hook.
pub(crate) fn for_tool<'js>(ctx: &Ctx<'js>, tool: &ToolContext) -> Result<Object<'js>> {
    let object = match &tool.run {
        Some(run) => CallbackContext::<false>::create(ctx, run)?,
        None => handle::create_open(ctx, CallbackContext::<false> { run: None, token: tool.token.clone() })?,
    };
    let names = &Vm::of(ctx).names;
    names.define_text(&object, "toolName", &tool.tool_name)?;
    names.define_text(&object, "callId", &tool.call_id)?;
    names.define_text(&object, "callName", &tool.call_name)?;
    names.define_number(&object, "attempt", tool.attempt.into())?;
    Ok(object)
}

/// The ids, the time and the nearest deadline of a run.
#[allow(clippy::cast_precision_loss, reason = "no time reaches 2^53 ms")]
pub(crate) fn common<'js>(ctx: &Ctx<'js>, object: &Object<'js>, run: &RunContext) -> Result<()> {
    let vm = Vm::of(ctx);
    let names = &vm.names;
    define_ids(object, &vm, run.ids())?;
    if let Some(trace_id) = run.trace_id() {
        names.define_text(object, "traceId", trace_id)?;
    }
    if let Some(tags) = run.tags() {
        names.define(object, "tags", json::encode_map(ctx, tags)?.into_value())?;
    }
    names.define_number(object, "timestampMs", run.clock().unix_ms() as f64)?;
    if let Some(deadline) = run.deadline() {
        names.define_number(object, "deadlineMs", deadline.unix_ms() as f64)?;
    }
    Ok(())
}

fn bound<'js, F>(call: &Call<'_, 'js>, name: &str, length: usize, body: F) -> Fallible<Value<'js>>
where
    F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
{
    let bound = function(call.ctx(), name, length, body)?.into_value();
    own(call, name, &bound);
    Ok(bound)
}

/// Makes a value the context's own, so that it is the same each time and the collector sees it. A context that a
/// script has frozen gets a new one each time.
fn own<'js>(call: &Call<'_, 'js>, name: &str, value: &Value<'js>) {
    if let Some(object) = call.this_value().as_object() {
        let _ = object.prop(name, value.clone()).inspect_err(|_| drop(call.ctx().catch()));
    }
}

type Speak = fn(&RunContext, &str) -> std::result::Result<(), geppetto_inference::RunEnded>;

fn stream<'js>(
    call: &Call<'_, 'js>,
    (name, place): (&'static str, &'static str),
    speak: Speak,
) -> Fallible<Value<'js>> {
    let run = call.this::<CallbackContext<true>>()?.run.clone();
    bound(call, name, 1, move |call| {
        let delta = text_arg(call, 0, place)?;
        if let Some(run) = &run {
            speak(run, &delta)?;
        }
        Ok(call.undefined())
    })
}

fn write_log(call: &Call<'_, '_>, level: LogLevel, run: Option<&RunContext>) -> Fallible<()> {
    let message = text_arg(call, 0, &format!("log.{level}: message"))?;
    let fields = match call.arg(1) {
        None => Map::new(),
        Some(fields) => {
            let place = format!("log.{level}: fields");
            let fields = with_errors_as_text(call.ctx(), fields)?;
            match json::decode(call.ctx(), &fields).map_err(|error| error.fault(&place))? {
                serde_json::Value::Object(fields) => fields,
                _ => {
                    let found = handle::describe(&fields);
                    return Err(Fault::type_error(format!("{place}: expected an object, got {found}")));
                }
            }
        }
    };
    match run {
        Some(run) => run.log(level, &message, fields),
        None => log_line(None, level, &message, &fields),
    }
    Ok(())
}

/// Fields of a log with what was thrown as text: who logs an error wants to read it.
fn with_errors_as_text<'js>(ctx: &Ctx<'js>, fields: Value<'js>) -> Result<Value<'js>> {
    let told = Object::new(ctx.clone())?;
    let tell = |name: &str, value: Value<'js>| {
        let text = crate::codec::is_error(&value).then(|| JsError::from_value(&value).full());
        text.map_or_else(|| define(&told, name, value), |text| define(&told, name, text))
    };
    if crate::codec::is_error(&fields) {
        tell("error", fields)?;
        return Ok(told.into_value());
    }
    let Some(object) = fields.as_object().filter(|_| json::is_plain(&Vm::of(ctx), &fields)) else {
        return Ok(fields);
    };
    for name in crate::codec::names(object)? {
        tell(&name, object.get(&*name)?)?;
    }
    Ok(told.into_value())
}

/// A string argument; absent when it is `undefined` or `null`.
///
/// # Errors
/// A `TypeError` that begins with `place`, when it is something else.
pub fn optional_text_arg(call: &Call<'_, '_>, index: usize, place: &str) -> Fallible<Option<String>> {
    call.arg(index).map(|_| text_arg(call, index, place)).transpose()
}

/// A string argument that has to be there.
///
/// # Errors
/// A `TypeError` that begins with `place`, when it is absent or something else.
pub fn text_arg(call: &Call<'_, '_>, index: usize, place: &str) -> Fallible<String> {
    let value = call.required(index, place, "a string")?;
    if !value.is_string() {
        let found = handle::describe(&value);
        return Err(Fault::type_error(format!("{place}: expected a string, got {found}")));
    }
    Ok(crate::codec::text(call.ctx(), &value)?)
}
