//! Delivers a run's events to the listeners and iterators of its handle.
//!
//! Each reads the run's log through a cursor of its own, from the first event. Events are delivered by the task that
//! drives the run, after each of its polls; while something in the run waits synchronously, by that wait; and for
//! who comes after the end, by a task of their own.

use crate::around::frame;
use crate::codec::event;
use crate::fault::Fault;
use crate::host::Host;
use crate::promise::Deferred;
use crate::pumps::{Place, wake_of_next};
use crate::vm::Vm;
use futures_lite::future::yield_now;
use geppetto_events::{Cursor, Event, EventType};
use geppetto_inference::{RunContext, RunCore};
use geppetto_runner::{CallError, Frame, JsError, JsRef, Local};
use geppetto_time::Deadline;
use rquickjs::{Ctx, Object, Value};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

/// The listeners and iterators of a run's handle.
pub(crate) struct Pump {
    core: RunCore,
    /// What bounds the run bounds its listeners, while it goes on.
    deadline: Option<Deadline>,
    /// Where the script started the run.
    started: Rc<str>,
    /// By the `seq` of the event that each hears next, and the order they were added in.
    listeners: RefCell<BTreeMap<(usize, u64), Listener>>,
    iterators: RefCell<Vec<Rc<IteratorState>>>,
    next_id: Cell<u64>,
    /// A listener that makes events is not called inside itself: they come after it.
    delivering: Cell<bool>,
    /// Wakes the task that drives the run, while there is one.
    waker: RefCell<Option<Waker>>,
    place: Place,
}

struct Listener {
    event: Option<EventType>,
    function: JsRef,
    once: bool,
}

/// An iterator over a run's events.
pub(crate) struct IteratorState {
    started: Rc<str>,
    cursor: RefCell<Cursor>,
    /// Promises that wait for events.
    waiting: RefCell<VecDeque<Deferred>>,
    ended: Cell<bool>,
}

impl Pump {
    pub(crate) fn new(host: &Host, run: &RunContext, started: String) -> Rc<Self> {
        let pump = host.pumps.add(|place| Self {
            place,
            core: run.core().clone(),
            deadline: run.deadline(),
            started: started.into(),
            listeners: RefCell::default(),
            iterators: RefCell::default(),
            next_id: Cell::new(0),
            delivering: Cell::new(false),
            waker: RefCell::default(),
        });
        pump.place.look(pump.core.log());
        pump
    }

    pub(crate) fn core(&self) -> &RunCore {
        &self.core
    }

    /// The script's stack where it started the run.
    pub(crate) fn started(&self) -> &str {
        &self.started
    }

    /// Adds a listener; without an event type it hears all. It hears the past with the next delivery.
    pub(crate) fn listen(
        self: &Rc<Self>,
        host: &Rc<Host>,
        event: Option<EventType>,
        function: JsRef,
        once: bool,
    ) {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        self.listeners.borrow_mut().insert((0, id), Listener { event, function, once });
        self.wake(host);
    }

