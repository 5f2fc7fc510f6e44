//! Run handles: what `session.start()` returns.

use crate::call::Call;
use crate::callback::function_arg;
use crate::callback_context::{optional_text_arg, text_arg};
use crate::codec::{shortened, turn};
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use crate::handle::{self, HandleState};
use crate::host::{Active, Host, Pending};
use crate::promise::{Deferred, keep};
use crate::pump::{IteratorState, Pump};
use crate::run_error::caller_stack;
use crate::vm::Vm;
use geppetto_events::EventType;
use geppetto_inference::{CancelReason, Run};
use geppetto_runner::{JsError, Local};
use geppetto_turns::did_you_mean;
use rquickjs::object::Property;
use rquickjs::{Function, IntoJs, Result, Symbol, Value};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;

/// A run as scripts hold it.
struct RunHandleState {
    pump: Rc<Pump>,
}

/// The methods that work without their `this`.
const BOUND: [&str; 4] = ["cancel", "on", "once", "off"];

impl HandleState for RunHandleState {
    const NAME: &'static str = "RunHandle";
    const PUBLIC: &'static [&'static str] = &["sessionId", "inferenceId"];

    fn members(members: &Members<'_>) -> Result<()> {
        members.getter("sessionId", |call| {
            Ok(call.this::<Self>()?.pump.core().ids().session_id.as_str().into_js(call.ctx())?)
        })?;
        members.getter("inferenceId", |call| {
            Ok(call.this::<Self>()?.pump.core().ids().inference_id.as_str().into_js(call.ctx())?)
        })?;
        members.method("cancel", 1, |call| {
            let reason = CancelReason::Cancelled(reason(call)?.map(Into::into));
            call.this::<Self>()?.pump.core().cancel(reason);
            Ok(call.undefined())
        })?;
        members.method("on", 2, |call| listen(call, "on", false))?;
        members.method("once", 2, |call| listen(call, "once", true))?;
        members.method("off", 2, |call| {
            let this = call.this::<Self>()?;
            let event = event_type(call, "off")?;
            let function = call.arg(1).map(|_| function_arg(call.arg(1), "off: listener")).transpose()?;
            let function = function.map(Function::into_value);
            this.pump.unlisten(call.ctx(), event, function.as_ref());
            Ok(call.this_value())
        })?;
        let iterate = crate::call::function(members.object.ctx(), "[Symbol.asyncIterator]", 0, |call| {
            let this = call.this::<Self>()?;
            quiet(call)?;
            let state = EventIterator { iterator: this.pump.iterate(), pump: this.pump.clone() };
            Ok(handle::create(call.ctx(), state)?.into_value())
        })?;
        let symbol = Symbol::async_iterator(members.object.ctx().clone());
        members.object.prop(symbol.as_atom(), Property::from(iterate))?;
        Ok(())
    }
}

/// A longer reason is cut in its middle.
const LONGEST_REASON: usize = 4096;

/// Why a run is cancelled: a text, or what an error says. The event that a listener was called with says nothing:
/// `signal.addEventListener("abort", run.cancel)`.
fn reason(call: &Call<'_, '_>) -> Fallible<Option<String>> {
    let given = call.arg(0);
    if let Some(error) = given.as_ref().filter(|given| crate::codec::is_error(given)) {
        return Ok(Some(shortened(&JsError::from_value(error).message, LONGEST_REASON)));
    }
    match given.as_ref().and_then(Value::as_object) {
        Some(object) if object.get::<_, Value<'_>>("type")?.is_string() => Ok(None),
        _ => {
            Ok(optional_text_arg(call, 0, "cancel: reason")?.map(|reason| shortened(&reason, LONGEST_REASON)))
        }
    }
}

