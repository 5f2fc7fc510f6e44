//! The host behind a VM: what it was given, and what is going on in it. Lives on the owner's thread.

use crate::around::Around;
use crate::globals::timers::Timers;
use crate::module::EngineFactory;
use crate::pumps::Pumps;
use crate::watches::Watches;
use geppetto_events::{EventSink, Kept, MemoryMeter};
use geppetto_inference::{Failure, InferenceError, Middleware, RunContext, RunToken};
use geppetto_runner::{CallError, Local, MemoryAccount, OwnerRef, WaitError};
use geppetto_time::Clock;
use geppetto_toolloop::{StepController, Tool};
use geppetto_turns::Map;
use rquickjs::Ctx;
use slab::Slab;
use std::cell::RefCell;
use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Makes a host middleware from the options a script passed.
pub type MiddlewareFactory = Arc<dyn Fn(Map) -> Result<Arc<dyn Middleware>, String> + Send + Sync>;

/// Takes what scripts print: the level (`log`, `info`, `debug`, `warn`, `error`) and the text.
pub type ConsoleSink = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// The runs of a VM that go on. Scripts add to it on the owner's thread; the host cancels from any.
#[derive(Debug, Clone, Default)]
pub(crate) struct ActiveRuns(Arc<Mutex<Slab<RunContext>>>);

impl ActiveRuns {
    /// Lists a run until what is returned is dropped: nothing of it is kept behind its end.
    pub(crate) fn add(&self, run: RunContext) -> Active {
        let place = self.lock().insert(run);
        Active { all: self.clone(), place }
    }

    fn lock(&self) -> MutexGuard<'_, Slab<RunContext>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that have not ended.
    pub(crate) fn all(&self) -> Vec<RunContext> {
        self.lock().iter().map(|(_, run)| run).filter(|run| !run.core().is_finished()).cloned().collect()
    }

    /// Ends them all, because nobody drives them any more: the VM was given up.
    pub(crate) fn condemn(&self, why: &str) {
        for run in self.all() {
            let failure = Failure::new(format!("the runtime was condemned: {why}"));
            run.abandon(InferenceError::Limit { failure });
        }
    }
}

/// A run that is listed as going on, held by whoever drives it.
pub(crate) struct Active {
    all: ActiveRuns,
    place: usize,
}

impl Drop for Active {
    fn drop(&mut self) {
        let ended = self.all.lock().remove(self.place);
        // Not while the list is locked.
        drop(ended);
    }
}

/// What a host gives its scripts.
#[derive(Clone)]
pub(crate) struct HostConfig {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sinks: Vec<Arc<dyn EventSink>>,
    pub(crate) tools: Vec<Arc<dyn Tool>>,
    pub(crate) middlewares: Vec<(String, MiddlewareFactory)>,
    pub(crate) engines: Option<Arc<dyn EngineFactory>>,
    pub(crate) console: ConsoleSink,
    pub(crate) largest_source: usize,
    pub(crate) args: Vec<String>,
    pub(crate) forbid_sync_runs: bool,
    pub(crate) steps: Option<StepController>,
}

/// The host behind a VM.
pub(crate) struct Host {
    pub(crate) owner: OwnerRef,
    pub(crate) config: HostConfig,
    /// What the callbacks that are being called belong to, outermost first: a run that starts inside one is its
    /// child.
    enclosing: RefCell<Vec<Around>>,
    /// Deliveries to listeners of runs that go on.
    pub(crate) pumps: Rc<Pumps>,
    pub(crate) watches: Watches,
    pub(crate) timers: Timers,
    /// The folders of the files that were run: each may load what lies beneath its own.
    pub(crate) module_roots: RefCell<Vec<PathBuf>>,
    pub(crate) runs: ActiveRuns,
    /// How many runs, timers and host operations are pending. The command ends when there are none.
    pending: watch::Sender<usize>,
    meter: Arc<dyn MemoryMeter>,
}

impl Host {
    pub(crate) fn new(
        owner: OwnerRef,
        config: HostConfig,
        runs: ActiveRuns,
        pending: watch::Sender<usize>,
    ) -> Self {
        Self {
            meter: Arc::new(Meter(owner.memory())),
            owner,
            watches: Watches::new(config.clock.clone()),
            config,
            enclosing: RefCell::default(),
            pumps: Rc::default(),
            timers: Timers::default(),
            module_roots: RefCell::default(),
            runs,
            pending,
        }
    }

