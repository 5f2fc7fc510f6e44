//! The owner's thread from the inside.

use crate::budget::{Budget, Cause, Interruption};
use crate::condemn::OUT_OF_MEMORY;
use crate::rejections::Rejections;
use crate::shared::Shared;
use crate::stats::Counters;
use crate::table::Table;
use crate::{CallError, Frame, OwnerRef, current};
use async_executor::LocalExecutor;
use rquickjs::{Context, Ctx};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

thread_local! {
    static LOCAL: RefCell<Option<Local>> = const { RefCell::new(None) };
}

/// The owner's thread from the inside. It is not `Send`: whoever has one is on the owner's thread.
#[derive(Clone)]
pub struct Local {
    vm: Rc<Vm>,
}

pub(crate) struct Vm {
    pub(crate) shared: Arc<Shared>,
    /// Taken when the thread ends: tasks started after that are dropped at once.
    pub(crate) executor: RefCell<Option<Rc<LocalExecutor<'static>>>>,
    pub(crate) context: Context,
    pub(crate) table: Table,
    pub(crate) rejections: Rc<Rejections>,
    /// The scopes of the synchronous waits that are going on, outermost first.
    pub(crate) waiting_scopes: RefCell<Vec<u64>>,
    pub(crate) depth_limit: usize,
    pub(crate) microtask_limit: usize,
    /// How many of the tasks that a shutdown waits for have not ended.
    pub(crate) tasks: Cell<usize>,
    /// Woken when one of them ends, once the shutdown waits.
    pub(crate) tasks_waker: RefCell<Option<Waker>>,
}

impl Local {
    pub(crate) fn install(vm: Rc<Vm>) -> Self {
        let local = Self { vm };
        LOCAL.set(Some(local.clone()));
        local
    }

    pub(crate) fn uninstall() {
        LOCAL.set(None);
    }

    /// The thread's owner from the inside; `None` on threads that are no owner's.
    #[must_use]
    pub fn current() -> Option<Self> {
        // During the thread's end there is none any more.
        LOCAL.try_with(|local| local.try_borrow().ok()?.clone()).ok().flatten()
    }

    pub(crate) fn vm(&self) -> &Vm {
        &self.vm
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.vm.shared
    }

    pub(crate) fn table(&self) -> &Table {
        &self.vm.table
    }

    /// The owner, to be kept or sent.
    #[must_use]
    pub fn owner(&self) -> OwnerRef {
        OwnerRef::new(self.vm.shared.clone())
    }

