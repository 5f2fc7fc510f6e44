//! `setTimeout` and its kin: one task of the owner sleeps until the nearest of them.

use crate::callback::function_arg;
use crate::fault::Fallible;
use crate::function::{Call, function};
use crate::host::{Host, Pending};
use crate::vm::Vm;
use futures_lite::future::yield_now;
use geppetto_runner::{CallError, JsError, JsRef, Local};
use rquickjs::function::Args;
use rquickjs::object::Property;
use rquickjs::{Ctx, Result, Value};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// The timers of a VM, by the instant they are due and the order they were set in.
#[derive(Default)]
pub(crate) struct Timers {
    due: RefCell<BTreeMap<(Instant, u32), Timer>>,
    next_id: Cell<u32>,
    /// Wakes the task that sleeps; there is one once the first timer was set.
    waker: RefCell<Option<Waker>>,
    running: Cell<bool>,
}

struct Timer {
    function: JsRef,
    arguments: Vec<JsRef>,
    every: Option<Duration>,
    pending: Pending,
}

/// Defines the four functions.
pub(crate) fn install(ctx: &Ctx<'_>) -> Result<()> {
    let globals = ctx.globals();
    let define = |name: &str, repeat: Option<bool>| -> Result<()> {
        let body = function(ctx, name, if repeat.is_some() { 2 } else { 1 }, move |call| match repeat {
            Some(repeat) => set(call, repeat),
            None => clear(call),
        })?;
        globals.prop(name, Property::from(body).writable().configurable())
    };
    define("setTimeout", Some(false))?;
    define("setInterval", Some(true))?;
    define("clearTimeout", None)?;
    define("clearInterval", None)
}

fn set<'js>(call: &Call<'_, 'js>, repeat: bool) -> Fallible<Value<'js>> {
    let name = if repeat { "setInterval" } else { "setTimeout" };
    let callback = function_arg(call.raw(0), name)?;
    // As in browsers and Node: what is no positive number is the shortest delay.
    let delay = call.raw(1).and_then(|delay| delay.as_number()).filter(|delay| *delay >= 1.0).unwrap_or(1.0);
    let delay = Duration::from_secs_f64(delay.min(2_147_483_647.0) / 1000.0);
    let host = Vm::of(call.ctx()).host.clone();
    let Some(local) = Local::current() else { return Ok(call.undefined()) };
    let timer = Timer {
        function: JsRef::new(&local, callback.into_value()),
        arguments: call.args().skip(2).map(|argument| JsRef::new(&local, argument)).collect(),
        every: repeat.then_some(delay),
        pending: host.pend(),
    };
    let id = host.timers.next_id.get().wrapping_add(1);
    host.timers.next_id.set(id);
    host.timers.due.borrow_mut().insert((host.config.clock.after(delay), id), timer);
    wake(&host, &local);
    Ok(Value::new_number(call.ctx().clone(), f64::from(id)))
}

fn clear<'js>(call: &Call<'_, 'js>) -> Fallible<Value<'js>> {
    let host = Vm::of(call.ctx()).host.clone();
    if let Some(id) = call.raw(0).and_then(|id| id.as_number()) {
        let mut due = host.timers.due.borrow_mut();
        let key = due.keys().find(|(_, known)| f64::from(*known) == id).copied();
        let cleared = key.and_then(|key| due.remove(&key));
        drop(due);
        drop(cleared);
    }
    Ok(call.undefined())
}

fn wake(host: &Rc<Host>, local: &Local) {
    if !host.timers.running.replace(true) {
        local.spawn(run(host.clone()));
    } else if let Some(waker) = host.timers.waker.borrow_mut().take() {
        waker.wake();
    }
}

/// Sleeps until the nearest timer is due and calls it, for as long as the VM lives.
async fn run(host: Rc<Host>) {
    loop {
        let mut sleep = None;
        let (timer, due) = poll_fn(|cx| {
            let now = host.config.clock.now();
            let nearest = host.timers.due.borrow().keys().next().copied();
            match nearest {
                Some(key) if key.0 <= now => {
                    let timer = host.timers.due.borrow_mut().remove(&key);
                    return timer.map_or(Poll::Pending, |timer| Poll::Ready((timer, key)));
                }
                Some((at, _)) => {
                    let fresh = sleep.as_ref().is_none_or(|(known, _)| *known != at);
                    if fresh {
                        sleep = Some((at, host.config.clock.sleep_until(at)));
                    }
                    if let Some((_, sleeping)) = &mut sleep
                        && sleeping.as_mut().poll(cx).is_ready()
                    {
                        cx.waker().wake_by_ref();
                    }
                }
                None => {}
            }
            *host.timers.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
        fire(&host, timer, due);
        // A timer that is always due must not keep others from their turn.
        yield_now().await;
    }
}

fn fire(host: &Rc<Host>, timer: Timer, (at, id): (Instant, u32)) {
    let Some(local) = Local::current() else { return };
    let (function, arguments) = (timer.function.clone(), timer.arguments.clone());
    // An interval is set again before it is called, so that its callback can clear it.
    let once = match timer.every {
        Some(every) => {
            let next = (at + every).max(host.config.clock.now());
            host.timers.due.borrow_mut().insert((next, id), timer);
            None
        }
        None => Some(timer.pending),
    };
    let called = local.enter("timer", |ctx| call_timer(&ctx, &function, &arguments));
    drop(once);
    match called {
        Ok(Ok(())) => {}
        Ok(Err(error)) => host.report("timer", CallError::Script(error)),
        Err(error) => host.report("timer", error),
    }
}

fn call_timer(ctx: &Ctx<'_>, function: &JsRef, arguments: &[JsRef]) -> std::result::Result<(), JsError> {
    let call = || -> Result<()> {
        let Some(function) = function.get(ctx).and_then(Value::into_function) else { return Ok(()) };
        let mut args = Args::new(ctx.clone(), arguments.len());
        args.push_args(arguments.iter().filter_map(|argument| argument.get(ctx)))?;
        function.call_arg::<Value<'_>>(args).map(drop)
    };
    call().map_err(|error| JsError::from_error(ctx, &error))
}