    /// Removes the listeners of an event that are this function, or all of the event.
    pub(crate) fn unlisten<'js>(
        &self,
        ctx: &Ctx<'js>,
        event: Option<EventType>,
        function: Option<&Value<'js>>,
    ) {
        let mut listeners = self.listeners.borrow_mut();
        let kept = listeners.extract_if(.., |_, listener| {
            let same = function.is_none_or(|function| listener.function.get(ctx).as_ref() == Some(function));
            listener.event == event && same
        });
        let removed: Vec<_> = kept.collect();
        drop(listeners);
        drop(removed);
    }

    pub(crate) fn iterate(&self) -> Rc<IteratorState> {
        Rc::new(IteratorState {
            started: self.started.clone(),
            cursor: RefCell::new(self.core.log().cursor(0)),
            waiting: RefCell::default(),
            ended: Cell::new(false),
        })
    }

    /// Sees to a delivery: by the task that drives the run, or after its end by one of its own.
    fn wake(self: &Rc<Self>, host: &Rc<Host>) {
        self.place.make_due();
        if let Some(waker) = self.waker.borrow().as_ref() {
            return waker.wake_by_ref();
        }
        let Some(local) = Local::current() else { return };
        let (pump, host, pending) = (self.clone(), host.clone(), host.pend());
        local.spawn(async move {
            let _pending = pending;
            pump.deliver_all(&host).await;
        });
    }

    /// Called by the task that drives the run, at each poll: new events and new listeners wake it.
    pub(crate) fn register(&self, cx: &mut Context<'_>) {
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        wake_of_next(self.core.log(), cx.waker());
    }

    /// The task that drives the run has ended.
    pub(crate) fn release_task(&self) {
        self.waker.borrow_mut().take();
    }

    /// Delivers all that there is, a delivery after the other, unless the VM is given up.
    pub(crate) async fn deliver_all(&self, host: &Host) {
        while !self.has_nothing_to_do() && host.owner.condemned().is_none() {
            self.deliver_in(host);
            yield_now().await;
        }
    }

    /// Delivers, from outside any job.
    pub(crate) fn deliver_in(&self, host: &Host) {
        self.place.look(self.core.log());
        if self.has_nothing_to_do() || host.owner.condemned().is_some() {
            return;
        }
        let Some(local) = Local::current() else { return };
        if let Err(error) = local.enter_framed("listeners", self.frame(), |ctx| self.deliver(&ctx)) {
            // A listener that was interrupted has had its event; the rest comes with the next delivery.
            self.delivering.set(false);
            self.place.make_due();
            host.report("listener", error);
        }
    }

    /// The bounds of a delivery. What is told of a run that is over has a job's own time.
    fn frame(&self) -> Frame {
        let is_late = self.deadline.is_some_and(|deadline| deadline.is_past(&**self.core.clock()));
        if is_late || self.core.is_finished() || self.core.token().is_cancelled() {
            return Frame::default();
        }
        frame(self.deadline, self.core.token())
    }

    pub(crate) fn has_nothing_to_do(&self) -> bool {
        let length = self.core.log().len();
        let listeners = self.listeners.borrow();
        let heard = listeners.keys().next().is_none_or(|(next, _)| *next >= length);
        let released = listeners.is_empty() || !self.core.is_finished();
        heard && released && self.iterators.borrow().iter().all(|iterator| !iterator.has_work())
    }

    /// Delivers everything that has happened: event by event, each to all that have not heard it.
    pub(crate) fn deliver(&self, ctx: &Ctx<'_>) {
        if self.delivering.replace(true) {
            return;
        }
        self.place.look(self.core.log());
        // Whoever hears of the end has heard of the abort.
        Vm::of(ctx).host.clone().watches.tell(ctx, Some(self.core.token()));
        // What listeners make happen comes with the next delivery: otherwise two that answer each other would never
        // let anybody else have a turn.
        let until = self.core.log().len();
        // What was interrupted, an abort listener too, has no time left: the others are told with the next delivery.
        while Local::current().is_some_and(|local| !local.is_interrupted())
            && let Some((function, event)) = self.next_delivery(until)
        {
            self.call(ctx, &function, &event);
        }
        let iterators: Vec<_> = self.iterators.borrow().clone();
        for iterator in iterators {
            iterator.serve(ctx, &self.core);
        }
        self.iterators.borrow_mut().retain(|iterator| !iterator.waiting.borrow().is_empty());
        let length = self.core.log().len();
        let heard = self.listeners.borrow().keys().next().is_none_or(|(next, _)| *next >= length);
        if heard && self.core.is_finished() {
            let heard = std::mem::take(&mut *self.listeners.borrow_mut());
            drop(heard);
        }
        self.delivering.set(false);
        if !self.has_nothing_to_do() {
            self.place.make_due();
            if let Some(waker) = self.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
    }

    /// The oldest event before `until` that some listener has not heard, and that listener's function.
    fn next_delivery(&self, until: usize) -> Option<(JsRef, Arc<Event>)> {
        let mut listeners = self.listeners.borrow_mut();
        loop {
            let behind = listeners.first_entry().filter(|listener| listener.key().0 < until)?;
            let ((next, id), listener) = behind.remove_entry();
            let event = self.core.log().get(next)?;
            let is_wanted = listener.event.is_none_or(|wanted| wanted == event.event_type());
            let function = is_wanted.then(|| listener.function.clone());
            if !(is_wanted && listener.once) {
                listeners.insert((next + 1, id), listener);
            }
            if let Some(function) = function {
                return Some((function, event));
            }
        }
    }

    fn call<'js>(&self, ctx: &Ctx<'js>, function: &JsRef, event: &Event) {
        let called = || -> rquickjs::Result<()> {
            let Some(function) = function.function(ctx) else { return Ok(()) };
            let returned: Value<'js> = function.call((event::encode(ctx, event)?,))?;
            // What an asynchronous listener rejects with is told as what it throws would be.
            if returned.is_promise() { Vm::of(ctx).prelude(ctx)?.heed.call((returned,)) } else { Ok(()) }
        };
        if let Err(error) = called() {
            let error = JsError::from_error(ctx, &error);
            // An interruption is told by whoever entered the VM.
            if Local::current().is_some_and(|local| !local.is_interrupted()) {
                Vm::of(ctx).host.report("listener", CallError::Script(error));
            }
        }
    }

    /// The promise of an iterator's next event.
    pub(crate) fn next<'js>(
        self: &Rc<Self>,
        ctx: &Ctx<'js>,
        iterator: &Rc<IteratorState>,
    ) -> Result<Value<'js>, Fault> {
        let (promise, deferred) = Deferred::new(ctx)?;
        iterator.waiting.borrow_mut().push_back(deferred);
        iterator.serve(ctx, &self.core);
        if !iterator.waiting.borrow().is_empty() {
            let mut iterators = self.iterators.borrow_mut();
            if !iterators.iter().any(|known| Rc::ptr_eq(known, iterator)) {
                iterators.push(iterator.clone());
            }
        }
        Ok(promise)
    }
}