    /// Whether what runs now was interrupted: whoever entered the VM is about to hear of it.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.vm.shared.budget.is_interrupted()
    }

    /// At a crossing from a script into the host: stops the script if it should have ended. The engine asks for
    /// itself only now and then, and a script that does little between its calls might go on for long.
    ///
    /// # Errors
    /// An exception that no script can catch is pending.
    pub fn check(&self, ctx: &Ctx<'_>) -> rquickjs::Result<()> {
        if self.vm.shared.budget.must_stop_here() { Err(current::kill(ctx)) } else { Ok(()) }
    }

    /// Runs what may block, such as a write to a pipe: the time it takes is not counted as job time.
    pub fn blocking<R>(&self, work: impl FnOnce() -> R) -> R {
        let budget = &self.vm.shared.budget;
        if budget.is_parked() {
            return work();
        }
        budget.park(self.vm.shared.clock.now());
        // However the work ends: one that is parked is not watched.
        let _unpark = Unpark(budget);
        work()
    }

    /// How many JS values Rust keeps.
    #[must_use]
    pub fn kept_values(&self) -> usize {
        self.vm.table.len()
    }

    /// Runs `job` in the VM, at once: also from inside another job or a host function. The outermost job is followed
    /// by its microtasks.
    ///
    /// # Errors
    /// When it panicked, or was interrupted.
    pub fn enter<R>(
        &self,
        op: &'static str,
        job: impl for<'js> FnOnce(Ctx<'js>) -> R,
    ) -> Result<R, CallError> {
        if self.vm.shared.condemned().is_some() {
            return Err(self.vm.shared.gone());
        }
        let outermost = !current::is_inside();
        let span = tracing::trace_span!("job", op).entered();
        let (result, spent) = self.vm.shared.budget.spend(|| {
            current::with(&self.vm.context, |ctx| {
                let result = self.guarded(op, || job(ctx.clone()));
                if outermost {
                    self.after_job(op, &ctx);
                    self.collect(&ctx);
                }
                result
            })
        });
        drop(span);
        self.vm.shared.counters.ran(op, spent);
        if outermost {
            if self.vm.shared.budget.memory.is_exhausted() {
                self.vm.shared.condemn(OUT_OF_MEMORY, false);
            }
            self.release_dropped();
        }
        result
    }

    /// Runs `job` in the VM inside a frame: its deadline and stop hold for whatever happens in it.
    ///
    /// # Errors
    /// As [`enter`](Local::enter).
    pub fn enter_framed<R>(
        &self,
        op: &'static str,
        frame: Frame,
        job: impl for<'js> FnOnce(Ctx<'js>) -> R,
    ) -> Result<R, CallError> {
        self.vm.shared.budget.framed(frame, || self.enter(op, job))
    }

    fn guarded<R>(&self, op: &'static str, job: impl FnOnce() -> R) -> Result<R, CallError> {
        let counters = &self.vm.shared.counters;
        let done = catch_unwind(AssertUnwindSafe(job));
        // Also of one that panicked: nobody else is to blame for it.
        let interruption = self.vm.shared.budget.take_interruption();
        match done {
            Err(panic) => {
                Counters::count(&counters.panicked);
                Err(CallError::Panicked { op, message: panic_message(&*panic).to_owned() })
            }
            Ok(result) => match interruption {
                // It came to its end before it was interrupted.
                None if self.vm.shared.budget.memory.is_exhausted() => {
                    Counters::count(&counters.failed);
                    Err(CallError::OutOfMemory)
                }
                None => Ok(result),
                Some(Interruption { after, cause }) => {
                    Counters::count(&counters.failed);
                    Err(match cause {
                        Cause::Memory => CallError::OutOfMemory,
                        Cause::JobTime | Cause::Enclosing => CallError::Interrupted { after },
                    })
                }
            },
        }
    }

    /// What follows the outermost job: its microtasks, and the rejections that nobody handles.
    fn after_job(&self, op: &'static str, ctx: &Ctx<'_>) {
        let budget = &self.vm.shared.budget;
        // What one microtask let go of need not wait for the last.
        let limit = self.vm.microtask_limit;
        let mut followed = 0;
        budget.drain(|| {
            while followed <= limit && !budget.is_interrupted() && ctx.execute_pending_job() {
                followed += 1;
                self.vm.table.remove(self.vm.shared.take_releases());
            }
        });
        if followed > limit {
            self.vm.shared.report("microtasks", CallError::TooManyMicrotasks { limit });
            match op {
                // Those that breed would go on for ever.
                LEFT_BEHIND => self.vm.shared.microtasks_killed.notify_waiters(),
                _ => self.run_left_behind(),
            }
        }
        match budget.take_interruption() {
            None => {}
            // The whole VM is given up for it.
            Some(Interruption { cause: Cause::Memory, .. }) => return,
            Some(Interruption { cause: Cause::JobTime, after }) => {
                self.vm.shared.microtasks_killed.notify_waiters();
                self.vm.shared.report("microtasks", CallError::Interrupted { after });
                if op != LEFT_BEHIND {
                    self.run_left_behind();
                }
            }
            Some(Interruption { cause: Cause::Enclosing, after }) => {
                self.vm.shared.continuations_interrupted.fetch_add(1, Ordering::Relaxed);
                // Each ends what computes once: afterwards it may be somebody else's.
                budget.pending_frames.pass_over(self.vm.shared.clock.now(), budget.thread.get());
                // What can never be settled any more is told to whoever waits for it.
                self.collect_now(ctx);
                self.vm.shared.report("continuation", CallError::Interrupted { after });
                self.run_left_behind();
            }
        }
        if self.vm.rejections.is_empty() {
            return;
        }
        for error in self.vm.rejections.take(ctx) {
            self.vm.shared.report("promise", CallError::Script(error));
        }
        // What was thrown may have getters that compute for ever.
        match budget.take_interruption() {
            None | Some(Interruption { cause: Cause::Memory, .. }) => {}
            Some(Interruption { after, .. }) => {
                self.vm.shared.report("promise", CallError::Interrupted { after });
            }
        }
    }

    /// Microtasks behind those that were stopped get a job of their own: nobody may come with another.
    fn run_left_behind(&self) {
        if self.vm.shared.budget.kill.get().is_some_and(|kill| self.vm.shared.clock.now() >= kill) {
            return;
        }
        let local = self.clone();
        self.spawn(async move {
            // What interrupts them is reported there; a VM that was given up runs nothing.
            let _ = local.enter(LEFT_BEHIND, |_| ());
        });
    }

    /// Lets go of the JS values that nobody holds any more.
    pub(crate) fn release_dropped(&self) {
        if current::is_inside() {
            return;
        }
        let ids = self.vm.shared.take_releases();
        if !ids.is_empty() {
            // Inside the context: freeing a value may run finalizers.
            current::with(&self.vm.context, |_| self.vm.table.remove(ids));
        }
    }

    /// Starts a future on the owner's thread. It is polled between jobs, and dropped when the owner shuts down.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let task = async move {
            let guarded = futures_lite::FutureExt::catch_unwind(AssertUnwindSafe(task)).await;
            if let (Err(panic), Some(local)) = (guarded, Self::current()) {
                let message = panic_message(&*panic).to_owned();
                Counters::count(&local.vm.shared.counters.panicked);
                local.vm.shared.report("task", CallError::Panicked { op: "task", message });
            }
        };
        if let Some(executor) = &*self.vm.executor.borrow() {
            executor.spawn(task).detach();
        }
    }
}

impl Local {
    /// The same for a task that ends by itself when the owner shuts down: it is given the shutdown's grace.
    pub fn spawn_to_end(&self, task: impl Future<Output = ()> + 'static) {
        let counted = CountedTask::new(&self.vm);
        self.spawn(async move {
            let _counted = counted;
            task.await;
        });
    }
}

/// The job that runs the microtasks which were left behind.
const LEFT_BEHIND: &str = "microtasks";

struct Unpark<'a>(&'a Budget);

impl Drop for Unpark<'_> {
    fn drop(&mut self) {
        self.0.unpark();
    }
}

/// Counts a local task until it is dropped.
struct CountedTask {
    vm: std::rc::Weak<Vm>,
}

impl CountedTask {
    fn new(vm: &Rc<Vm>) -> Self {
        vm.tasks.set(vm.tasks.get() + 1);
        Self { vm: Rc::downgrade(vm) }
    }
}

impl Drop for CountedTask {
    fn drop(&mut self) {
        if let Some(vm) = self.vm.upgrade() {
            vm.tasks.set(vm.tasks.get() - 1);
            if let Some(waker) = vm.tasks_waker.borrow_mut().take() {
                waker.wake();
            }
        }
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