/// Starts the run: it is polled between jobs, and its events are delivered as it goes.
pub(super) fn start<'js>(call: &Call<'_, 'js>, (run, active): (Run, Active)) -> Fallible<Value<'js>> {
    let ctx = call.ctx();
    let host = Vm::of(ctx).host.clone();
    let local =
        Local::current().ok_or_else(|| Fault::Plain("there is no runtime on this thread".to_owned()))?;
    let pump = Pump::new(&host, run.context(), caller_stack(ctx)?);
    let (promise, deferred) = Deferred::new(ctx)?;
    let object = handle::create_open(ctx, RunHandleState { pump: pump.clone() })?;
    object.prop("promise", Property::from(promise))?;
    let vm = Vm::of(ctx);
    let bound = crate::codec::json::encode(ctx, &BOUND.as_slice().into())?;
    vm.prelude(ctx)?.bind_methods.call::<_, ()>((object.clone(), bound))?;
    vm.freeze.call::<_, ()>((object.clone(),))?;
    local.spawn_to_end(drive((run, active), pump, host.pend(), host.clone(), deferred));
    Ok(object.into_value())
}

async fn drive(
    (run, active): (Run, Active),
    pump: Rc<Pump>,
    pending: Pending,
    host: Rc<Host>,
    deferred: Deferred,
) {
    let result = {
        let mut driven = pin!(run.drive());
        poll_fn(|cx| {
            pump.register(cx);
            let polled = driven.as_mut().poll(cx);
            pump.deliver_in(&host);
            polled
        })
        .await
    };
    drop(active);
    // Listeners have heard of the end before the promise settles, also those behind one that was interrupted.
    pump.deliver_all(&host).await;
    pump.release_task();
    if let Some(local) = Local::current() {
        let result = result.map_err(|error| Fault::StartedRun(Box::new(error), pump.started().to_owned()));
        deferred.settle_in(&local, result, |ctx, turn| Ok(turn::encode(ctx, &turn)?.into_value()));
    }
    drop(pending);
}

/// An event type, or `None` for `"*"`.
fn event_type(call: &Call<'_, '_>, place: &str) -> Fallible<Option<EventType>> {
    let name = text_arg(call, 0, &format!("{place}: type"))?;
    if name == "*" {
        return Ok(None);
    }
    name.parse().map(Some).map_err(|_| {
        let guess = did_you_mean(&name, EventType::NAMES.iter().copied());
        let known = EventType::NAMES.join(", ");
        Fault::type_error(format!(
            "{place}: unknown event type {name:?}: expected * or one of {known}{guess}"
        ))
    })
}

fn listen<'js>(call: &Call<'_, 'js>, place: &str, once: bool) -> Fallible<Value<'js>> {
    let this = call.this::<RunHandleState>()?;
    let event = event_type(call, place)?;
    let function = function_arg(call.arg(1), &format!("{place}: listener"))?;
    if matches!(event, None | Some(EventType::Error | EventType::RunFinished)) {
        quiet(call)?;
    }
    this.pump.listen(&Vm::of(call.ctx()).host, event, keep(function.into_value())?, once);
    Ok(call.this_value())
}

/// Somebody hears of the run's failure: its promise need not be handled as well.
fn quiet(call: &Call<'_, '_>) -> Fallible<()> {
    if let Some(this) = call.this_value().into_object() {
        let promise: Value<'_> = this.get("promise")?;
        Vm::of(call.ctx()).prelude(call.ctx())?.quiet.call::<_, ()>((promise,))?;
    }
    Ok(())
}

/// An iterator over a run's events.
struct EventIterator {
    iterator: Rc<IteratorState>,
    pump: Rc<Pump>,
}

impl HandleState for EventIterator {
    const NAME: &'static str = "EventIterator";

    fn members(members: &Members<'_>) -> Result<()> {
        members.method("next", 0, |call| {
            let this = call.this::<Self>()?;
            this.pump.next(call.ctx(), &this.iterator)
        })?;
        members.method("return", 1, |call| {
            let this = call.this::<Self>()?;
            let left = this.iterator.leave(call.ctx(), this.pump.core())?;
            let (promise, deferred) = Deferred::new(call.ctx())?;
            deferred.settle(call.ctx(), Ok(left));
            Ok(promise)
        })?;
        let this = crate::call::function(members.object.ctx(), "[Symbol.asyncIterator]", 0, |call| {
            Ok(call.this_value())
        })?;
        let symbol = Symbol::async_iterator(members.object.ctx().clone());
        members.object.prop(symbol.as_atom(), Property::from(this))?;
        Ok(())
    }
}
