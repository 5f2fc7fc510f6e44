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

    pub(crate) fn vm(&self) -> &Rc<Vm> {
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
}

struct Unpark<'a>(&'a Budget);

impl Drop for Unpark<'_> {
    fn drop(&mut self) {
        self.0.unpark();
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