    /// Counts so many bytes that Rust keeps for scripts, as long as what is returned lives.
    pub(crate) fn keep(&self, bytes: usize) -> Kept {
        Kept::new(Some(self.meter()), bytes)
    }

    /// Whether the VM may have so many bytes more, once nobody has what nobody needs.
    pub(crate) fn has_room(ctx: &Ctx<'_>, bytes: usize) -> bool {
        Local::current().is_some_and(|local| local.has_room(ctx, bytes))
    }

    /// Counts what Rust keeps for scripts.
    pub(crate) fn meter(&self) -> Arc<dyn MemoryMeter> {
        self.meter.clone()
    }

    /// Counts something that is pending, until the guard is dropped.
    pub(crate) fn pend(&self) -> Pending {
        self.pending.send_modify(|count| *count += 1);
        Pending { count: self.pending.clone(), _kept: self.keep(PENDING_SIZE) }
    }

    /// Tells the host's uncaught handler.
    pub(crate) fn report(&self, op: &'static str, error: CallError) {
        self.owner.report(op, error);
    }

    /// The run that the callback that is being called belongs to, and the tokens of the calls inside that run.
    pub(crate) fn enclosing(&self) -> (Option<RunContext>, Vec<RunToken>) {
        let mut tokens = Vec::new();
        for around in self.enclosing.borrow().iter().rev() {
            match around {
                Around::Run(run) => return (Some((**run).clone()), tokens),
                Around::Call(token) | Around::Host(token) => tokens.push(token.clone()),
                Around::Nothing => {}
            }
        }
        (None, tokens)
    }

    /// Calls `inside` with `around` as what encloses it.
    pub(crate) fn inside<R>(&self, around: Around, inside: impl FnOnce() -> R) -> R {
        if matches!(around, Around::Nothing) {
            return inside();
        }
        self.enclosing.borrow_mut().push(around);
        let _leave = Leave(self);
        inside()
    }

    /// Tells what has happened meanwhile and cannot wait: abort listeners of cancelled tokens, listeners of events.
    /// Called before each callback and while a synchronous wait goes on; in a wait only of what is `within` it, because
    /// nothing else happens in the VM then.
    pub(crate) fn tell(&self, ctx: &Ctx<'_>, within: Option<&RunToken>) {
        self.watches.tell(ctx, within);
        for pump in self.pumps.due() {
            if within.is_none_or(|within| within.is_related(pump.core().token())) {
                pump.deliver(ctx);
            }
        }
    }

    /// Waits in place for a future of what this token ends, telling listeners meanwhile what happens in it.
    pub(crate) fn wait<F: Future>(
        &self,
        (scope, within): (u64, &RunToken),
        future: F,
    ) -> Result<F::Output, WaitError> {
        let Some(local) = Local::current() else { return Err(WaitError::Shutdown) };
        let mut wait = None;
        let mut future = pin!(future);
        let waited = local.block_on(
            scope,
            poll_fn(|cx| {
                let polled = future.as_mut().poll(cx);
                if polled.is_pending() {
                    wait.get_or_insert_with(|| self.pumps.wait()).register(cx);
                }
                self.tell_in(&local, within);
                polled
            }),
        );
        if let Err(WaitError::OutOfMemory) = &waited {
            // Before what was waited for is dropped: its end is the limit, and no cancellation.
            self.runs.condemn("its script needs more memory than it may have");
        }
        waited
    }

    /// Tells, from outside any job.
    fn tell_in(&self, local: &Local, within: &RunToken) {
        if !self.watches.is_due() && self.pumps.is_idle() {
            return;
        }
        if let Err(error) = local.enter("listeners", |ctx| self.tell(&ctx, Some(within))) {
            self.report("listener", error);
        }
    }
}

/// What Rust keeps for scripts counts against the limit of their VM.
struct Meter(MemoryAccount);

impl MemoryMeter for Meter {
    fn add(&self, bytes: usize) {
        self.0.add(bytes);
    }

    fn remove(&self, bytes: usize) {
        self.0.remove(bytes);
    }
}

struct Leave<'a>(&'a Host);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.enclosing.borrow_mut().pop();
    }
}

/// Something that is pending: while it lives, the VM is not idle.
#[derive(Debug)]
pub(crate) struct Pending {
    count: watch::Sender<usize>,
    _kept: Kept,
}

/// About as many bytes as a timer or an operation of the host takes.
const PENDING_SIZE: usize = 512;

impl Drop for Pending {
    fn drop(&mut self) {
        self.count.send_modify(|count| *count -= 1);
    }
}
