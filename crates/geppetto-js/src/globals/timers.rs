//! `setTimeout` and its kin: one task of the owner sleeps until the nearest of them.

use crate::call::Call;
use crate::callback::function_arg;
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use crate::host::{Host, Pending};
use crate::promise::keep;
use crate::vm::Vm;
use futures_lite::future::yield_now;
use geppetto_runner::{CallError, JsError, JsRef, Local};
use rquickjs::function::Args;
use rquickjs::{Coerced, Ctx, Result, Value};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// The timers of a VM.
#[derive(Default)]
pub(crate) struct Timers {
    /// By the instant they are due and the order they were set in.
    due: RefCell<BTreeMap<(Instant, u32), Timer>>,
    /// When each is due.
    at: RefCell<HashMap<u32, Instant>>,
    next_id: Cell<u32>,
    /// Wakes the task that sleeps; there is one once the first timer was set.
    waker: RefCell<Option<Waker>>,
    running: Cell<bool>,
}

impl Timers {
    fn set(&self, (at, id): (Instant, u32), timer: Timer) {
        self.at.borrow_mut().insert(id, at);
        self.due.borrow_mut().insert((at, id), timer);
    }

    fn take(&self, id: u32) -> Option<Timer> {
        let at = self.at.borrow_mut().remove(&id)?;
        self.due.borrow_mut().remove(&(at, id))
    }
}

struct Timer {
    function: JsRef,
    arguments: Vec<JsRef>,
    every: Option<Duration>,
    pending: Pending,
}

/// Defines the four functions.
pub(crate) fn install(ctx: &Ctx<'_>) -> Result<()> {
    let globals = Members::of(ctx.globals());
    globals.replaceable("setTimeout", 2, |call| set(call, false))?;
    globals.replaceable("setInterval", 2, |call| set(call, true))?;
    globals.replaceable("clearTimeout", 1, clear)?;
    globals.replaceable("clearInterval", 1, clear)?;
    Ok(())
}

fn set<'js>(call: &Call<'_, 'js>, repeat: bool) -> Fallible<Value<'js>> {
    let name = if repeat { "setInterval" } else { "setTimeout" };
    let callback = function_arg(call.raw(0), name)?;
    // As in browsers and Node: made a number, and what is no positive one is the shortest delay.
    let delay = call.arg(1).map(|delay| Ok::<_, Fault>(delay.get::<Coerced<f64>>()?.0)).transpose()?;
    let delay = delay.filter(|delay| *delay >= 1.0).unwrap_or(1.0);
    let delay = Duration::from_secs_f64(delay.min(2_147_483_647.0) / 1000.0);
    let host = Vm::of(call.ctx()).host.clone();
    let Some(local) = Local::current() else { return Ok(call.undefined()) };
    let timer = Timer {
        function: keep(callback.into_value())?,
        arguments: call.args().skip(2).map(keep).collect::<Fallible<_>>()?,
        every: repeat.then_some(delay),
        pending: host.pend(),
    };
    let id = host.timers.next_id.get().wrapping_add(1);
    host.timers.next_id.set(id);
    host.timers.set((host.config.clock.after(delay), id), timer);
    wake(&host, &local);
    Ok(Value::new_number(call.ctx().clone(), f64::from(id)))
}

fn clear<'js>(call: &Call<'_, 'js>) -> Fallible<Value<'js>> {
    let host = Vm::of(call.ctx()).host.clone();
    let id = call.raw(0).and_then(|id| id.as_number()).filter(|id| (0.0..=f64::from(u32::MAX)).contains(id));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let id = id.filter(|id| id.fract() == 0.0).map(|id| id as u32);
    drop(id.and_then(|id| host.timers.take(id)));
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
                    let timer = host.timers.take(key.1);
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
            host.timers.set((next, id), timer);
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
        let Some(function) = function.function(ctx) else { return Ok(()) };
        let mut args = Args::new(ctx.clone(), arguments.len());
        args.push_args(arguments.iter().filter_map(|argument| argument.get(ctx)))?;
        function.call_arg::<Value<'_>>(args).map(drop)
    };
    call().map_err(|error| JsError::from_error(ctx, &error))
}
