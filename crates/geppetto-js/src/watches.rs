//! Signals whose listeners wait for their tokens, and which of them are due: asking each of them would take longer the
//! more there are.

use crate::host::Host;
use crate::vm::Vm;
use futures_util::future::select;
use futures_util::stream::{FuturesUnordered, Stream};
use geppetto_inference::{RunCore, RunToken};
use geppetto_runner::{JsRef, Local};
use geppetto_time::Clock;
use rquickjs::Ctx;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// The signals of a VM that are watched.
pub(crate) struct Watches {
    clock: Arc<dyn Clock>,
    signals: RefCell<Signals>,
    /// Each ends with the token of the signal that has this number, or with its run.
    ends: RefCell<FuturesUnordered<Pin<Box<dyn Future<Output = u64>>>>>,
    /// Wakes the task that tells those whom nobody else tells. There is one while any is watched.
    teller: RefCell<Option<Waker>>,
}

#[derive(Default)]
struct Signals {
    watched: BTreeMap<u64, Watched>,
    next: u64,
    /// A token is cancelled at its deadline, not when somebody is woken for it.
    deadlines: BTreeSet<(Instant, u64)>,
    /// Those whose tokens are cancelled, in that order.
    due: Vec<Watched>,
}

/// A signal whose listeners wait for its token.
struct Watched {
    token: RunToken,
    signal: JsRef,
}

impl Watches {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, signals: RefCell::default(), ends: RefCell::default(), teller: RefCell::default() }
    }

    /// Tells the signal when its token is cancelled, unless the run the token belongs to has ended before.
    pub(crate) fn add(host: &Rc<Host>, local: Local, token: RunToken, run: Option<RunCore>, signal: JsRef) {
        let watches = &host.watches;
        let number = watches.signals.borrow_mut().add(Watched { token: token.clone(), signal });
        watches.ends.borrow().push(Box::pin(async move {
            let ended = async {
                match &run {
                    Some(run) => run.finished().await,
                    None => std::future::pending().await,
                }
            };
            drop(select(pin!(token.cancelled()), pin!(ended)).await);
            number
        }));
        let teller = watches.teller.borrow().clone();
        match teller {
            // To ask it for the first time.
            Some(teller) => teller.wake(),
            None => Self::tell_by_a_task(host.clone(), local),
        }
    }

    fn tell_by_a_task(host: Rc<Host>, local: Local) {
        // Until the task's first poll, which comes in any case.
        host.watches.teller.replace(Some(Waker::noop().clone()));
        let inside = local.clone();
        local.spawn(poll_fn(move |cx| {
            let watches = &host.watches;
            watches.teller.replace(Some(cx.waker().clone()));
            if watches.is_due()
                && let Err(error) = inside.enter("abort", |ctx| watches.tell(&ctx, None))
            {
                // A VM that was given up tells nobody any more.
                let untold = std::mem::take(&mut watches.signals.borrow_mut().due);
                drop(untold);
                host.report("listener", error);
            }
            if watches.is_due() {
                // A listener has waited meanwhile, for something that this was not within.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if watches.ends.borrow().is_empty() {
                watches.teller.take();
                return Poll::Ready(());
            }
            Poll::Pending
        }));
    }

    /// Whether somebody has to be told.
    pub(crate) fn is_due(&self) -> bool {
        while let Some(number) = self.next_end() {
            let released = self.signals.borrow_mut().end(number);
            // Not while they are borrowed: it may be the last of a value.
            drop(released);
        }
        let mut signals = self.signals.borrow_mut();
        signals.pass_deadlines(&*self.clock);
        !signals.due.is_empty()
    }

    /// The next signal that need not be watched any longer.
    fn next_end(&self) -> Option<u64> {
        let teller = self.teller.borrow().clone()?;
        match Pin::new(&mut *self.ends.borrow_mut()).poll_next(&mut Context::from_waker(&teller)) {
            Poll::Ready(number) => number,
            Poll::Pending => None,
        }
    }

    /// Tells the listeners of those whose tokens are cancelled, if they are `within` this.
    pub(crate) fn tell(&self, ctx: &Ctx<'_>, within: Option<&RunToken>) {
        if !self.is_due() {
            return;
        }
        let is_within = |watched: &mut Watched| within.is_none_or(|within| within.is_related(&watched.token));
        // Taken at once: what listeners cancel is told behind them.
        let due: Vec<_> = self.signals.borrow_mut().due.extract_if(.., is_within).collect();
        for watched in due {
            watched.dispatch(ctx);
        }
    }
}

impl Signals {
    fn add(&mut self, watched: Watched) -> u64 {
        let number = self.next;
        self.next += 1;
        self.deadlines.extend(watched.token.deadline().map(|at| (at, number)));
        self.watched.insert(number, watched);
        number
    }

    /// Those whose deadlines have passed are due. A deadline of another clock is told by its own.
    fn pass_deadlines(&mut self, clock: &dyn Clock) {
        while let Some((at, number)) = self.deadlines.first().copied()
            && at <= clock.now()
        {
            self.deadlines.pop_first();
            if self.watched.get(&number).is_some_and(|watched| watched.token.is_cancelled()) {
                self.due.extend(self.watched.remove(&number));
            }
        }
    }

    /// Watches it no longer. It is due if its token is cancelled; otherwise it is returned.
    fn end(&mut self, number: u64) -> Option<Watched> {
        let watched = self.watched.remove(&number)?;
        if let Some(at) = watched.token.deadline() {
            self.deadlines.remove(&(at, number));
        }
        if !watched.token.is_cancelled() {
            return Some(watched);
        }
        self.due.push(watched);
        None
    }
}

impl Watched {
    /// Tells the signal's listeners.
    fn dispatch(&self, ctx: &Ctx<'_>) {
        if let Some(signal) = self.signal.get(ctx) {
            let dispatched =
                Vm::of(ctx).prelude(ctx).and_then(|prelude| prelude.dispatch_abort.call::<_, ()>((signal,)));
            // Listeners' own errors are reported one by one; what is left is an interruption.
            let _ = dispatched.inspect_err(|_| drop(ctx.catch()));
        }
    }
}
