//! `RunError`: a run that did not produce a turn, as scripts see it, and back.

use crate::callback_error::Thrown;
use crate::codec::turn;
use crate::function::define;
use crate::handle::{self, HandleState};
use crate::vm::Vm;
use geppetto_inference::{Failure, RunError};
use geppetto_runner::JsRef;
use rquickjs::{Ctx, Object, Result, Value};

/// The Rust error that a `RunError` object carries, so that one that is thrown on is recognised.
pub(crate) struct Carried(pub(crate) RunError);

impl HandleState for Carried {
    const NAME: &'static str = "RunErrorState";
}

/// A run's error as the object that scripts get. Where nothing of the script is being called, its stack is `started`:
/// where the run was started.
pub(crate) fn to_js<'js>(ctx: &Ctx<'js>, error: &RunError, started: Option<&str>) -> Result<Value<'js>> {
    let fields = Object::new(ctx.clone())?;
    define(&fields, "code", error.code().as_str())?;
    define(&fields, "sessionId", error.session_id.as_str())?;
    if let Some(inference_id) = &error.inference_id {
        define(&fields, "inferenceId", inference_id.as_str())?;
    }
    if let Some(turn) = &error.partial_turn {
        define(&fields, "partialTurn", turn::encode(ctx, turn)?)?;
    }
    if let Some(failure) = error.error.failure() {
        if let Some(retryable) = failure.retryable {
            define(&fields, "retryable", retryable)?;
        }
        if let Some(status) = failure.status {
            define(&fields, "status", status)?;
        }
        if let Some(cause) = thrown_in(failure).and_then(|thrown| thrown.get(ctx)) {
            define(&fields, "cause", cause)?;
        }
    }
    let carried = handle::create(ctx, Carried(error.clone()))?;
    Vm::of(ctx).prelude(ctx)?.make_run_error.call((error.to_string(), fields, carried, started))
}

/// The very object that was thrown, when a script threw it.
pub(crate) fn thrown_in(failure: &Failure) -> Option<JsRef> {
    let thrown = failure.source.as_deref()?.downcast_ref::<Thrown>()?;
    Some(thrown.value.clone())
}

/// The stack of the script at this moment.
pub(crate) fn caller_stack(ctx: &Ctx<'_>) -> Result<String> {
    let stack: String = Vm::of(ctx).prelude(ctx)?.caller_stack.call(())?;
    // The function of ours that it called is none of the script.
    match stack.split_once('\n') {
        Some((first, rest)) if first.ends_with("(native)") => Ok(rest.to_owned()),
        _ => Ok(stack),
    }
}

/// The Rust error that a thrown value carries, if it is a `RunError` of geppetto's making.
pub(crate) fn carried<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Option<RunError> {
    if !value.is_error() {
        return None;
    }
    let state: Value<'js> = Vm::of(ctx).prelude(ctx).ok()?.carried.call((value.clone(),)).ok()?;
    handle::try_state::<Carried>(&state).map(|carried| carried.0.clone())
}
