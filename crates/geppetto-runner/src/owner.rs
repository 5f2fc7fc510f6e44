//! The owner: starts the thread, keeps it alive, shuts it down.

use crate::condemn::OUT_OF_MEMORY;
use crate::hardening::harden;
use crate::local::{Local, Vm, panic_message};
use crate::memory::Heap;
use crate::rejections::Rejections;
use crate::shared::Shared;
use crate::{ErrorReport, Limits, OwnerRef, SpawnError, block_on, io_handle, watchdog};
use async_executor::LocalExecutor;
use futures_lite::future::or;
use geppetto_time::{Clock, SystemClock};
use rquickjs::{Context, Runtime};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Hears of what goes wrong where nobody waits for a result. Called on the owner's thread, but for `condemned`, and for posted
/// jobs that a shutdown refuses: on that of whoever began it.
pub type ErrorHandler = Arc<dyn Fn(&ErrorReport) + Send + Sync>;

/// How an owner is set up.
#[derive(Clone)]
pub struct OwnerOptions {
    /// The thread's name.
    pub name: String,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// What the VM may use.
    pub limits: Limits,
    /// Hears of what goes wrong where nobody waits for a result; logged otherwise.
    pub on_error: ErrorHandler,
    /// A call that waits longer than this in the queue is logged.
    pub slow_wait: Duration,
    /// Ends what the program has going on in a VM that is given up, before `on_error` hears of it. Called once, with
    /// the reason: on a thread of its own, or on the owner's when memory was the reason.
    pub on_condemned: Option<Arc<dyn Fn(&'static str) + Send + Sync>>,
}

impl Default for OwnerOptions {
    fn default() -> Self {
        Self {
            name: "geppetto-vm".to_owned(),
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            on_error: Arc::new(|report| tracing::error!(op = report.op, error = %report.error, "uncaught")),
            slow_wait: Duration::from_secs(1),
            on_condemned: None,
        }
    }
}

/// A VM and its thread. Clones are the same owner; dropping the last one shuts it down and waits for the thread, for
/// a bounded time, unless it is dropped on that very thread.
#[derive(Clone)]
pub struct Owner {
    guard: Arc<Guard>,
    handle: OwnerRef,
}

struct Guard {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How long the drop of the last owner waits for the thread after it was told to end.
const DROP_BOUND: Duration = Duration::from_secs(5);

impl Owner {
    /// Starts an owner. `setup` is the first thing that happens on its thread, outside any job: it may configure the
    /// engine's runtime, and enter the VM.
    ///
    /// # Errors
    /// When there is no thread, no engine, or `setup` fails; nothing is left then.
    pub fn spawn<F>(options: OwnerOptions, setup: F) -> Result<Self, SpawnError>
    where
        F: FnOnce(&Runtime, &Local) -> Result<(), String> + Send + 'static,
    {
        let shared = Arc::new(Shared::new(&options));
        let OwnerOptions { name, limits, .. } = options;
        watchdog::watch(&shared).map_err(SpawnError::Thread)?;
        let (ready, is_ready) = oneshot::channel();
        let on_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name(name)
            .stack_size(Limits::THREAD_STACK)
            .spawn(move || run_thread(&on_thread, &limits, setup, ready))
            .map_err(SpawnError::Thread)?;
        let guard = Guard { shared: shared.clone(), thread: Mutex::new(Some(thread)) };
        let owner = Self { guard: Arc::new(guard), handle: OwnerRef::new(shared) };
        let lost = || Err(SpawnError::Engine { message: owner.gone().to_string() });
        let ready = async { is_ready.await.unwrap_or_else(|_| lost()) };
        let gone = async {
            owner.ended().await;
            lost()
        };
        block_on(or(ready, gone))?;
        Ok(owner)
    }

    /// The weak handle.
    #[must_use]
    pub fn weak(&self) -> OwnerRef {
        self.handle.clone()
    }

    /// Shuts down: refuses new jobs, ends queued ones, gives what runs `grace` to end and then interrupts it, drops
    /// the VM, and waits until it is gone. Calling it twice is fine. Called on the owner's own thread it only begins.
    pub async fn shutdown(&self, grace: Duration) {
        self.guard.shared.begin_shutdown(grace);
        if !self.guard.shared.is_owner_thread() {
            self.guard.shared.stopped.cancelled().await;
        }
    }
}

impl Deref for Owner {
    type Target = OwnerRef;