impl IteratorState {
    fn has_work(&self) -> bool {
        let cursor = self.cursor.borrow();
        !self.waiting.borrow().is_empty() && (cursor.is_at_end() || cursor.clone().try_next().is_some())
    }

    /// Settles waiting promises: with events, then with the end or the run's error.
    fn serve<'js>(&self, ctx: &Ctx<'js>, core: &RunCore) {
        loop {
            let Some(front) = self.waiting.borrow().front().cloned() else { return };
            let event = if self.ended.get() { None } else { self.cursor.borrow_mut().try_next() };
            let settled = match event {
                Some(event) => {
                    event::encode(ctx, &event).and_then(|event| yielded(ctx, Some(event))).map_err(Fault::Js)
                }
                None if self.ended.get() => yielded(ctx, None).map_err(Fault::Js),
                None if core.is_finished() => {
                    self.ended.set(true);
                    match core.outcome() {
                        Some(Err(error)) => Err(Fault::StartedRun(Box::new(error), self.started.to_string())),
                        _ => yielded(ctx, None).map_err(Fault::Js),
                    }
                }
                None => return,
            };
            self.waiting.borrow_mut().pop_front();
            front.settle(ctx, settled);
        }
    }

    /// Ends the iterator: what waits is told that there is nothing more.
    pub(crate) fn leave<'js>(&self, ctx: &Ctx<'js>, core: &RunCore) -> rquickjs::Result<Value<'js>> {
        self.ended.set(true);
        self.serve(ctx, core);
        yielded(ctx, None)
    }
}

/// What an iterator yields: `{ value, done }`.
fn yielded<'js>(ctx: &Ctx<'js>, value: Option<Value<'js>>) -> rquickjs::Result<Value<'js>> {
    let object = Object::new(ctx.clone())?;
    let done = value.is_none();
    crate::function::define(&object, "value", value.unwrap_or_else(|| Value::new_undefined(ctx.clone())))?;
    crate::function::define(&object, "done", done)?;
    Ok(object.into_value())
}