    fn deref(&self) -> &OwnerRef {
        &self.handle
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.begin_shutdown(Duration::ZERO);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.shared.is_owner_thread() {
            return;
        }
        // On the real clock: this thread waits for another, whatever time that one lives in.
        let bound = SystemClock.sleep(DROP_BOUND);
        let stopped = block_on(or(
            async {
                self.shared.stopped.cancelled().await;
                true
            },
            async {
                bound.await;
                false
            },
        ));
        match thread {
            // A thread that was given up says itself when it ends, if ever.
            _ if self.shared.condemned().is_some() => {}
            Some(thread) if stopped => drop(thread.join()),
            _ => tracing::error!(
                name = self.shared.name,
                "the runtime's thread does not end and is left behind"
            ),
        }
    }
}

/// Says that the VM is gone, however the thread ends.
struct SayStopped<'a>(&'a Shared);

impl Drop for SayStopped<'_> {
    fn drop(&mut self) {
        self.0.begin_shutdown(Duration::ZERO);
        self.0.stopped.cancel();
        self.0.ended.store(true, Ordering::SeqCst);
        self.0.came_back();
    }
}

fn run_thread<F>(
    shared: &Arc<Shared>,
    limits: &Limits,
    setup: F,
    ready: oneshot::Sender<Result<(), SpawnError>>,
) where
    F: FnOnce(&Runtime, &Local) -> Result<(), String>,
{
    let _ = shared.budget.thread.set(std::thread::current().id());
    #[cfg(target_os = "linux")]
    let _ = shared.system_thread.set(rustix::thread::gettid());
    let _stopped = SayStopped(shared);
    let _io = io_handle().map(|handle| handle.enter());
    let (runtime, vm) = match engine(shared, limits) {
        Ok(engine) => engine,
        Err(error) => {
            let message = error.to_string();
            return drop(ready.send(Err(SpawnError::Engine { message })));
        }
    };
    let local = Local::install(Rc::new(vm));
    shared.budget.memory.enforce(limits.memory);
    let set_up = match catch_unwind(AssertUnwindSafe(|| setup(&runtime, &local))) {
        Ok(result) => result,
        Err(panic) => Err(format!("panic in setup: {}", panic_message(&*panic))),
    };
    let set_up = set_up.map_err(|message| SpawnError::Setup { message });
    let runs = set_up.is_ok();
    let _ = ready.send(set_up);
    if runs {
        shared.budget.limit_jobs(limits.job_time);
        local.run_until_closed();
    }
    local.tear_down();
}

/// The engine looks for garbage first when its heap has so many bytes, and then whenever it has grown by half.
const GC_THRESHOLD: usize = 1024 * 1024;

fn engine(shared: &Arc<Shared>, limits: &Limits) -> rquickjs::Result<(Runtime, Vm)> {
    let given_up = shared.clone();
    let heap = Heap::new(shared.budget.memory.clone(), move || given_up.condemn_stuck(OUT_OF_MEMORY));
    let runtime = Runtime::new_with_alloc(heap)?;
    // Setting up makes no garbage worth looking for.
    runtime.set_gc_threshold(GC_THRESHOLD);
    runtime.set_max_stack_size(limits.engine_stack());
    let asked = shared.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || asked.budget.must_interrupt())));
    let rejections = Rc::new(Rejections::default());
    let told = rejections.clone();
    runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, promise, reason, handled| {
        told.track(&ctx, promise, reason, handled);
    })));
    let context = Context::full(&runtime)?;
    context.with(|ctx| harden(&ctx))?;
    let vm = Vm {
        shared: shared.clone(),
        executor: RefCell::new(Some(Rc::new(LocalExecutor::new()))),
        context,
        table: crate::table::Table::default(),
        rejections,
        waiting_scopes: RefCell::default(),
        depth_limit: limits.depth,
        microtask_limit: limits.microtasks,
        tasks: Cell::new(0),
        tasks_waker: RefCell::default(),
    };
    Ok((runtime, vm))
}
